// The names of what a server lends, for completion, which asks at every press of a key: a short answer is kept, so that the
// server is asked twice a minute. For one server and one token, whose names are nobody else's business.
import { KeptList, type TargetSource } from '../assume/index.ts';
import type { Millis } from '../base/index.ts';
import type { Borrowing } from './lent-targets.ts';

/** So long is an answer good. */
const usualAge: Millis = 30_000;
/** An answer without names may be that of a server that was not there, and waiting for it takes three seconds. */
const emptyAge: Millis = 5000;

interface Kept extends Borrowing {
  readonly at: Millis;
  readonly names: readonly string[];
}

/** Nothing in the environment and no file decides: who asked whom stands in the answer itself. */
const nothing = { env: {}, files: [], absent: [], links: [] };

function listOf(sessions: string): KeptList {
  return new KeptList(sessions, 'lent', undefined);
}

function holds(kept: Kept | undefined, { server, borrower }: Borrowing, now: Millis): kept is Kept {
  if (kept?.server !== server || kept.borrower !== borrower) return false;
  const age = now - kept.at;
  return age >= 0 && age < (kept.names.length === 0 ? emptyAge : usualAge);
}

/** Names from the kept answer, else from the server. `sessions` is the folder of kept sessions. */
export async function lentNames(
  source: TargetSource,
  borrowing: Borrowing,
  sessions: string,
  clock: { readonly now: () => Millis },
): Promise<readonly string[]> {
  const list = listOf(sessions);
  const began = clock.now();
  const kept = list.read({}, '', began) as Kept | undefined;
  if (holds(kept, borrowing, began)) return kept.names;
  const names = (await source.list()).map(({ name }) => name);
  const at = clock.now();
  const { server, borrower } = borrowing;
  list.write({ server, borrower, at, names } satisfies Kept, { decisive: nothing, stamp: 0 }, at);
  return names;
}

/** Lets go of the kept answer. */
export function forgetLentNames(sessions: string): void {
  listOf(sessions).remove();
}
