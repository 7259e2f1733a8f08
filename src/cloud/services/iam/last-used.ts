// When and where a long-term key signed last, a role was used last, and which actions a principal asked for last.
import type { Millis } from '../../../base/index.ts';
import type { Principal } from '../../../policy/index.ts';
import type { Call, Permission } from '../../call.ts';
import { tableName, type World } from '../../world.ts';
import { accessKeyRow } from './credentials.ts';
import { find, idsUnder, roleNoun, save, type Place } from './entities.ts';
import { accessKeys } from './model.ts';

/** Coarse, so that a busy key costs one write a minute. */
const stepMillis = 60_000;

/** How long AWS remembers. https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html */
const rememberedMillis = 400 * 86_400_000;

/** Id: `PRINCIPAL/SERVICE/ACTION`; the principal by its unique id, the root user by its account. */
const activity = tableName<{ readonly at: Millis; readonly region: string }>('iam.activity');

/** The latest request for an action, allowed or not. */
export interface ActionUse {
  readonly principalId: string;
  readonly service: string;
  readonly action: string;
  readonly at: Millis;
  readonly region: string;
}

/** What a principal asked for in the time that is remembered, in order of service and action. */
export function* usesOf(place: Place, principalId: string, now: Millis): Generator<ActionUse> {
  for (const [id, use] of idsUnder(place, activity, `${principalId}/`)) {
    if (use.at <= now - rememberedMillis) continue;
    const [service, action] = id.split('/', 2) as [string, string];
    yield { principalId, service, action, ...use };
  }
}

/** The latest request of anybody in an account, by service. */
export function accountUses(
  world: World,
  account: string,
  now: Millis,
): ReadonlyMap<string, { readonly at: Millis; readonly region: string }> {
  const latest = new Map<string, { readonly at: Millis; readonly region: string }>();
  for (const [id, use] of world.table(activity).list(account)) {
    const [, service = ''] = id.split('/', 3);
    if (use.at > now - rememberedMillis && use.at > (latest.get(service)?.at ?? -1)) latest.set(service, use);
  }
  return latest;
}

/** Forgets what a user or role asked for, when it is deleted. */
export function forgetUses(place: Place, principalId: string): void {
  for (const [id] of idsUnder(place, activity, `${principalId}/`)) {
    place.world.table(activity).delete(place.account, `${principalId}/${id}`);
  }
}

function principalId(principal: Principal): string | undefined {
  switch (principal.type) {
    case 'Root':
      return principal.account;
    case 'User':
      return principal.userId;
    case 'AssumedRole':
      return principal.roleId;
    case 'FederatedUser':
      return principal.issuerId ?? principal.account;
    default:
      return undefined;
  }
}

/**
 * Remembers that the call was signed with its credential, and what for. Writes at most once a minute of
 * emulated time and place; runs inside a transaction.
 */
export function noteUse(call: Call, permissions: readonly Permission[] | 'permissionless'): void {
  const at = Math.floor(call.clock.now() / stepMillis) * stepMillis;
  noteCredential(call, at);
  const id = principalId(call.principal);
  if (id === undefined) return;
  const row = `${id}/${call.service}/${actionOf(call, permissions)}`;
  const rows = call.world.table(activity);
  const known = rows.get(call.account, row);
  if (known?.at === at && known.region === call.region) return;
  rows.put(call.account, row, { at, region: call.region });
}

/** IAM's name of what was asked for: the first permission of the service, which is the operation's own. */
function actionOf(call: Call, permissions: readonly Permission[] | 'permissionless'): string {
  const action = permissions === 'permissionless' ? undefined : permissions[0]?.action;
  return action?.startsWith(`${call.service}:`) === true ? action.slice(call.service.length + 1) : call.operation;
}

function noteCredential(call: Call, at: Millis): void {
  const { credential, principal, world, account, region } = call;
  if (principal.type === 'AssumedRole') {
    const role = find(roleNoun, call, principal.roleArn.slice(principal.roleArn.lastIndexOf('/') + 1));
    if (role === undefined || (role.lastUsed?.at === at && role.lastUsed.region === region)) return;
    save(roleNoun, call, { ...role, lastUsed: { at, region } });
  } else if (credential !== undefined && credential.session === undefined) {
    const row = accessKeyRow(principal.type === 'User' ? principal.userName : undefined, credential.accessKeyId);
    const key = world.table(accessKeys).get(account, row);
    const { lastUsed } = key ?? {};
    const known = lastUsed?.at === at && lastUsed.service === call.service && lastUsed.region === region;
    if (key === undefined || known) return;
    world.table(accessKeys).put(account, row, { ...key, lastUsed: { at, service: call.service, region } });
  }
}
