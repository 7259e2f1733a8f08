// Who may assume which roles, looked up from the side of those who are trusted. Made once for a definition: asked role
// by role, 10,000 roles would be looked through 10,000 times.
import type { Millis } from '../base/index.ts';
import type { Partition } from '../aws/index.ts';
import { roleArn } from './arns.ts';
import { hasEnded } from './expiry.ts';
import type { Definition, TrustEntry } from './model.ts';
import { passesIdentity, trustedRole, trustEntries } from './trust.ts';
import { accountsOfRole, roleIn } from './variation.ts';

/** What somebody may assume: ARNs of roles, and whether a source identity may go with it. */
export interface Assumable {
  readonly arns: readonly string[];
  readonly identity: boolean;
}

/** By `group/NAME`, `person/NAME` and `role/ACCOUNT/KEY`. */
export type TrustIndex = ReadonlyMap<string, Assumable>;

export const nobodyTrusts: Assumable = { arns: [], identity: false };

function trustedKey(entry: TrustEntry, account: string): string | undefined {
  if (entry.group !== undefined) return `group/${entry.group}`;
  if (entry.person !== undefined) return `person/${entry.person}`;
  if (entry.role === undefined) return undefined;
  const source = trustedRole(entry.role, account);
  return `role/${source.account}/${source.key}`;
}

/** The roles of a definition, over all accounts, by whom they trust; those that ended by `now` trust nobody. */
export function indexTrust(definition: Definition, partition: Partition, now: Millis): TrustIndex {
  const index = new Map<string, { arns: string[]; identity: boolean }>();
  for (const [key, entry] of Object.entries(definition.roles ?? {})) {
    for (const account of accountsOfRole(definition, entry)) {
      const role = roleIn(definition, entry, account);
      if (hasEnded(role, now)) continue;
      const accountId = definition.accounts[account]!.id;
      const arn = roleArn(definition, key, account);
      for (const trusting of trustEntries({ definition, partition, account, accountId, now }, role)) {
        const trusted = trustedKey(trusting, account);
        if (trusted === undefined) continue;
        const known = index.get(trusted) ?? { arns: [], identity: false };
        index.set(trusted, known);
        if (known.arns.at(-1) !== arn) known.arns.push(arn);
        known.identity ||= passesIdentity(definition, trusting);
      }
    }
  }
  return index;
}
