// Which grants of a key speak for a caller, as policies with one Allow each.
// https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
import type { AttachedPolicy } from '../../../policy/index.ts';
import type { Call } from '../../call.ts';
import { compiledDocument } from '../iam/documents.ts';
import { idsUnder } from '../iam/entities.ts';
import type { KeyUse, NewGrant } from './conditions.ts';
import { granteeGrants, grants, rowOf, type Grant, type Key } from './model.ts';
import { storedNamesOf } from './principals.ts';

type Pairs = Readonly<Record<string, string>> | undefined;

/** Grants whose grantee the caller may be, and whose operations and constraints cover this use. */
export function grantsInForce(call: Call, key: Key, action: string, use: KeyUse): readonly AttachedPolicy[] {
  const operation = action.slice('kms:'.length);
  const { seen } = call.world;
  const place = { world: seen, account: key.account };
  const found: AttachedPolicy[] = [];
  for (const name of storedNamesOf(call.principal, call.partition)) {
    for (const [id] of idsUnder(place, granteeGrants, `${rowOf(key)}/${name}/`)) {
      const grant = seen.table(grants).get(key.account, `${rowOf(key)}/${id}`);
      if (grant !== undefined && covers(grant, operation, use)) found.push(grantPolicy(grant, [grant.grantee]));
    }
  }
  return found;
}

/** The grant as a policy that lets `principals` in. */
export function grantPolicy(
  grant: Grant,
  principals: readonly string[],
  operations = grant.operations,
): AttachedPolicy {
  const text = JSON.stringify({
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { AWS: principals },
      Action: operations.map((name) => `kms:${name}`),
      Resource: '*',
    },
  });
  return { policy: compiledDocument(grant, text, 'resource'), name: `grant ${grant.id}` };
}

function covers(grant: Grant, operation: string, use: KeyUse): boolean {
  if (!grant.operations.includes(operation)) return false;
  // "the constraint doesn't apply to these operations" (CreateGrant, Constraints); retiring is decided elsewhere.
  if (operation === 'DescribeKey') return true;
  if (operation === 'CreateGrant') return use.newGrant !== undefined && coversChild(grant, use.newGrant);
  const { contextEquals, contextSubset } = grant;
  if (contextEquals !== undefined && !sameAs(contextEquals, use.encryptionContext)) return false;
  return contextSubset === undefined || holds(contextSubset, use.encryptionContext);
}

/** A child allows nothing its parent does not, under constraints at least as strict. */
function coversChild(parent: Grant, child: NewGrant): boolean {
  if (!child.operations.every((name) => parent.operations.includes(name))) return false;
  const { contextEquals, contextSubset } = parent;
  if (contextEquals !== undefined && !(child.contextEquals && sameAs(contextEquals, child.contextEquals))) return false;
  return contextSubset === undefined || holds(contextSubset, child.contextEquals ?? child.contextSubset);
}

/** All of `wanted` is in `given`; case counts. */
function holds(wanted: Pairs, given: Pairs): boolean {
  return Object.entries(wanted ?? {}).every(([name, value]) => given?.[name] === value);
}

function sameAs(one: Pairs, other: Pairs): boolean {
  return holds(one, other) && holds(other, one);
}
