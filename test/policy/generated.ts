// Generated requests over a small alphabet, so that policies and requests meet often: few actions, resources, keys and
// values, but every kind of principal, policy type, element and condition family.
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import {
  compilePolicy,
  contextOf,
  preparePrincipal,
  type AttachedPolicy,
  type AuthorizationRequest,
  type DocumentKind,
  type Principal,
} from '../../src/policy/index.ts';
import type { NaiveDocument, NaiveRequest, NaiveStatement } from './naive.ts';

const principals = JSON.parse(
  readFileSync(new URL('../cases/policy/principals.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Principal>>;

const some = <Value>(values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values);
const few = <Value>(values: readonly Value[]): fc.Arbitrary<Value | Value[]> =>
  fc.oneof(some(values), fc.array(some(values), { minLength: 1, maxLength: 3 }));

const actionPatterns = ['*', 's:*', 's:A', 'S:a?', 's:?b', 't:*', '*:AB'];
const resourcePatterns = [
  '*',
  'arn:aws:s:::x*',
  'arn:aws:s:::x/${aws:username}',
  "arn:aws:s:::${aws:username, 'y'}",
  'arn:aws:s:::?',
  'arn:aws:s',
  'arn:aws:s:::x/${*}',
];
const conditions: readonly (readonly [string, string, readonly string[]])[] = [
  ...[
    'StringEquals',
    'StringNotEquals',
    'StringLike',
    'StringNotLike',
    'StringEqualsIgnoreCase',
    'StringLikeIfExists',
  ].map((operator) => [operator, 'k:Text', ['a', 'A*', '${aws:username}', '?', '']] as const),
  ...[
    'ForAllValues:StringEquals',
    'ForAnyValue:StringLike',
    'ForAnyValue:StringNotEquals',
    'ForAllValues:StringNotLike',
    'StringEquals',
    'ForAnyValue:StringEqualsIfExists',
  ].map((operator) => [operator, 'k:List', ['a', 'b', '*']] as const),
  ...['NumericEquals', 'NumericNotEquals', 'NumericLessThan'].map(
    (operator) => [operator, 'k:Number', ['1', '5', 'x']] as const,
  ),
  ['DateGreaterThan', 'k:Date', ['2026-01-01T00:00:00Z', '2025-01-01']],
  ...['Bool', 'BoolIfExists'].map((operator) => [operator, 'k:Flag', ['true', 'False']] as const),
  ...['IpAddress', 'NotIpAddress'].map(
    (operator) => [operator, 'k:Address', ['10.0.0.0/8', '192.0.2.1', '0.0.0.0/0']] as const,
  ),
  ...['ArnLike', 'ArnNotLike'].map(
    (operator) => [operator, 'k:Arn', ['arn:aws:s:::x*', 'arn:*:*:*:*:y', 'arn:aws:s:*']] as const,
  ),
  ['Null', 'k:Text', ['true']],
  ['Null', 'k:List', ['false']],
];

const condition = fc
  .array(
    some(conditions).chain(([operator, key, values]) => few(values).map((wanted) => ({ operator, key, wanted }))),
    {
      maxLength: 2,
    },
  )
  .map((lines) => {
    const block: Record<string, Record<string, string | string[]>> = {};
    for (const { operator, key, wanted } of lines) (block[operator] ??= {})[key] = wanted;
    return block;
  });

const names = [
  '*',
  '111111111111',
  'arn:aws:iam::222222222222:root',
  'arn:aws:iam::111111111111:user/alice',
  'AIDAALICE000000000001',
  'arn:aws:iam::111111111111:role/svc/app',
  'arn:aws:sts::111111111111:assumed-role/app/deploy',
  'arn:aws:sts::111111111111:federated-user/guest',
  'arn:aws:iam::222222222222:user/carol',
];
const who = fc.record({
  AWS: fc.array(some(names), { minLength: 1, maxLength: 4 }),
  Service: fc.array(some(['sns.amazonaws.com', 'ec2.amazonaws.com']), { minLength: 1, maxLength: 1 }),
});

const effect = some(['Allow', 'Allow', 'Allow', 'Allow', 'Deny'] as const);
const action = few(actionPatterns).chain((Action) => some([{ Action }, { Action }, { NotAction: Action }]));
const resource = few(resourcePatterns).chain((Resource) =>
  some([{ Resource }, { Resource }, { NotResource: Resource }]),
);
const principal = who.chain((Principal) =>
  some([{ Principal }, { Principal }, { Principal: '*' as const }, { NotPrincipal: Principal }]),
);
const rest = fc
  .tuple(effect, action, condition)
  .map(([Effect, actions, Condition]) => ({ Effect, ...actions, Condition }));

const plain = fc.tuple(rest, resource).map(([head, tail]): NaiveStatement => ({ ...head, ...tail }));
const withPrincipal = fc.tuple(plain, principal).map(([head, tail]): NaiveStatement => ({ ...head, ...tail }));
const trusting = fc
  .tuple(effect, few(['sts:*', 'sts:AssumeRole', 'STS:assume?ole']), condition, who)
  .map(([Effect, Action, Condition, Principal]): NaiveStatement => ({ Effect, Action, Condition, Principal }));
const guard = fc.oneof(
  fc.constant<NaiveStatement>({ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }),
  fc
    .tuple(few(actionPatterns.filter((pattern) => pattern !== '*')), few(resourcePatterns), condition)
    .map(([Action, Resource, Condition]): NaiveStatement => ({
      Effect: 'Deny',
      Principal: '*',
      Action,
      Resource,
      Condition,
    })),
);

const document = (statement: fc.Arbitrary<NaiveStatement>): fc.Arbitrary<NaiveDocument> =>
  fc
    .tuple(some(['2012-10-17', '2012-10-17', '2008-10-17']), fc.array(statement, { minLength: 1, maxLength: 3 }))
    .map(([Version, Statement]) => ({ Version, Statement }));
const broad = fc.constant<NaiveDocument>({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});
const mostlyBroad = fc.oneof({ weight: 1, arbitrary: broad }, { weight: 1, arbitrary: document(plain) });
const level = fc.array(mostlyBroad, { maxLength: 2 });

const context = fc.record(
  {
    'aws:UserName': some(['alice', 'x', '*', 'a']),
    'k:text': some(['a', 'A', 'alice', 'ab', '']),
    'K:LIST': fc.oneof(fc.array(some(['a', 'b', 'c']), { maxLength: 2 }), some(['a', ''])),
    'k:number': some(['1', '4', 'x']),
    'k:date': some(['2025-06-01T00:00:00Z', '2026-06-01', 'soon']),
    'k:flag': some(['true', 'FALSE', 'maybe']),
    'k:address': some(['10.1.2.3', '192.0.2.1', 'none']),
    'k:arn': some(['arn:aws:s:::x', 'arn:aws:s:::x:y', 'arn:aws:t:::y', 'x']),
  },
  { requiredKeys: [] },
);

/** Mostly nothing, so that other policy types get to decide. */
const seldom = <Value>(lists: fc.Arbitrary<Value[]>): fc.Arbitrary<Value[]> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant<Value[]>([]) }, { weight: 1, arbitrary: lists });

export const asked = fc
  .record({
    principal: some(Object.values(principals)),
    action: some(['s:A', 's:AB', 'S:ab', 't:A']),
    resource: some(['arn:aws:s:::x', 'arn:aws:s:::y', 'arn:aws:s:::x/alice', 'arn:aws:s:::x/*', '*']),
    account: some(['111111111111', '111111111111', '222222222222']),
    context,
    identity: fc.array(mostlyBroad, { maxLength: 2 }),
    boundary: fc.option(mostlyBroad, { nil: undefined, freq: 2 }),
    session: fc.option(fc.array(mostlyBroad, { maxLength: 2 }), { nil: undefined, freq: 2 }),
    scps: seldom(fc.array(level, { maxLength: 2 })),
    rcps: seldom(fc.array(fc.array(document(guard), { minLength: 1, maxLength: 2 }), { maxLength: 2 })),
    kind: some(['resource', 'resource', 'key', 'trust'] as const),
    resourcePolicy: fc.option(document(withPrincipal), { nil: undefined }),
    endpoint: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: document(withPrincipal) },
    ),
    trust: document(trusting),
  })
  .map(({ trust, ...request }): NaiveRequest => {
    if (request.kind === 'trust') {
      const role = 'arn:aws:iam::111111111111:role/target';
      return { ...request, action: 'sts:AssumeRole', resource: role, resourcePolicy: trust };
    }
    // Roles and keys always have a policy; what has none is another resource.
    return request.resourcePolicy === undefined ? { ...request, kind: 'resource' } : request;
  });

/** A statement for identity-like documents that denies. */
export const denial = plain.map((statement): NaiveStatement => ({ ...statement, Effect: 'Deny' }));
export { mostlyBroad as anyPolicy, level as anyLevel, actionPatterns };

function attach(given: NaiveDocument, kind: DocumentKind): AttachedPolicy {
  return { policy: compilePolicy(JSON.stringify(given), kind) };
}

/** The same request for the engine. */
export function engineRequest(given: NaiveRequest): AuthorizationRequest {
  const all = (documents: readonly NaiveDocument[], kind: DocumentKind): AttachedPolicy[] =>
    documents.map((each) => attach(each, kind));
  const kind = given.kind === 'trust' ? 'trust' : 'resource';
  return {
    principal: given.principal,
    policies: preparePrincipal({
      identity: all(given.identity, 'identity'),
      boundary: given.boundary && attach(given.boundary, 'identity'),
      session: given.session && all(given.session, 'session'),
      scps: given.scps.map((each) => all(each, 'scp')),
    }),
    action: given.action,
    resource: {
      arn: given.resource,
      account: given.account,
      policy: given.resourcePolicy && { kind: given.kind, attached: attach(given.resourcePolicy, kind) },
      rcps: given.rcps.map((each) => all(each, 'rcp')),
    },
    context: contextOf(given.context),
    endpoint: given.endpoint && attach(given.endpoint, 'resource'),
  };
}
