// What one mount keeps of the sessions it refuses on one role, as a pure record: written before AWS is,
// changed by compare-and-set, so that any number of nodes adds to one policy and none is lost.
//
// revision  counts the changes of the sessions to be refused
// shown     the revision that AWS was read back to hold
// writer    the one node that may write to AWS meanwhile
import type { Millis } from '../../../base/index.ts';
import type { SessionMark } from './deny-document.ts';

export interface DenyEntry {
  readonly marks: readonly SessionMark[];
  /** By then the session has run out by itself, and its marks are taken out again. */
  readonly until: Millis;
}

export interface DenyRecord {
  readonly version: 1;
  readonly roleArn: string;
  /** By lease id. */
  readonly entries: Readonly<Record<string, DenyEntry>>;
  readonly revision: number;
  readonly shown: number;
  readonly writer: { readonly name: string; readonly until: Millis } | null;
}

export function newDenyRecord(roleArn: string): DenyRecord {
  return { version: 1, roleArn, entries: {}, revision: 0, shown: 0, writer: null };
}

/** With the sessions of `leases` to be refused too. The same record when all of them were there. */
export function withEntries(record: DenyRecord, leases: Readonly<Record<string, DenyEntry>>): DenyRecord {
  const missing = Object.entries(leases).filter(([id]) => !Object.hasOwn(record.entries, id));
  if (missing.length === 0) return record;
  return {
    ...record,
    entries: { ...record.entries, ...Object.fromEntries(missing) },
    revision: record.revision + 1,
  };
}

/** Without the sessions that have run out by `now`. The same record when there are none. */
export function withoutEnded(record: DenyRecord, now: Millis): DenyRecord {
  const left = Object.entries(record.entries).filter(([, { until }]) => until > now);
  if (left.length === Object.keys(record.entries).length) return record;
  return { ...record, entries: Object.fromEntries(left), revision: record.revision + 1 };
}

/** Takes the right to write to AWS; undefined while another holds it. */
export function claimedBy(record: DenyRecord, name: string, now: Millis, until: Millis): DenyRecord | undefined {
  const { writer } = record;
  if (writer !== null && writer.name !== name && writer.until > now) return undefined;
  return { ...record, writer: { name, until } };
}

/** Gives the right back. `shown`: the revision AWS was read back to hold, null when writing failed. */
export function releasedBy(record: DenyRecord, name: string, shown: number | null): DenyRecord {
  return {
    ...record,
    shown: shown === null ? record.shown : Math.max(record.shown, shown),
    writer: record.writer?.name === name ? null : record.writer,
  };
}

/** True when AWS holds everything that is to be refused, and nothing else. */
export function isShown({ revision, shown }: DenyRecord): boolean {
  return shown >= revision;
}

/** When the first session of the record runs out; undefined when it refuses none. */
export function nextEnd({ entries }: DenyRecord): Millis | undefined {
  const ends = Object.values(entries).map(({ until }) => until);
  return ends.length === 0 ? undefined : Math.min(...ends);
}
