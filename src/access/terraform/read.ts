// A Terraform file as it comes: `terraform show -json` of a state or of a plan, or a raw state. Told apart, its
// version judged, and its resources picked down to what may be read (attributes.ts).
import { isObject } from '../../base/index.ts';
import { accessFailure } from '../failures.ts';
import type { Finding } from '../findings.ts';
import { passedOver, readAttributes, secretTypes } from './attributes.ts';
import { readConfiguration, type Configuration } from './configuration.ts';
import { isRead, pickResource, type RawResource, type TerraformResource } from './resource.ts';
import { flagIn, listIn, numberIn, objectIn, textIn, textsIn } from './values.ts';

export interface TerraformFile {
  readonly format: 'state' | 'plan' | 'raw state';
  /** What is there now: the state, or what a plan found. */
  readonly before: readonly TerraformResource[];
  /** What a plan wants; the same as `before` in a state. */
  readonly after: readonly TerraformResource[];
  readonly configuration: Configuration;
  /** Values of the root module's variables: texts that are not marked as sensitive. */
  readonly variables: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
}

const unreadable = (file: string, problem: string, hint: string): Error =>
  accessFailure('terraform-unreadable', `\`${file}\` ${problem}`, { hint });

/** The JSON of the file. Parser messages are not passed on: they quote the text, which may hold secrets. */
function parseText(file: string, text: string): Readonly<Record<string, unknown>> {
  if (text.startsWith('PK')) {
    throw unreadable(
      file,
      'is a plan as Terraform keeps it',
      'run `terraform show -json FILE > plan.json`, and give that',
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw unreadable(file, 'is no JSON', 'give the output of `terraform show -json`');
  }
  if (!isObject(json)) throw unreadable(file, 'is no Terraform file', 'give the output of `terraform show -json`');
  if ('encrypted_data' in json) {
    throw accessFailure('terraform-encrypted', `\`${file}\` is an encrypted state of OpenTofu`, {
      hint: 'run `tofu show -json > state.json` where its key is, and give that',
    });
  }
  return json;
}

/** Minor versions only add (Terraform, "JSON output format"): another major could mean anything. */
function checkVersion(file: string, json: Readonly<Record<string, unknown>>): void {
  const version = textIn(json, 'format_version') ?? 'none';
  if (/^1\.\d+$/.test(version)) return;
  throw accessFailure('terraform-version', `\`${file}\` has format version \`${version}\`; this Stint reads 1.x`, {
    hint: 'make it with Terraform 1.1 or newer, or with a newer Stint read it',
  });
}

function* resourcesOf(module: unknown): Generator {
  yield* listIn(module, 'resources');
  for (const child of listIn(module, 'child_modules')) yield* resourcesOf(child);
}

function indexOf(value: unknown): string | number | undefined {
  return textIn(value, 'index') ?? numberIn(value, 'index');
}

/** The resources of `values` in a state, or of `prior_state.values` and `planned_values` in a plan. */
function shownResources(values: unknown, configuration: Configuration): RawResource[] {
  return [...resourcesOf(objectIn(values, 'root_module'))].map((it) => {
    const address = textIn(it, 'address') ?? '';
    return {
      address,
      type: textIn(it, 'type') ?? '',
      mode: textIn(it, 'mode') ?? 'managed',
      index: indexOf(it),
      values: objectIn(it, 'values'),
      sensitive: objectIn(it, 'sensitive_values'),
      provider: providerOf(configuration, address),
      dependsOn: textsIn(it, 'depends_on'),
    };
  });
}

const providerOf = (configuration: Configuration, address: string): string | undefined =>
  configuration.providerOf(address.replaceAll(/\[(?:"(?:[^"\\]|\\.)*"|\d+)\]/g, ''));

/** What a plan makes of each resource: planned values know nothing of what is unknown, so changes are read. */
function plannedResources(changes: readonly unknown[], configuration: Configuration): RawResource[] {
  return changes.flatMap((it): RawResource[] => {
    const change = objectIn(it, 'change');
    if (!isObject(change['after'])) return [];
    const address = textIn(it, 'address') ?? '';
    return [
      {
        address,
        type: textIn(it, 'type') ?? '',
        mode: textIn(it, 'mode') ?? 'managed',
        index: indexOf(it),
        values: objectIn(change, 'after'),
        unknown: change['after_unknown'],
        sensitive: change['after_sensitive'],
        provider: providerOf(configuration, address),
      },
    ];
  });
}

function instanceAddress(module: string | undefined, type: string, name: string, index: unknown): string {
  const key = typeof index === 'number' ? `[${index}]` : typeof index === 'string' ? `[${JSON.stringify(index)}]` : '';
  return `${module === undefined ? '' : `${module}.`}${type}.${name}${key}`;
}

/** `provider["registry.terraform.io/hashicorp/aws"].dev`, also inside a module, becomes `aws.dev`. */
function providerKey(text: string | undefined): string | undefined {
  const found = /provider\["[^"]*?([\w-]+)"\](?:\.([\w-]+))?$/.exec(text ?? '');
  return found === null ? undefined : [found[1], found[2]].filter((part) => part !== undefined).join('.');
}

/** A raw state marks secrets by paths: `[[{"type":"get_attr","value":"secret"}]]`. Whole attributes are left out. */
function rawMask(instance: unknown): Record<string, true> {
  const paths = listIn(instance, 'sensitive_attributes').map((path) => (Array.isArray(path) ? path[0] : path));
  return Object.fromEntries(paths.map((step) => [textIn(step, 'value') ?? '', true as const]));
}

function rawResources(json: unknown): RawResource[] {
  return listIn(json, 'resources').flatMap((resource) =>
    listIn(resource, 'instances').map((instance): RawResource => {
      const type = textIn(resource, 'type') ?? '';
      const mode = textIn(resource, 'mode') ?? 'managed';
      const index = textIn(instance, 'index_key') ?? numberIn(instance, 'index_key');
      const prefix = mode === 'data' ? 'data.' : '';
      return {
        address: instanceAddress(textIn(resource, 'module'), `${prefix}${type}`, textIn(resource, 'name') ?? '', index),
        type,
        mode,
        index,
        values: objectIn(instance, 'attributes'),
        sensitive: rawMask(instance),
        provider: providerKey(textIn(resource, 'provider')),
        dependsOn: textsIn(instance, 'dependencies'),
      };
    }),
  );
}

/** Variables may hold secrets: only texts that the configuration does not mark are read, and only of account ids. */
function rootVariables(json: unknown): Record<string, string> {
  const declared = objectIn(objectIn(objectIn(json, 'configuration'), 'root_module'), 'variables');
  return Object.fromEntries(
    Object.entries(objectIn(json, 'variables')).flatMap(([name, variable]) => {
      const value = textIn(variable, 'value');
      const telling =
        value !== undefined && /^(?:\d{12}|o-[a-z0-9]{10,32}|arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+)$/.test(value);
      return telling && !flagIn(declared[name], 'sensitive') ? [[name, value] as const] : [];
    }),
  );
}

const terraformFinding = (severity: Finding['severity'], code: string, message: string, hint?: string): Finding => ({
  severity,
  code,
  message,
  hint,
});

/** Resources with a secret in them, and IAM types that this reader does not know. */
function typeFindings(raw: readonly RawResource[]): Finding[] {
  const managed = raw.filter(({ mode }) => mode === 'managed');
  const secrets = managed
    .filter(({ type }) => Object.hasOwn(secretTypes, type))
    .map(({ address, type }) =>
      terraformFinding(
        'warning',
        'secret-in-state',
        `\`${address}\` keeps ${secretTypes[type]} in the Terraform state, in clear for everyone who reads it; it was not read`,
        'take it out of Terraform, and change the secret',
      ),
    );
  const strange = new Map<string, number>();
  for (const { type } of managed) {
    if (!/^aws_(?:iam|organizations)_/.test(type) || Object.hasOwn(readAttributes, type) || passedOver.has(type))
      continue;
    strange.set(type, (strange.get(type) ?? 0) + 1);
  }
  const unread = [...strange].map(([type, count]) =>
    terraformFinding(
      'warning',
      'terraform-not-read',
      `${count} \`${type}\` ${count === 1 ? 'is' : 'are'} not read`,
      'write what it says by hand',
    ),
  );
  return [...secrets, ...unread];
}

function sensitiveFindings(resources: readonly TerraformResource[]): Finding[] {
  return resources.flatMap(({ address, sensitive }) =>
    [...sensitive].map((name) =>
      terraformFinding(
        'warning',
        'terraform-sensitive',
        `\`${name}\` of \`${address}\` is marked as sensitive in Terraform, so it was not read`,
        'write it by hand, or take the mark off: a policy is no secret',
      ),
    ),
  );
}

const picked = (raw: readonly RawResource[]): TerraformResource[] =>
  raw.filter(({ type, mode }) => isRead(type, mode)).map(pickResource);

function readState(format: 'state' | 'raw state', raw: readonly RawResource[]): TerraformFile {
  const resources = picked(raw);
  const warning = terraformFinding(
    'warning',
    'terraform-raw-state',
    'this is a raw state, whose format Terraform does not promise to keep',
    'give the output of `terraform show -json`',
  );
  return {
    format,
    before: resources,
    after: resources,
    configuration: readConfiguration(undefined, {}),
    variables: {},
    findings: [...(format === 'state' ? [] : [warning]), ...typeFindings(raw), ...sensitiveFindings(resources)],
  };
}

function readPlan(json: Readonly<Record<string, unknown>>): TerraformFile {
  const variables = rootVariables(json);
  const configuration = readConfiguration(json['configuration'], variables);
  const seen = shownResources(objectIn(objectIn(json, 'prior_state'), 'values'), configuration);
  const planned = plannedResources(listIn(json, 'resource_changes'), configuration);
  const after = picked(planned);
  const data = picked(seen.filter(({ mode }) => mode === 'data'));
  const broken = flagIn(json, 'errored') || json['complete'] === false;
  const incomplete = terraformFinding(
    'warning',
    'terraform-incomplete',
    'Terraform could not plan everything: what it left out is not judged',
    'mend the configuration, and plan again',
  );
  return {
    format: 'plan',
    before: picked(seen),
    after: [...after, ...data],
    configuration,
    variables,
    findings: [...(broken ? [incomplete] : []), ...typeFindings(planned), ...sensitiveFindings(after)],
  };
}

/**
 * Reads the text of a Terraform file. `file` is its name, for messages; nothing of its text enters one.
 * @throws Failure `terraform-unreadable`, `terraform-encrypted`, `terraform-version`.
 */
export function readTerraform(file: string, text: string): TerraformFile {
  const json = parseText(file, text);
  if ('format_version' in json) {
    checkVersion(file, json);
    if (Array.isArray(json['resource_changes']) || isObject(json['planned_values'])) return readPlan(json);
    const configuration = readConfiguration(undefined, {});
    return readState('state', shownResources(objectIn(json, 'values'), configuration));
  }
  if (json['version'] === 4 && Array.isArray(json['resources'])) return readState('raw state', rawResources(json));
  if (typeof json['version'] === 'number' && 'lineage' in json) {
    throw accessFailure(
      'terraform-version',
      `\`${file}\` is a raw state of version \`${json['version']}\`; this Stint reads 4`,
      {
        hint: 'give the output of `terraform show -json`',
      },
    );
  }
  throw unreadable(file, 'is neither a state nor a plan of Terraform', 'give the output of `terraform show -json`');
}
