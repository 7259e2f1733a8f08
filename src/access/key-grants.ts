// The grants of a KMS key as policies: whom each lets do what, and under which conditions. Pure; the cases are
// test/cases/access/key-grants.json.
// A grant alone is enough, without an identity policy and over accounts; it only allows, and a Deny anywhere, a guard rail
// or a boundary of the role still binds (`evaluate`):
// https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
// https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
import type { NamedDocument } from '../policy/index.ts';

type Pairs = Readonly<Record<string, string>>;

/**
 * A grant as ListGrants shows it.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html
 */
export interface KeyGrant {
  readonly GrantId?: string;
  readonly Operations?: readonly string[];
  /** ARN of a user, role, session or account, the id of one that is gone, or the name of a service. */
  readonly GranteePrincipal?: string;
  readonly GranteeServicePrincipal?: string;
  readonly RetiringPrincipal?: string;
  readonly RetiringServicePrincipal?: string;
  /** `arn:aws:iam::222222222222:root`. */
  readonly IssuingAccount?: string;
  readonly Constraints?: {
    readonly EncryptionContextSubset?: Pairs;
    readonly EncryptionContextEquals?: Pairs;
    readonly SourceArn?: string;
  };
}

type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

interface Who {
  readonly principal: '*' | { readonly AWS: string } | { readonly Service: string };
  readonly conditions: Conditions;
}

/** Blocks on the same operator become one. */
function joined(...all: readonly Conditions[]): Conditions {
  const blocks: Record<string, Conditions[string]> = {};
  for (const [operator, block] of all.flatMap((conditions) => Object.entries(conditions))) {
    blocks[operator] = { ...blocks[operator], ...block };
  }
  return blocks;
}

/**
 * A session is named by role and session name. Its ARN tells not under which path the role lies, and which session asks is
 * a fact of the request: so anybody is let in who is both.
 */
function whoIs(name: string): Who {
  const [, partition, account, role, session] =
    /^arn:([^:]+):sts::(\d{12}):assumed-role\/([^/]+)\/(.+)$/.exec(name) ?? [];
  if (role !== undefined) {
    const roles = `arn:${partition}:iam::${account}:role/`;
    const conditions = {
      ArnLike: { 'aws:PrincipalArn': [`${roles}${role}`, `${roles}*/${role}`] },
      StringLike: { 'aws:userid': `*:${session}` },
    };
    return { principal: '*', conditions };
  }
  const isService = !name.startsWith('arn:') && name.includes('.');
  return { principal: isService ? { Service: name } : { AWS: name }, conditions: {} };
}

/**
 * What the encryption context of the request has to be. Of names a constraint minds the case as little as a condition key.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html
 */
function onContext({ EncryptionContextSubset: subset, EncryptionContextEquals: equals }: Constraints): Conditions {
  const pairs = Object.entries({ ...subset, ...equals });
  const values = Object.fromEntries(pairs.map(([name, value]) => [`kms:EncryptionContext:${name}`, value]));
  return joined(
    pairs.length === 0 ? {} : { StringEquals: values },
    equals === undefined
      ? {}
      : { 'ForAllValues:StringEqualsIgnoreCase': { 'kms:EncryptionContextKeys': Object.keys(equals) } },
  );
}

type Constraints = NonNullable<KeyGrant['Constraints']>;

/**
 * A grant made by grant may do no more than this one, under constraints at least as strict.
 * https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html#grant-creategrant
 */
function onChild(operations: readonly string[], { EncryptionContextEquals: equals }: Constraints): Conditions {
  return joined(
    { 'ForAllValues:StringEquals': { 'kms:GrantOperations': operations } },
    equals === undefined ? {} : { StringEquals: { 'kms:GrantConstraintType': 'EncryptionContextEquals' } },
  );
}

function statement(
  { principal, conditions }: Who,
  actions: readonly string[],
  ...more: readonly Conditions[]
): object[] {
  if (actions.length === 0) return [];
  const all = joined(conditions, ...more);
  return [
    {
      Effect: 'Allow',
      Principal: principal,
      Action: actions.map((name) => `kms:${name}`),
      Resource: '*',
      ...(Object.keys(all).length === 0 ? {} : { Condition: all }),
    },
  ];
}

/** "the constraint doesn't apply to these operations" (CreateGrant, Constraints); what a new grant may be is told apart. */
const withoutContext = new Set(['CreateGrant', 'DescribeKey', 'RetireGrant']);

/**
 * The grant as a policy of the key. Its retiring is a statement too: by whom it names and by the account that made it.
 * https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html
 */
export function grantPolicy(grant: KeyGrant): NamedDocument {
  const {
    GrantId: id = '',
    Operations: operations = [],
    Constraints: constraints = {},
    IssuingAccount: issuer,
  } = grant;
  const grantee = grant.GranteeServicePrincipal ?? grant.GranteePrincipal;
  const retiring = grant.RetiringServicePrincipal ?? grant.RetiringPrincipal;
  const { SourceArn: source } = constraints;
  const onBehalf: Conditions = source === undefined ? {} : { ArnEquals: { 'aws:SourceArn': source } };
  const context = onContext(constraints);
  const has = (name: string): readonly string[] => (operations.includes(name) ? [name] : []);
  const uses = operations.filter((name) => !withoutContext.has(name));
  const retirers = [...(operations.includes('RetireGrant') ? [grantee] : []), retiring, issuer];
  const given = grantee === undefined ? undefined : whoIs(grantee);
  const Statement = [
    ...(given === undefined
      ? []
      : [
          ...statement(given, uses, onBehalf, context),
          ...statement(given, has('DescribeKey'), onBehalf),
          ...statement(given, has('CreateGrant'), onBehalf, context, onChild(operations, constraints)),
        ]),
    ...[...new Set(retirers)]
      .filter((name) => name !== undefined)
      .flatMap((name) => statement(whoIs(name), ['RetireGrant'])),
  ];
  // SECURITY: in this version `${…}` is text, as it is in a constraint.
  return { name: `grant ${id}`, document: { Version: '2008-10-17', Statement } };
}
