// When and where a long-term key signed last, and a role was used last.
import type { Call } from '../../call.ts';
import { accessKeyRow } from './credentials.ts';
import { find, roleNoun, save } from './entities.ts';
import { accessKeys } from './model.ts';

/** Coarse, so that a busy key costs one write a minute. */
const stepMillis = 60_000;

/**
 * Remembers that the call was signed with its credential. Writes at most once a minute of emulated time
 * and place; runs inside the call's transaction.
 */
export function noteUse(call: Call): void {
  const { credential, principal, world, account, region } = call;
  const at = Math.floor(call.clock.now() / stepMillis) * stepMillis;
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
