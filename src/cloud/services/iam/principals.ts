// Principals inside stored documents. AWS keeps users and roles by unique id, so that a namesake made
// later is not trusted; it shows the ARN while the entity exists and the id afterwards.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
import type { World } from '../../world.ts';
import { find, roleNoun, userNoun, type Place } from './entities.ts';
import { principalIds } from './model.ts';
import { isServicePrincipal } from './service-principals.ts';

const uniqueId = /^A(?:ID|RO)A[A-Z0-9]{17}$/;
const iamArn = /^arn:([\w-]+):iam::(\d{12}):(root|user\/.+|role\/.+)$/;
const stsArn = /^arn:([\w-]+):sts::\d{12}:(?:assumed-role\/[^/*?]+\/[^/*?]+|federated-user\/[^/*?]+)$/;

interface Statement {
  readonly Principal?: unknown;
  readonly NotPrincipal?: unknown;
}

/**
 * The document as AWS stores it: compact, an account as its root ARN, users and roles as unique ids.
 * `invalid` is the first principal AWS would not save, as its message has it: `"AWS":"arn:…"`. The
 * text must have passed `checkDocument`. A user or role that has not propagated yet is invalid.
 */
export function withPrincipalIds(
  text: string,
  world: World,
): { readonly document: string } | { readonly invalid: string } {
  let invalid: string | undefined;
  const document = mapPrincipals(text, (kind, value) => {
    const stored = storedPrincipal(kind, value, world.seen);
    if (stored === undefined) invalid ??= `"${kind === 'AWS' ? kind : kind.toUpperCase()}":"${value}"`;
    return stored ?? value;
  });
  return invalid === undefined ? { document } : { invalid };
}

/** The document as AWS shows it: unique ids of users and roles that exist as their ARNs. */
export function withPrincipalArns(text: string, world: World): string {
  if (!/"A(?:ID|RO)A/.test(text)) return text;
  return mapPrincipals(text, (kind, value) => (kind === 'AWS' ? (principalArn(value, world) ?? value) : value));
}

/** The ARN of the user or role with this unique id, while it exists. */
export function principalArn(id: string, world: World): string | undefined {
  const owner = world.table(principalIds).get('', id);
  if (owner === undefined) return undefined;
  const place: Place = { world, account: owner.account };
  return (owner.kind === 'user' ? find(userNoun, place, owner.name) : find(roleNoun, place, owner.name))?.arn;
}

function storedPrincipal(kind: string, value: string, world: World): string | undefined {
  if (kind === 'Service') return isServicePrincipal(value) ? value : undefined;
  if (kind !== 'AWS' || value === '*') return value;
  if (/^\d{12}$/.test(value)) return `arn:${world.partition}:iam::${value}:root`;
  if (uniqueId.test(value)) return principalArn(value, world) === undefined ? undefined : value;
  if (stsArn.exec(value)?.[1] === world.partition) return value;
  const [, partition, account, rest] = iamArn.exec(value) ?? [];
  if (partition !== world.partition || account === undefined || rest === undefined) return undefined;
  if (rest === 'root') return value;
  const place: Place = { world, account };
  const name = rest.slice(rest.lastIndexOf('/') + 1);
  const row = rest.startsWith('user/') ? find(userNoun, place, name) : find(roleNoun, place, name);
  return row?.arn === value ? row.id : undefined;
}

function mapPrincipals(text: string, change: (kind: string, value: string) => string): string {
  const document = JSON.parse(text) as { Statement?: Statement | Statement[] };
  const mapOne = (principal: unknown): unknown => {
    if (typeof principal !== 'object' || principal === null) return principal;
    return Object.fromEntries(
      Object.entries(principal).map(([kind, value]: [string, string | string[]]) => [
        kind,
        Array.isArray(value) ? value.map((item) => change(kind, item)) : change(kind, value),
      ]),
    );
  };
  const mapStatement = (statement: Statement): Statement =>
    Object.fromEntries(
      Object.entries(statement).map(([name, value]) => [
        name,
        name === 'Principal' || name === 'NotPrincipal' ? mapOne(value) : (value as unknown),
      ]),
    );
  const { Statement: statements } = document;
  if (statements === undefined) return JSON.stringify(document);
  return JSON.stringify({
    ...document,
    Statement: Array.isArray(statements) ? statements.map(mapStatement) : mapStatement(statements),
  });
}
