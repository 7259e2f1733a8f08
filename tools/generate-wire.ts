// Writes src/cloud/generated/*.ts: the wire shapes of each service of the embedded AWS, read from the
// run-time schemas of the pinned SDK clients, joined with AWS's constraints in tools/data. With
// `--check` it writes nothing and fails when a committed file is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import * as cloudtrail from '@aws-sdk/client-cloudtrail';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as ec2 from '@aws-sdk/client-ec2';
import * as iam from '@aws-sdk/client-iam';
import * as kms from '@aws-sdk/client-kms';
import * as organizations from '@aws-sdk/client-organizations';
import * as s3 from '@aws-sdk/client-s3';
import * as sts from '@aws-sdk/client-sts';
import { NormalizedSchema } from '@smithy/core/schema';
import type {
  ErrorModel,
  Member,
  OperationModel,
  Protocol,
  Rule,
  ServiceModel,
  Shape,
} from '../src/cloud/protocol/model.ts';
import { offeredCloudTrail, offeredDynamoDb, offeredEc2, offeredS3 } from './offered-operations.ts';

type OperationSchema = readonly [9, string, string, number | Traits, unknown, unknown];
type Traits = Readonly<Record<string, unknown>>;
type Schema = ReturnType<typeof NormalizedSchema.of>;

interface Source {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly settings: { readonly xmlNamespace?: string; readonly version: string; readonly serviceTarget: string };
  readonly protocol: Protocol;
  /** Absent: 1.1. */
  readonly jsonVersion?: '1.0';
  /** Absent: all. */
  readonly offered?: readonly string[];
}

interface Constraint {
  readonly type?: string;
  readonly length?: { readonly min?: number; readonly max?: number };
  readonly range?: { readonly min?: number; readonly max?: number };
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly member?: Constraint;
}

/** `service → operation → member → constraint`, from AWS's published models. */
type Constraints = Readonly<
  Record<
    string,
    { readonly operations: Readonly<Record<string, { readonly input: Readonly<Record<string, Constraint>> }>> }
  >
>;

const region = 'us-east-1';
const settingsOf = (client: { config: object }): Source['settings'] =>
  (client.config as unknown as { protocolSettings: Source['settings'] }).protocolSettings;

const sources: Readonly<Record<string, Source>> = {
  iam: { exports: iam, settings: settingsOf(new iam.IAMClient({ region })), protocol: 'query' },
  sts: { exports: sts, settings: settingsOf(new sts.STSClient({ region })), protocol: 'query' },
  organizations: {
    exports: organizations,
    settings: settingsOf(new organizations.OrganizationsClient({ region })),
    protocol: 'json',
  },
  s3: { exports: s3, settings: settingsOf(new s3.S3Client({ region })), protocol: 'rest-xml', offered: offeredS3 },
  ec2: { exports: ec2, settings: settingsOf(new ec2.EC2Client({ region })), protocol: 'ec2', offered: offeredEc2 },
  kms: { exports: kms, settings: settingsOf(new kms.KMSClient({ region })), protocol: 'json' },
  dynamodb: {
    exports: dynamodb,
    settings: settingsOf(new dynamodb.DynamoDBClient({ region })),
    protocol: 'json',
    jsonVersion: '1.0',
    offered: offeredDynamoDb,
  },
  cloudtrail: {
    exports: cloudtrail,
    settings: settingsOf(new cloudtrail.CloudTrailClient({ region })),
    protocol: 'json',
    offered: offeredCloudTrail,
  },
};

// AWS percent-encodes these documents in IAM's answers: IAM API reference, "Note" of GetRole, GetRolePolicy,
// GetPolicyVersion and GetAccountAuthorizationDetails.
const uriEncoded: ReadonlySet<string> = new Set([
  'Role.AssumeRolePolicyDocument',
  'RoleDetail.AssumeRolePolicyDocument',
  'PolicyDetail.PolicyDocument',
  'PolicyVersion.Document',
  'GetGroupPolicyResponse.PolicyDocument',
  'GetRolePolicyResponse.PolicyDocument',
  'GetUserPolicyResponse.PolicyDocument',
]);

// Tags: the pages "Tag" of the API references of IAM, STS and Organizations. The constraints in tools/data are of
// members of inputs, not of what lies below them.
const tagText = '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]';
const tagRules: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  iam: {
    'Tag.Key': { min: 1, max: 128, pattern: `${tagText}+` },
    'Tag.Value': { min: 0, max: 256, pattern: `${tagText}*` },
  },
  sts: {
    'Tag.Key': { min: 1, max: 128, pattern: `${tagText}+` },
    'Tag.Value': { min: 0, max: 256, pattern: `${tagText}*` },
  },
  organizations: { 'Tag.Key': { min: 1, max: 128 }, 'Tag.Value': { min: 0, max: 256 } },
};

const simpleTargets: Readonly<Record<number, string>> = {
  0: 'string',
  1: 'number',
  2: 'boolean',
  4: 'timestamp',
  5: 'date-time',
  6: 'http-date',
  7: 'epoch-seconds',
  21: 'blob',
  42: 'stream',
};

/** Collects the shapes reachable from the operations of one service. */
class ShapeTable {
  readonly shapes: Record<string, Shape> = {};
  readonly rules: Rule[] = [];
  readonly #rulesByText = new Map<string, number>();
  readonly service: string;

  constructor(service: string) {
    this.service = service;
  }

  ruleIndex(rule: Rule): number {
    const text = JSON.stringify(rule);
    const known = this.#rulesByText.get(text);
    if (known !== undefined) return known;
    this.#rulesByText.set(text, this.rules.length);
    return this.rules.push(rule) - 1;
  }

  /** Name of the target; adds its shape, and those below, when they are not there yet. */
  target(schema: Schema): string {
    const raw = schema.getSchema();
    if (typeof raw === 'number' && raw in simpleTargets) return simpleTargets[raw]!;
    if (schema.isListSchema()) return this.#add(this.#listName(schema), () => this.#list(schema));
    if (schema.isMapSchema()) return this.#add(schema.getName() ?? 'map', () => this.#map(schema));
    if (schema.isStructSchema()) return this.#add(schema.getName()!, () => this.#structure(schema));
    throw new Error(`${this.service}: no wire form for ${schema.getName(true)}`);
  }

  #add(name: string, build: () => Shape): string {
    if (Object.values(simpleTargets).includes(name)) throw new Error(`${name} is the name of a simple target`);
    if (this.shapes[name] === undefined) {
      // Shapes may contain themselves: the name is taken before its members are walked.
      this.shapes[name] = { kind: 'structure', members: {} };
      this.shapes[name] = build();
    }
    return name;
  }

  // A list of a simple type has no schema of its own, only a number; the item's type then names it.
  #listName(schema: Schema): string {
    const raw = schema.getSchema();
    return Array.isArray(raw) ? schema.getName()! : `list of ${this.target(schema.getValueSchema())}`;
  }

  #list(schema: Schema): Shape {
    return { kind: 'list', member: this.member(schema.getValueSchema(), '') };
  }

  #map(schema: Schema): Shape {
    return {
      kind: 'map',
      key: this.member(schema.getKeySchema(), ''),
      value: this.member(schema.getValueSchema(), ''),
    };
  }

  #structure(schema: Schema): Shape {
    const members: Record<string, Member> = {};
    for (const [name, member] of schema.structIterator()) {
      members[name] = this.member(member, `${schema.getName()}.${name}`);
    }
    // The seventh element of a structure's schema counts its required members, which come first.
    const count = (schema.getSchema() as unknown as readonly unknown[])[6];
    const required = typeof count === 'number' ? Object.keys(members).slice(0, count) : [];
    const xmlName = schema.getOwnTraits()['xmlName'];
    return {
      kind: 'structure',
      members,
      ...(required.length > 0 ? { required } : {}),
      ...(xmlName === undefined ? {} : { xmlName }),
    };
  }

  member(schema: Schema, place: string): Member {
    const target = this.target(schema);
    const traits: Traits = schema.getMergedTraits();
    // A structure's own xmlName names the root element only; as a member it goes by the member's.
    const own: Traits = schema.getMemberTraits();
    const binding = httpBinding(traits);
    const rule = tagRules[this.service]?.[place];
    return {
      ...(target === 'string' ? {} : { target }),
      ...(own['xmlName'] === undefined ? {} : { xmlName: own['xmlName'] as string }),
      ...(traits['xmlFlattened'] ? { flattened: true as const } : {}),
      ...(traits['ec2QueryName'] === undefined ? {} : { ec2Name: traits['ec2QueryName'] as string }),
      ...binding,
      ...(traits['xmlAttribute'] ? { attribute: true as const } : {}),
      ...(traits['xmlNamespace'] === undefined ? {} : { xmlns: traits['xmlNamespace'] as readonly [string, string] }),
      ...(traits['sensitive'] ? { sensitive: true as const } : {}),
      ...(this.service === 'iam' && uriEncoded.has(place) ? { uriEncoded: true as const } : {}),
      ...(rule === undefined ? {} : { rule: this.ruleIndex(rule) }),
    };
  }
}

function httpBinding(traits: Traits): Pick<Member, 'in' | 'name'> {
  if (traits['httpLabel']) return { in: 'label' };
  if (traits['httpPayload']) return { in: 'payload' };
  if (traits['httpResponseCode']) return { in: 'status' };
  if (traits['httpQuery'] !== undefined) return { in: 'query', name: traits['httpQuery'] as string };
  if (traits['httpHeader'] !== undefined) return { in: 'header', name: (traits['httpHeader'] as string).toLowerCase() };
  if (traits['httpPrefixHeaders'] !== undefined) {
    return { in: 'prefix', name: (traits['httpPrefixHeaders'] as string).toLowerCase() };
  }
  return {};
}

/** Method, labels and literal query of a REST operation. `needs` are its required query and header members. */
function httpOf(operation: OperationSchema): OperationModel['http'] {
  const traits = operation[3];
  if (typeof traits !== 'object' || traits['http'] === undefined) return undefined;
  const [method, uri, status] = traits['http'] as readonly [string, string, number];
  const [path, queryText = ''] = uri.split('?') as [string, string?];
  const query = Object.fromEntries(
    queryText
      .split('&')
      .filter((part) => part !== '' && !part.startsWith('x-id='))
      .map((part) => part.split('=') as [string, string?])
      .map(([name, value = '']) => [name, value]),
  );
  const input = NormalizedSchema.of(operation[4] as never);
  const members = input.isStructSchema() ? [...input.structIterator()] : [];
  const count = ((input.getSchema() as unknown as readonly unknown[])[6] as number | undefined) ?? 0;
  const bindings = members.slice(0, count).map(([, member]) => httpBinding(member.getMergedTraits()));
  const needs = bindings.filter((one) => one.in === 'query' || one.in === 'header').map((one) => one.name!);
  const hasBucket = members.some(([name]) => name === 'Bucket');
  const labels = path.includes('{Key') ? 2 : hasBucket ? 1 : 0;
  return { method, labels, query, needs, status };
}

// The messages of IAM, STS and Organizations show a pattern without its ends, those of KMS with them.
function patternText(pattern: string, service: string): string {
  return service === 'kms' ? pattern : pattern.replace(/^\^/, '').replace(/\$$/, '');
}

function ruleOf(constraint: Constraint, service: string): Rule | undefined {
  const bounds = constraint.length ?? constraint.range;
  const rule: Rule = {
    ...(constraint.type === 'integer' ? { integer: true as const } : {}),
    ...(bounds?.min === undefined ? {} : { min: bounds.min }),
    ...(bounds?.max === undefined ? {} : { max: bounds.max }),
    ...(constraint.pattern === undefined ? {} : { pattern: patternText(constraint.pattern, service) }),
    ...(constraint.enum === undefined ? {} : { enum: constraint.enum }),
    ...(constraint.member === undefined ? {} : { item: ruleOf(constraint.member, service) ?? {} }),
  };
  return Object.keys(rule).length > 0 ? rule : undefined;
}

function rulesOf(
  constraints: Readonly<Record<string, Constraint>> | undefined,
  table: ShapeTable,
): OperationModel['rules'] {
  const rules: Record<string, number> = {};
  for (const [member, constraint] of Object.entries(constraints ?? {})) {
    const rule = ruleOf(constraint, table.service);
    if (rule !== undefined) rules[member] = table.ruleIndex(rule);
  }
  return Object.keys(rules).length > 0 ? rules : undefined;
}

function errorsOf(source: Source, table: ShapeTable): Record<string, ErrorModel> {
  const errors: Record<string, ErrorModel> = {};
  for (const schema of Object.values(source.exports)) {
    if (!Array.isArray(schema) || schema[0] !== -3 || String(schema[1]).startsWith('smithy.ts.sdk')) continue;
    const traits = schema[3] as Traits;
    const own = [schema[2], traits['httpError'] ?? 400];
    // Over JSON an error goes by its own name, also where the query protocol has another for it.
    const [code, status] = (source.protocol === 'json' ? own : (traits['awsQueryError'] ?? own)) as [string, number];
    errors[code] = { status, shape: table.target(NormalizedSchema.of(schema as never)) };
  }
  return errors;
}

function modelOf(service: string, source: Source, constraints: Constraints): ServiceModel {
  const table = new ShapeTable(service);
  const operations: Record<string, OperationModel> = {};
  for (const schema of Object.values(source.exports) as readonly OperationSchema[]) {
    if (!Array.isArray(schema) || schema[0] !== 9) continue;
    const name = schema[2];
    const http = httpOf(schema);
    if (source.offered !== undefined && !source.offered.includes(name)) {
      operations[name] = { ...(http === undefined ? {} : { http }), unoffered: true };
      continue;
    }
    const [input, output] = [schema[4], schema[5]].map((one) => NormalizedSchema.of(one as never));
    const rules = rulesOf(constraints[service]?.operations[name]?.input, table);
    operations[name] = {
      ...(input!.isStructSchema() ? { input: table.target(input!) } : {}),
      ...(output!.isStructSchema() ? { output: table.target(output!) } : {}),
      ...(http === undefined ? {} : { http }),
      ...(rules === undefined ? {} : { rules }),
    };
  }
  if (source.protocol === 'rest-xml') checkBindings(operations, table);
  const missing = (source.offered ?? []).filter((name) => operations[name] === undefined);
  if (missing.length > 0) throw new Error(`${service}: the client has no ${missing.join(', ')}`);
  return {
    service,
    protocol: source.protocol,
    ...(source.jsonVersion === undefined ? {} : { jsonVersion: source.jsonVersion }),
    version: source.settings.version,
    xmlNamespace: source.settings.xmlNamespace ?? '',
    targetPrefix: source.settings.serviceTarget,
    operations: byPreference(operations),
    errors: errorsOf(source, table),
    shapes: table.shapes,
    rules: table.rules,
  };
}

/** The reader of REST requests relies on it: no input has members that share the body. */
function checkBindings(operations: Readonly<Record<string, OperationModel>>, table: ShapeTable): void {
  for (const [name, { input }] of Object.entries(operations)) {
    const shape = input === undefined ? undefined : table.shapes[input];
    if (shape?.kind !== 'structure') continue;
    const loose = Object.keys(shape.members).filter((member) => shape.members[member]!.in === undefined);
    if (loose.length > 0) throw new Error(`${name}: ${loose.join(', ')} are bound to no part of the request`);
  }
}

/** REST operations in the order in which a request is held against them: most literal query first, then most needs. */
function byPreference(operations: Record<string, OperationModel>): Record<string, OperationModel> {
  const literals = ({ http }: OperationModel): number => Object.keys(http?.query ?? {}).length;
  const needs = ({ http }: OperationModel): number => http?.needs.length ?? 0;
  return Object.fromEntries(
    Object.entries(operations).sort(([, a], [, b]) => literals(b) - literals(a) || needs(b) - needs(a)),
  );
}

/** One line per operation and shape, so that an update of a client shows as a readable difference. */
function printed(model: ServiceModel): string {
  const lines = (value: object): string =>
    `{\n${Object.entries(value)
      .map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`)
      .join(',\n')}}`;
  const { operations, errors, shapes, rules, ...head } = model;
  const json = [
    `{"service":${JSON.stringify(head.service)}`,
    ...Object.entries(head)
      .slice(1)
      .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`),
    `"operations":${lines(operations)}`,
    `"errors":${lines(errors)}`,
    `"shapes":${lines(shapes)}`,
    `"rules":[\n${rules.map((rule) => JSON.stringify(rule)).join(',\n')}]}`,
  ].join(',\n');
  return `// Generated by tools/generate-wire.ts; do not edit. Text, so that it costs nothing until it is parsed.
export const ${model.service}Wire: string = String.raw\`${json.replaceAll('`', '\\u0060').replaceAll('${', '\\u0024{')}\`;
`;
}

const check = process.argv.includes('--check');
const constraints = JSON.parse(readFileSync('tools/data/aws-constraints.json', 'utf8')) as Constraints;
for (const [service, source] of Object.entries(sources)) {
  const file = `src/cloud/generated/${service}.ts`;
  const text = printed(modelOf(service, source, constraints));
  if (!check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is not fresh: run \`npm run generate\``);
    process.exitCode = 1;
  }
}
