// Grants: made, listed, revoked by whoever manages the key, retired by whom the grant names.
// https://docs.aws.amazon.com/kms/latest/developerguide/grant-manage.html
import type * as Sdk from '@aws-sdk/client-kms';
import { operation, type Call, type Permission } from '../../call.ts';
import { idsUnder } from '../iam/entities.ts';
import type { Parsed } from '../iam/shapes.ts';
import { keyPermission } from './access.ts';
import type { Keys, NewGrant } from './conditions.ts';
import {
  checkDryRun,
  invalidGrantId,
  invalidGrantToken,
  limitExceeded,
  notFound,
  unsupported,
  validation,
} from './failures.ts';
import { grantOf, grantsOf, grantsTo, removeGrant, saveGrant } from './grant-rows.ts';
import { grantPolicy } from './grants-in-force.ts';
import { readGrantToken, writeGrantToken } from './grant-token.ts';
import { liveKey, needKey } from './lookup.ts';
import { grants, keyArn, retirableGrants, type Grant, type Key } from './model.ts';
import { afterMarker, pageOf } from './page.ts';
import { accountOfPrincipal, shownPrincipal, storedPrincipal } from './principals.ts';
import { grantableOperations } from './specs.ts';
import { refuseUnusable } from './state.ts';

const sizes = { usual: 50, most: 100 };

function newGrant(input: Parsed<Sdk.CreateGrantRequest>): NewGrant {
  const { EncryptionContextEquals, EncryptionContextSubset } = input.Constraints ?? {};
  return {
    operations: input.Operations,
    contextEquals: EncryptionContextEquals,
    contextSubset: EncryptionContextSubset,
  };
}

function grantContext(input: Parsed<Sdk.CreateGrantRequest>): Keys {
  const { contextEquals, contextSubset } = newGrant(input);
  return {
    'kms:GrantOperations': input.Operations,
    'kms:GranteePrincipal': input.GranteePrincipal,
    'kms:RetiringPrincipal': input.RetiringPrincipal,
    'kms:GrantConstraintType':
      contextEquals === undefined ? contextSubset && 'EncryptionContextSubset' : 'EncryptionContextEquals',
    'kms:GrantIsForAWSResource': 'false',
  };
}

const createGrant = operation<Parsed<Sdk.CreateGrantRequest>, Sdk.CreateGrantResponse>({
  depth: 'Services are no grantees.',
  permissions: (input, call) => {
    const found = needKey(call, input.KeyId, { aliases: false });
    const grant = newGrant(input);
    const encryptionContext = { ...grant.contextSubset, ...grant.contextEquals };
    const use = { context: grantContext(input), encryptionContext, newGrant: grant };
    return [keyPermission(call, 'kms:CreateGrant', found, use)];
  },
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    refuseUnusable(call, key);
    checkOperations(key, input);
    const wanted = wantedGrant(call, key, input);
    checkDryRun(input);
    const grant = sameGrant(call, key, wanted) ?? addGrant(call, key, wanted);
    return { GrantId: grant.id, GrantToken: writeGrantToken(call.random, key, grant.id) };
  },
});

/** @throws ValidationException for what the key cannot do */
function checkOperations(key: Key, { Operations, Constraints }: Parsed<Sdk.CreateGrantRequest>): void {
  if (Operations.length === 0) throw validation('Operations must name at least one grant operation.');
  const known = grantableOperations(key.spec, key.usage);
  const foreign = Operations.filter((name) => !known.includes(name));
  if (foreign.length > 0) {
    throw validation(`Grant operations [${foreign.join(', ')}] are not supported by key spec ${key.spec}.`);
  }
  const pairs = [Constraints?.EncryptionContextEquals, Constraints?.EncryptionContextSubset];
  if (pairs.some((one) => one !== undefined) && key.spec !== 'SYMMETRIC_DEFAULT') {
    throw validation('Encryption context constraints are supported only for symmetric encryption KMS keys.');
  }
  if (pairs.some((one) => Object.keys(one ?? {}).length > 8)) {
    throw validation('A grant constraint can include up to 8 encryption context pairs.');
  }
}

function wantedGrant(call: Call, key: Key, input: Parsed<Sdk.CreateGrantRequest>): Omit<Grant, 'id'> {
  if (input.GranteeServicePrincipal !== undefined || input.RetiringServicePrincipal !== undefined) throw unsupported();
  if (input.GranteePrincipal === undefined) {
    throw validation(
      "1 validation error detected: Value null at 'granteePrincipal' failed to satisfy constraint: Member must not be null",
    );
  }
  return {
    keyId: key.id,
    name: input.Name ?? '',
    createdAt: call.clock.now(),
    issuer: `arn:${call.partition}:iam::${call.account}:root`,
    grantee: storedPrincipal(input.GranteePrincipal, call.world),
    retiring: input.RetiringPrincipal === undefined ? undefined : storedPrincipal(input.RetiringPrincipal, call.world),
    ...newGrant(input),
    operations: [...new Set(input.Operations)],
  };
}

/** The grant of that name with the same parameters: "the original GrantId is returned without creating a new grant". */
function sameGrant(call: Call, key: Key, wanted: Omit<Grant, 'id'>): Grant | undefined {
  if (wanted.name === '') return undefined;
  for (const [, grant] of grantsTo(call.world, key, wanted.grantee)) {
    if (grant.name === wanted.name && fingerprint(grant) === fingerprint(wanted)) return grant;
  }
  return undefined;
}

function fingerprint({
  grantee,
  retiring,
  operations,
  contextEquals,
  contextSubset,
  issuer,
}: Omit<Grant, 'id'>): string {
  const pairs = (one: Grant['contextEquals']) => one && Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    grantee,
    retiring,
    issuer,
    [...operations].sort(),
    pairs(contextEquals),
    pairs(contextSubset),
  ]);
}

function addGrant(call: Call, key: Key, wanted: Omit<Grant, 'id'>): Grant {
  const limit = call.world.quotas.KMSGrantsPerKey;
  // Most accounts have fewer grants than one key may have: then nothing is counted.
  const few = call.world.table(grants).count(key.account) < limit;
  if (!few && Array.from(grantsOf(call.world, key)).length >= limit)
    throw limitExceeded(`You have reached the limit of ${limit} grants per KMS key.`);
  const grant: Grant = { id: Buffer.from(call.random.bytes(32)).toString('hex'), ...wanted };
  saveGrant(call.world, key, grant);
  return grant;
}

function shapeOf(call: Call, key: Key, grant: Grant): Sdk.GrantListEntry {
  const { contextEquals, contextSubset } = grant;
  return {
    KeyId: keyArn(call.world, key),
    GrantId: grant.id,
    Name: grant.name,
    CreationDate: new Date(grant.createdAt),
    GranteePrincipal: shownPrincipal(grant.grantee, call.world),
    RetiringPrincipal: grant.retiring === undefined ? undefined : shownPrincipal(grant.retiring, call.world),
    IssuingAccount: grant.issuer,
    Operations: [...grant.operations] as Sdk.GrantOperation[],
    Constraints:
      contextEquals === undefined && contextSubset === undefined
        ? undefined
        : {
            EncryptionContextEquals: contextEquals && { ...contextEquals },
            EncryptionContextSubset: contextSubset && { ...contextSubset },
          },
  };
}

const forAwsResource = { context: { 'kms:GrantIsForAWSResource': 'false' } };

const listGrants = operation<Parsed<Sdk.ListGrantsRequest>, Sdk.ListGrantsResponse>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:ListGrants', needKey(call, input.KeyId, { aliases: false }), forAwsResource),
  ],
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    if (input.GrantId !== undefined) checkGrantId(input.GrantId);
    const after = afterMarker(input.Marker) ?? '';
    const grantee = input.GranteePrincipal === undefined ? undefined : storedOrSame(input.GranteePrincipal, call);
    const rows = grantee === undefined ? grantsOf(call.world, key, after) : grantsTo(call.world, key, grantee, after);
    const { items, page } = pageOf(rows, input, sizes, (grant) =>
      input.GrantId === undefined || grant.id === input.GrantId ? shapeOf(call, key, grant) : undefined,
    );
    return { Grants: items, ...page };
  },
});

/** For filters: a principal that is gone may be asked for by its id. */
function storedOrSame(principal: string, call: Call): string {
  return principal.startsWith('arn:') ? storedPrincipal(principal, call.world) : principal;
}

/** @throws InvalidGrantIdException */
function checkGrantId(id: string): void {
  if (!/^[0-9a-f]{64}$/.test(id)) throw invalidGrantId();
}

/** @throws InvalidGrantIdException, NotFoundException */
function needGrant(call: Call, key: Key, id: string): Grant {
  checkGrantId(id);
  const grant = grantOf(call.world, key, id);
  if (grant === undefined) throw notFound(`Grant ID ${id} not found`);
  return grant;
}

const revokeGrant = operation<Parsed<Sdk.RevokeGrantRequest>, void>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:RevokeGrant', needKey(call, input.KeyId, { aliases: false }), forAwsResource),
  ],
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    const grant = needGrant(call, key, input.GrantId);
    checkDryRun(input);
    removeGrant(call.world, key, grant);
  },
});

/** By its token, or by its key and id. @throws ValidationException, InvalidGrantTokenException, NotFoundException */
function retiredGrant(input: Sdk.RetireGrantRequest, call: Call): { readonly key: Key; readonly grant: Grant } {
  if (input.GrantToken !== undefined) {
    const { account, region, keyId, grantId } = readGrantToken(input.GrantToken);
    const key = region === call.region ? liveKey(call.world, account, region, keyId, call.clock.now()) : undefined;
    const grant = key && grantOf(call.world, key, grantId);
    if (key === undefined || grant === undefined) throw invalidGrantToken();
    return { key, grant };
  }
  if (input.KeyId === undefined || input.GrantId === undefined) {
    throw validation('You must specify either a grant token or both a grant ID and a key ID.');
  }
  const { key } = needKey(call, input.KeyId, { aliases: false });
  return { key, grant: needGrant(call, key, input.GrantId) };
}

/**
 * The grant says who retires it: the retiring principal, the grantee when RetireGrant is among its operations, and
 * the accounts that made it and that own the key, which delegate by kms:RetireGrant. Key policies have no say.
 */
function retirePermission(call: Call, key: Key, grant: Grant): Permission {
  const self = [grant.retiring, grant.operations.includes('RetireGrant') ? grant.grantee : undefined];
  const owner = `arn:${call.partition}:iam::${key.account}:root`;
  const named = [...self, grant.issuer, owner].filter((one) => one !== undefined);
  const attached = grantPolicy(grant, [...new Set(named)], ['RetireGrant']);
  const resourcePolicy = { kind: 'key', attached, grants: [attached] } as const;
  return { ...keyPermission(call, 'kms:RetireGrant', { key }), resourcePolicy, rcpExempt: true };
}

const retireGrant = operation<Parsed<Sdk.RetireGrantRequest>, void>({
  permissions: (input, call) => {
    const { key, grant } = retiredGrant(input, call);
    return [retirePermission(call, key, grant)];
  },
  handle: (input, call) => {
    const { key, grant } = retiredGrant(input, call);
    checkDryRun(input);
    removeGrant(call.world, key, grant);
  },
});

const listRetirableGrants = operation<Parsed<Sdk.ListRetirableGrantsRequest>, Sdk.ListGrantsResponse>({
  // "The authorized resource in ListRetirableGrants calls is the retiring principal specified in the request."
  permissions: (input, call) => [
    {
      action: 'kms:ListRetirableGrants',
      resource: retiringPrincipal(input),
      context: { 'kms:CallerAccount': call.account },
    },
  ],
  handle: (input, call) => {
    const { world, region } = call;
    const stored = storedPrincipal(retiringPrincipal(input), world);
    const account = accountOfPrincipal(retiringPrincipal(input));
    const rows = idsUnder({ world, account }, retirableGrants, `${region}/${stored}/`, afterMarker(input.Marker));
    const { items, page } = pageOf(rows, input, sizes, ({ owner, keyId }, id) => {
      const key = liveKey(world, owner, region, keyId, call.clock.now());
      const grant = key && grantOf(world, key, id);
      return key && grant && shapeOf(call, key, grant);
    });
    return { Grants: items, ...page };
  },
});

function retiringPrincipal({ RetiringPrincipal }: Sdk.ListRetirableGrantsRequest): string {
  if (RetiringPrincipal !== undefined) return RetiringPrincipal;
  throw validation(
    "1 validation error detected: Value null at 'retiringPrincipal' failed to satisfy constraint: Member must not be null",
  );
}

export const grantOperations = {
  CreateGrant: createGrant,
  ListGrants: listGrants,
  RevokeGrant: revokeGrant,
  RetireGrant: retireGrant,
  ListRetirableGrants: listRetirableGrants,
};
