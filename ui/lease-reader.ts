// Reads one page of leases for the screen. The server looks at a bounded number of leases for each answer, so a rare
// text may take several; what was found so far is told in between.
import type { WireLease, WireLeasePage } from '../src/broker/http/wire.ts';
import type { Outcome } from './api.ts';

export interface ReadLeases {
  readonly leases: readonly WireLease[];
  readonly next: string | null;
  readonly stuck: number;
  /** How many leases the server went through. */
  readonly lookedAt: number;
  readonly now: string;
}

export const shownAtOnce = 50;
/** The reader is asked before more of them: at 5,000 leases each, 100,000 were looked at. */
const asksAtMost = 20;

type AskPage = (query: Readonly<Record<string, string>>) => Promise<Outcome<WireLeasePage>>;

/**
 * Asks until a page is full, nothing follows, or enough was looked at. `told` hears of each part; when it
 * answers false, reading stops.
 */
export async function readLeases(
  askPage: AskPage,
  filter: Readonly<Record<string, string>>,
  after: string | null,
  told: (soFar: ReadLeases) => boolean,
): Promise<Outcome<ReadLeases>> {
  let read: ReadLeases = { leases: [], next: after, stuck: 0, lookedAt: 0, now: '' };
  for (let asked = 1; ; asked++) {
    const limit = String(shownAtOnce - read.leases.length);
    const outcome = await askPage({ ...filter, limit, ...(read.next === null ? {} : { after: read.next }) });
    if (!outcome.ok) return outcome;
    read = joined(read, outcome.value);
    const full = read.leases.length >= shownAtOnce;
    if (full || read.next === null || asked >= asksAtMost || !told(read)) {
      return { ok: true, value: read, warnings: outcome.warnings };
    }
  }
}

function joined(read: ReadLeases, { leases, next, stuck, looked_at: lookedAt, now }: WireLeasePage): ReadLeases {
  return { leases: [...read.leases, ...leases], next, stuck, lookedAt: read.lookedAt + lookedAt, now };
}
