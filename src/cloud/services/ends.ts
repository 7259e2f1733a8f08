// An index of rows by their ends, so that forgetting them costs what is forgotten.
import type { Millis } from '../../base/index.ts';
import type { Table } from '../world.ts';

/** Rows forgotten with each new one: two, so that what was piled up goes away. */
const forgottenAtOnce = 2;

/** Id in the index: the time, which orders, a space, the row's id. */
function endId(at: Millis, id: string): string {
  return `${String(at).padStart(16, '0')} ${id}`;
}

/** Notes that the row `id` ends at `at`. */
export function noteEnd(ends: Table<true>, account: string, at: Millis, id: string): void {
  ends.put(account, endId(at, id), true);
}

/** Hands the first rows that ended before `limit` to `forget`, and their ends are noted no more. */
export function forgetEnded(
  ends: Table<true>,
  account: string,
  limit: Millis,
  forget: (id: string, endedAt: Millis) => void,
): void {
  const first = endId(limit, '');
  let left = forgottenAtOnce;
  for (const [end] of ends.list(account)) {
    if (end >= first || left-- === 0) return;
    ends.delete(account, end);
    const space = end.indexOf(' ');
    forget(end.slice(space + 1), Number(end.slice(0, space)));
  }
}
