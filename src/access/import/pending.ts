// What the definition had taken out before it was lost, and what hangs on that: it waits for its end and lives no more,
// so no entry is made of it. A plan leaves it waiting, for the time that it was given.
import { formatDuration, isoSeconds, type Millis } from '../../base/index.ts';
import { defaultGrace } from '../defaults.ts';
import type { Finding } from '../findings.ts';
import { isOwned, ownMarks } from '../ownership.ts';
import type { SeenResource } from '../resources.ts';
import { deletedAt, hangsOn, promisedGrace } from '../soft-delete.ts';
import type { Found, FoundAccount } from './found.ts';

export interface Pending {
  /** What lives. */
  readonly found: Found;
  readonly findings: readonly Finding[];
  /** `defaults.grace`, where the definition that took things out gave them another time than Stint does by itself. */
  readonly grace?: string | undefined;
}

/** Where the definition chose a time and did not write it down, it was that of production, if not longer. */
const usual = defaultGrace('prod');

function graceOf({ stage }: FoundAccount, it: SeenResource): Millis {
  return promisedGrace(it) ?? Math.max(defaultGrace(stage), usual);
}

/** The mark of a role is in its profile and policies too, so the entry that made it is known by the mark. */
function entryText(found: Found, it: SeenResource): string {
  const id = 'tags' in it ? ownMarks(it.tags, found.name)?.id : undefined;
  return `\`${it.kind === 'user' ? 'people' : 'roles'}.${id?.slice(id.indexOf('/') + 1) || it.name}\``;
}

function softFinding(found: Found, account: FoundAccount, it: SeenResource): Finding {
  const since = deletedAt(it)!;
  const trust = it.kind === 'role' ? ' and whom it trusts' : '';
  return {
    severity: 'info',
    code: 'pending-deletion',
    account: account.name,
    resource: `${it.kind}/${it.name}`,
    message: `was taken out of the definition on ${isoSeconds(since)} and can do nothing any more: it is in no entry, and an apply after ${isoSeconds(since + graceOf(account, it))} removes it`,
    hint: `to have it back, with the id that it has: \`stint undo\` the run that took it out, or write ${entryText(found, it)}${trust} again`,
  };
}

/** The things that hang on what waits, and on nothing that lives. */
function hanging(found: Found, { resources }: FoundAccount, soft: readonly SeenResource[]): SeenResource[] {
  const living = resources.filter((it) => !soft.includes(it));
  return living.filter(
    (it) =>
      isOwned(it, found.name) &&
      soft.some((other) => hangsOn(it, other)) &&
      !living.some((other) => hangsOn(it, other)),
  );
}

function hangingFinding(account: FoundAccount, it: SeenResource, soft: readonly SeenResource[]): Finding {
  const holder = soft.find((other) => hangsOn(it, other))!;
  return {
    severity: 'info',
    code: 'pending-deletion',
    account: account.name,
    resource: `${it.kind}/${it.name}`,
    message: `hangs on ${holder.kind} ${holder.name}, which was taken out of the definition: it is in no entry, and goes with it`,
  };
}

/** The time that `defaults.grace` has to give for nothing to go before it was to; undefined where the usual does. */
function graceNeeded(waiting: readonly { readonly account: FoundAccount; readonly it: SeenResource }[]) {
  const unusual = waiting.some(({ account, it }) => graceOf(account, it) !== defaultGrace(account.stage));
  const longest = Math.max(...waiting.map(({ account, it }) => graceOf(account, it)));
  return unusual ? formatDuration(longest / 1000) : undefined;
}

/** The accounts without what only waits for its end, each told of. */
export function withoutPending(found: Found): Pending {
  const findings: Finding[] = [];
  const waiting: { account: FoundAccount; it: SeenResource }[] = [];
  const accounts = found.accounts.map((account) => {
    const soft = account.resources.filter((it) => deletedAt(it) !== undefined && isOwned(it, found.name));
    if (soft.length === 0) return account;
    const carried = hanging(found, account, soft);
    waiting.push(...soft.map((it) => ({ account, it })));
    findings.push(
      ...soft.map((it) => softFinding(found, account, it)),
      ...carried.map((it) => hangingFinding(account, it, soft)),
    );
    return { ...account, resources: account.resources.filter((it) => !soft.includes(it) && !carried.includes(it)) };
  });
  const grace = graceNeeded(waiting);
  return { found: { ...found, accounts }, findings, ...(grace === undefined ? {} : { grace }) };
}
