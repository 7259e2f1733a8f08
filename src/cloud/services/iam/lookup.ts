// What authorization asks of IAM on every request: whose credential it is, which policies and tags it
// carries. Answers are kept per row and credential, and made anew when a table they came from changed.
// INVARIANT: the same objects come back while nothing changed, so callers may key their own caches by them.
import type { AttachedPolicy, Principal, PrincipalPolicies } from '../../../policy/index.ts';
import type { Credential, SessionTag } from '../../credential.ts';
import type { World } from '../../world.ts';
import { levelsFor, organizationRevision, type PolicyLevels } from '../organizations/in-force.ts';
import { isClosed } from '../organizations/tree.ts';
import { compiledDocument } from './documents.ts';
import { find, roleNoun, userNoun, type Place } from './entities.ts';
import { invalidToken } from './failures.ts';
import { defaultVersionOf, findPolicy } from './managed.ts';
import {
  credentials,
  groups,
  managedPolicies,
  principalIds,
  type Group,
  type Identity,
  type Role,
  type User,
} from './model.ts';

/**
 * The credential with this access key id, inactive and expired ones too. Undefined for ids never made
 * and for credentials whose user, role or account is gone.
 */
export function findCredential(accessKeyId: string, world: World): Credential | undefined {
  const credential = world.table(credentials).get('', accessKeyId);
  if (credential === undefined || isClosed(world, credential.account)) return undefined;
  const owner = ownerId(credential);
  return owner === undefined || world.table(principalIds).get('', owner) !== undefined ? credential : undefined;
}

/** @throws InvalidClientTokenId when its user or role is gone */
export function principalOf(credential: Credential, world: World): Principal {
  const { account } = credential;
  const rootArn = `arn:${world.partition}:iam::${account}:root`;
  const session = `arn:${world.partition}:sts::${account}:`;
  switch (credential.kind) {
    case 'root':
      return { type: 'Root', account, arn: rootArn };
    case 'user': {
      const user = ownerOf(credential, world);
      return { type: 'User', account, arn: user.arn, userId: user.id, userName: user.name };
    }
    case 'role': {
      const role = ownerOf(credential, world);
      return {
        type: 'AssumedRole',
        account,
        arn: `${session}assumed-role/${role.name}/${credential.sessionName}`,
        roleArn: role.arn,
        roleId: role.id,
        sessionName: credential.sessionName,
        serviceLinked: isServiceLinked(role),
      };
    }
    default: {
      const issuer = credential.issuerUserId === undefined ? undefined : ownerOf(credential, world);
      return {
        type: 'FederatedUser',
        account,
        arn: `${session}federated-user/${credential.name}`,
        name: credential.name,
        issuerArn: issuer?.arn ?? rootArn,
        issuerId: issuer?.id,
      };
    }
  }
}

/**
 * The unique id of the caller, `aws:userid`; empty for who is of no account.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
 */
export function userIdOf(principal: Principal): string {
  switch (principal.type) {
    case 'Root':
      return principal.account;
    case 'User':
      return principal.userId;
    case 'AssumedRole':
      return `${principal.roleId}:${principal.sessionName}`;
    case 'FederatedUser':
      return `${principal.account}:${principal.name}`;
    default:
      return '';
  }
}

/** @throws InvalidClientTokenId when its user or role is gone */
export function policiesOf(credential: Credential, world: World): PrincipalPolicies {
  const owner = ownerId(credential) === undefined ? undefined : ownerOf(credential, world);
  const ownSession = credential.kind === 'federated-user' || hasSessionPolicies(credential);
  const key = ownSession || owner === undefined ? credential : owner;
  const place: Place = { world, account: credential.account };
  const rows = () => rowsOf(credential, owner, place);
  return remembered({ key, owner, rows }, world, credential.account, () => {
    return {
      identity: owner === undefined ? rootPolicies(credential, place) : identityPolicies(owner, place),
      boundary: owner === undefined ? undefined : boundaryOf(owner, place),
      session: sessionPolicies(credential, place),
      scps:
        credential.kind === 'role' && owner !== undefined && isServiceLinked(owner)
          ? []
          : scpsOf(credential.account, world),
    };
  });
}

/** SCPs per level; empty where they do not bind. */
export function scpsOf(account: string, world: World): PolicyLevels {
  return levelsFor(world, account, 'SERVICE_CONTROL_POLICY');
}

/** RCPs per level; empty where they do not bind. */
export function rcpsOf(account: string, world: World): PolicyLevels {
  return levelsFor(world, account, 'RESOURCE_CONTROL_POLICY');
}

/** What `aws:PrincipalTag/…` holds: the tags of the user or role with the session's put over them. */
export function principalTagsOf(credential: Credential, world: World): readonly SessionTag[] {
  const merged = new Map<string, SessionTag>();
  const owner = ownerId(credential) === undefined ? undefined : ownerOf(credential, world);
  for (const { Key: key, Value: value } of owner?.tags ?? []) merged.set(key.toLowerCase(), { key, value });
  for (const tag of credential.session?.tags ?? []) merged.set(tag.key.toLowerCase(), tag);
  return [...merged.values()];
}

function ownerId(credential: Credential): string | undefined {
  switch (credential.kind) {
    case 'root':
      return undefined;
    case 'user':
      return credential.userId;
    case 'role':
      return credential.roleId;
    default:
      return credential.issuerUserId;
  }
}

function ownerOf(credential: Credential, world: World): User | Role {
  const owner = world.table(principalIds).get('', ownerId(credential) ?? '');
  const place: Place = { world, account: owner?.account ?? '' };
  const row = owner && (owner.kind === 'user' ? find(userNoun, place, owner.name) : find(roleNoun, place, owner.name));
  if (row === undefined) throw invalidToken();
  return row;
}

function isServiceLinked(owner: Identity): boolean {
  return owner.path.startsWith('/aws-service-role/');
}

function hasSessionPolicies(credential: Credential): boolean {
  return credential.session?.policies !== undefined || credential.session?.policyArns !== undefined;
}

interface Remembered {
  /** The row of the user or role; a session with policies of its own is kept by its credential. */
  readonly owner: Identity | undefined;
  readonly revisions: readonly number[];
  /** Every other row that the policies came from. */
  readonly rows: readonly unknown[];
  readonly policies: PrincipalPolicies;
}

// A memo, not state: keyed by rows that are never changed in place and by the revisions of what else was read.
const memos = new WeakMap<World, WeakMap<object, Remembered>>();

function memoOf(world: World): WeakMap<object, Remembered> {
  let memo = memos.get(world);
  if (memo === undefined) memos.set(world, (memo = new WeakMap<object, Remembered>()));
  return memo;
}

interface MemoKey {
  readonly key: object;
  readonly owner: Identity | undefined;
  readonly rows: () => readonly unknown[];
}

function remembered(
  { key, owner, rows: rowsNow }: MemoKey,
  world: World,
  account: string,
  make: () => PrincipalPolicies,
): PrincipalPolicies {
  const revisions = [
    world.table(groups).revision(account),
    world.table(managedPolicies).revision(account),
    organizationRevision(world),
  ];
  const memo = memoOf(world);
  const found = memo.get(key);
  const known = found?.owner === owner ? found : undefined;
  if (known !== undefined && isSame(known.revisions, revisions)) return known.policies;
  // Revisions are of whole tables. A write that touched none of this caller's rows leaves its policies as they are.
  const rows = rowsNow();
  const policies = known !== undefined && isSame(known.rows, rows) ? known.policies : make();
  memo.set(key, { owner, revisions, rows, policies });
  return policies;
}

/** The policies of a user (its groups' too), group or role, as they count for whoever acts with them. */
export function entityPolicies(owner: User | Group | Role, place: Place): Omit<PrincipalPolicies, 'scps' | 'session'> {
  return {
    identity: identityPolicies(owner, place),
    boundary: 'boundary' in owner ? boundaryOf(owner, place) : undefined,
  };
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

/** The rows besides the owner's that `policiesOf` reads, by the way it reads them. */
function rowsOf(credential: Credential, owner: User | Role | undefined, place: Place): readonly unknown[] {
  const memberships = owner === undefined || !('groups' in owner) ? [] : owner.groups;
  const carriers = memberships.map((name) => place.world.table(groups).get(place.account, name));
  const arns = [
    ...(owner?.attached ?? []),
    ...carriers.flatMap((group) => group?.attached ?? []),
    ...(owner?.boundary === undefined ? [] : [owner.boundary]),
    ...(credential.session?.policyArns ?? []),
  ];
  return [...carriers, ...arns.map((arn) => findPolicy(place, arn)), scpsOf(credential.account, place.world)];
}

function identityPolicies(owner: User | Group | Role, place: Place): readonly AttachedPolicy[] {
  const memberships = 'groups' in owner ? owner.groups : [];
  const rows: readonly Identity[] = [
    owner,
    ...memberships.flatMap((name) => place.world.table(groups).get(place.account, name) ?? []),
  ];
  return rows.flatMap((row) => [...inlinePolicies(row), ...row.attached.flatMap((arn) => managed(arn, place, row))]);
}

function inlinePolicies(row: Identity): readonly AttachedPolicy[] {
  return Object.entries(row.inline).map(([name, text]) => ({
    policy: compiledDocument(row.inline, text),
    name,
    attachedTo: row.arn,
  }));
}

function managed(arn: string, place: Place, carrier: { readonly arn: string }): readonly AttachedPolicy[] {
  const policy = findPolicy(place, arn);
  if (policy === undefined) return [];
  const version = defaultVersionOf(policy);
  return [{ policy: compiledDocument(version, version.document), arn, name: policy.name, attachedTo: carrier.arn }];
}

const nothing = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}';

/** A boundary whose policy cannot be found allows nothing. */
function boundaryOf(owner: User | Role, place: Place): AttachedPolicy | undefined {
  const { boundary } = owner;
  if (boundary === undefined) return undefined;
  const [found] = managed(boundary, place, owner);
  return found ?? { policy: compiledDocument(owner, nothing), arn: boundary, attachedTo: owner.arn };
}

/** A federated user's session allows nothing without session policies (STS, GetFederationToken); other sessions are then not limited. */
function sessionPolicies(credential: Credential, place: Place): readonly AttachedPolicy[] | undefined {
  const { session } = credential;
  if (session === undefined || (!hasSessionPolicies(credential) && credential.kind !== 'federated-user')) {
    return undefined;
  }
  return [
    ...(session.policies ?? []).map((text) => ({
      policy: compiledDocument(session, text, 'session'),
      name: 'session policy',
    })),
    ...(session.policyArns ?? []).flatMap((arn) => managed(arn, place, { arn: 'session' })),
  ];
}

const everything = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';

/** The root user has no identity policies; a federated session it issued has all of its permissions. */
function rootPolicies(credential: Credential, place: Place): readonly AttachedPolicy[] {
  if (credential.kind === 'root') {
    const task = credential.session?.taskPolicyArn;
    return task === undefined ? [] : managed(task, place, { arn: 'session' });
  }
  return [{ policy: compiledDocument(credential, everything), name: 'root user' }];
}
