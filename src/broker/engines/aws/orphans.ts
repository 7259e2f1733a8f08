// Looks through IAM for what this mount made and no lease owns any more: users, by their tags, and deny
// policies, by their name. There should be none; a store that was restored from an old snapshot, or
// lost, leaves some behind.
import type { IAMClient, RoleDetail, UserDetail } from '@aws-sdk/client-iam';
import type { Clock, Json } from '../../../base/index.ts';
import { iamSdk } from '../../aws-sdk.ts';
import { hasEnded } from '../../leases.ts';
import type { EngineAnswer, EngineCall } from '../engine.ts';
import { accountsOf } from './accounts.ts';
import { awsFailure, orMissing } from './aws-errors.ts';
import type { DenyRecord } from './deny-record.ts';
import { leaseTagKey, mountTagKey } from './names.ts';
import { policyName, recordKey, roleName } from './role-denies.ts';
import type { ClientsOf } from './role-sessions.ts';
import { removeUser } from './user-removal.ts';

type Orphan =
  | { readonly kind: 'user'; readonly name: string; readonly leaseId: string; readonly createdAt: string }
  | { readonly kind: 'policy'; readonly name: string; readonly roleArn: string };

/** `stint/orphans`: reading lists them, writing removes them. One account that fails stops no other. */
export async function handleOrphans(call: EngineCall, clientsOf: ClientsOf, clock: Clock): Promise<EngineAnswer> {
  const accounts = ['', ...(await accountsOf(call.folder))];
  const found = await Promise.all(accounts.map((account) => orphansOf(call, { clientsOf, clock }, account)));
  return { data: { orphans: found.flatMap(({ orphans }) => orphans), errors: found.flatMap(({ errors }) => errors) } };
}

interface Found {
  readonly orphans: readonly Json[];
  readonly errors: readonly string[];
}

interface OrphanParts {
  readonly clientsOf: ClientsOf;
  readonly clock: Clock;
}

async function orphansOf(call: EngineCall, { clientsOf, clock }: OrphanParts, account: string): Promise<Found> {
  const named = account === '' ? {} : { account };
  try {
    const iam = await (await clientsOf(call.mount.id, call.folder, account)).iam();
    const orphans = await findOrphans(call, iam, clock);
    if (call.operation === 'read')
      return { orphans: orphans.map((orphan) => ({ ...named, ...wireOrphan(orphan) })), errors: [] };
    return await removeAll(iam, orphans, named);
  } catch (error) {
    const { message } = awsFailure('Error looking for orphans: ', error);
    return { orphans: [], errors: [account === '' ? message : `${account}: ${message}`] };
  }
}

async function removeAll(iam: IAMClient, orphans: readonly Orphan[], named: object): Promise<Found> {
  const removed: Json[] = [];
  const errors: string[] = [];
  for (const orphan of orphans) {
    try {
      await remove(iam, orphan);
      removed.push({ ...named, ...wireOrphan(orphan), removed: true });
    } catch (error) {
      removed.push({ ...named, ...wireOrphan(orphan), removed: false });
      errors.push(`${orphan.name}: ${awsFailure('', error).message}`);
    }
  }
  return { orphans: removed, errors };
}

async function remove(iam: IAMClient, orphan: Orphan): Promise<void> {
  if (orphan.kind === 'user') {
    await removeUser(iam, { userName: orphan.name, leaseId: orphan.leaseId, accessKeyId: undefined });
    return;
  }
  const { DeleteRolePolicyCommand } = await iamSdk();
  const names = { RoleName: roleName(orphan.roleArn), PolicyName: orphan.name };
  await orMissing(iam.send(new DeleteRolePolicyCommand(names)));
}

// AWS is looked at first, then our records: what a grant makes meanwhile has its record already.
async function findOrphans(call: EngineCall, iam: IAMClient, clock: Clock): Promise<readonly Orphan[]> {
  const { paginateGetAccountAuthorizationDetails } = await iamSdk();
  const candidates: Orphan[] = [];
  const pages = paginateGetAccountAuthorizationDetails({ client: iam, pageSize: 1000 }, { Filter: ['User', 'Role'] });
  for await (const { UserDetailList = [], RoleDetailList = [] } of pages) {
    candidates.push(...UserDetailList.flatMap((user) => userOf(user, call.mount.id)));
    candidates.push(...RoleDetailList.flatMap((role) => policyOf(role, call.mount.id)));
  }
  const owned = await Promise.all(candidates.map((candidate) => isOwned(call, candidate, clock)));
  return candidates.filter((_, at) => owned[at] === false);
}

// SECURITY: the mount's own id must stand beside the lease's: another server's users carry another.
function userOf({ UserName = '', Tags = [], CreateDate }: UserDetail, mountId: string): readonly Orphan[] {
  const tag = (key: string): string | undefined => Tags.find(({ Key }) => Key === key)?.Value;
  const leaseId = tag(leaseTagKey);
  if (leaseId === undefined || tag(mountTagKey) !== mountId) return [];
  return [{ kind: 'user', name: UserName, leaseId, createdAt: CreateDate?.toISOString() ?? '' }];
}

function policyOf({ Arn = '', RolePolicyList = [] }: RoleDetail, mountId: string): readonly Orphan[] {
  const name = policyName(mountId);
  return RolePolicyList.some(({ PolicyName }) => PolicyName === name) ? [{ kind: 'policy', name, roleArn: Arn }] : [];
}

async function isOwned(call: EngineCall, orphan: Orphan, clock: Clock): Promise<boolean> {
  if (orphan.kind === 'policy') {
    const record = (await call.folder.get<DenyRecord>(recordKey(orphan.roleArn)))?.value;
    return Object.values(record?.entries ?? {}).some(({ until }) => until > clock.now());
  }
  const lease = await call.findLease(orphan.leaseId);
  return lease !== undefined && !hasEnded(lease.state);
}

function wireOrphan(orphan: Orphan): Readonly<Record<string, Json>> {
  if (orphan.kind === 'policy') return { kind: 'policy', name: orphan.name, role_arn: orphan.roleArn };
  return { kind: 'user', name: orphan.name, lease_id: orphan.leaseId, created_at: orphan.createdAt };
}
