// Propagation: a write can take time until authentication, authorization and the check of principals see
// it, while the service that took it reads it back at once. IAM user guide, "Changes that I make are not
// always immediately visible". Promises: without a delay nothing is kept and every read is the table's own;
// with one, memory is held for what is still on its way only, and no reader sees half of a call.
import type { Clock, Millis } from '../base/index.ts';
import type { RowCommit, State } from './state.ts';
import type { Table, TableName } from './world.ts';

/** Kinds of writes that can be delayed, by the service that takes them. */
export const writeKinds = ['iam', 'organizations', 's3', 'kms'] as const;

/** A day. */
export const longestDelaySeconds = 86_400;

export type WriteKind = (typeof writeKinds)[number];

/** Kinds that are not among them are not delayed. */
export type Delays = Readonly<Partial<Record<WriteKind, Millis | undefined>>>;

/** IAM's tables that say who exists and who may do what; the others are bookkeeping. */
const deciding: ReadonlySet<string> = new Set([
  'iam.user',
  'iam.group',
  'iam.role',
  'iam.policy',
  'iam.instance-profile',
  'iam.principal-id',
  'iam.credential',
  'iam.oidc-provider',
  'iam.saml-provider',
]);

/** The kind a change counts as; undefined for one that is seen at once. */
function kindOf({ table, value, before }: RowCommit): WriteKind | undefined {
  const service = table.slice(0, table.indexOf('.'));
  switch (service) {
    case 'iam':
      // Sessions are STS's, which answers for them at once.
      return deciding.has(table) && !isSession(value ?? before) && !isUse(before, value) ? 'iam' : undefined;
    case 's3':
      return table === 's3.bucket' ? 's3' : undefined;
    case 'organizations':
    case 'kms':
      return service;
    default:
      return undefined;
  }
}

function isSession(row: unknown): boolean {
  return typeof row === 'object' && row !== null && 'session' in row && row.session !== undefined;
}

/** A row in which nothing changed but when it was used last. */
function isUse(before: unknown, after: unknown): boolean {
  if (typeof before !== 'object' || typeof after !== 'object' || before === null || after === null) return false;
  const rest = new Map(Object.entries(before));
  for (const [name, member] of Object.entries(after)) {
    if (name !== 'lastUsed' && rest.get(name) !== member) return false;
    rest.delete(name);
  }
  rest.delete('lastUsed');
  return rest.size === 0;
}

interface OnItsWay extends RowCommit {
  readonly at: Millis;
}

/** What is still seen of a row, and how many changes of it are on their way. */
interface Old {
  value: unknown;
  changes: number;
}

type OldRows = Map<string, Old>;

/** The delays of one embedded AWS, and what is on its way. */
export class Propagation {
  readonly #state: State;
  readonly #clock: Clock;
  readonly #atStart: Delays;
  #delays: Delays;
  /** In order of arrival: a later write of a kind never arrives before an earlier one. */
  readonly #queues = new Map<WriteKind, OnItsWay[]>();
  /** Table → account → id → what is seen instead of the row. */
  readonly #old = new Map<string, Map<string, OldRows>>();
  #waiting = 0;

  constructor(state: State, clock: Clock, delays: Delays = {}) {
    this.#state = state;
    this.#clock = clock;
    this.#atStart = delays;
    this.#delays = delays;
  }

  /** What every kind's delay is, and how many changed rows are on their way. */
  view(): { readonly delays: Readonly<Record<WriteKind, Millis>>; readonly waiting: number } {
    this.#settle();
    const delays = Object.fromEntries(writeKinds.map((kind) => [kind, this.#delays[kind] ?? 0]));
    return { delays: delays as Record<WriteKind, Millis>, waiting: this.#waiting };
  }

  /** From now on; what is on its way keeps its time, except that a kind set to 0 arrives at once. */
  set(delays: Delays): void {
    this.#delays = { ...this.#delays, ...delays };
    for (const kind of writeKinds) if (!(this.#delays[kind]! > 0)) this.#arrive(kind, Number.POSITIVE_INFINITY);
  }

  /** As at the start: everything has arrived, and the delays are those of the organisation file. */
  reset(): void {
    this.set(Object.fromEntries(writeKinds.map((kind) => [kind, 0])));
    this.#delays = this.#atStart;
  }

  /**
   * Takes what a call has committed. Returns when all of it is seen; undefined when it is at once. Call it
   * before anybody else can read: what it is given is hidden from then on.
   */
  note(commits: Iterable<RowCommit>): Millis | undefined {
    let last: Millis | undefined;
    for (const commit of commits) {
      const kind = kindOf(commit);
      const delay = kind === undefined ? 0 : (this.#delays[kind] ?? 0);
      if (kind === undefined || !(delay > 0)) continue;
      const at = this.#enqueue(kind, commit, this.#clock.now() + delay);
      last = Math.max(last ?? at, at);
    }
    return last;
  }

  /** A table as authentication and authorization see it. Changes go to the table itself. */
  table<Value>(name: TableName<Value>): Table<Value> {
    this.#settle();
    const real = this.#state.table(name);
    const old = this.#old.get(name.name);
    return old === undefined ? real : seenTable(real, old);
  }

  #enqueue(kind: WriteKind, commit: RowCommit, due: Millis): Millis {
    const queue = this.#queues.get(kind) ?? [];
    this.#queues.set(kind, queue);
    const at = Math.max(due, queue.at(-1)?.at ?? 0);
    queue.push({ ...commit, at });
    this.#waiting += 1;
    const rows = rowsOf(this.#old, commit.table, commit.account);
    const known = rows.get(commit.id);
    if (known === undefined) rows.set(commit.id, { value: commit.before, changes: 1 });
    else known.changes += 1;
    this.#state.touch(commit.table, commit.account);
    return at;
  }

  #settle(): void {
    if (this.#waiting === 0) return;
    const now = this.#clock.now();
    for (const kind of this.#queues.keys()) this.#arrive(kind, now);
  }

  #arrive(kind: WriteKind, now: Millis): void {
    const queue = this.#queues.get(kind);
    if (queue === undefined) return;
    const due = queue.findIndex(({ at }) => at > now);
    for (const change of queue.splice(0, due === -1 ? queue.length : due)) this.#show(change);
    if (queue.length === 0) this.#queues.delete(kind);
  }

  #show({ table, account, id, value }: OnItsWay): void {
    this.#waiting -= 1;
    const accounts = this.#old.get(table)!;
    const rows = accounts.get(account)!;
    const old = rows.get(id)!;
    old.changes -= 1;
    old.value = value;
    if (old.changes === 0) rows.delete(id);
    if (rows.size === 0) accounts.delete(account);
    if (accounts.size === 0) this.#old.delete(table);
    this.#state.touch(table, account);
  }
}

function rowsOf(old: Map<string, Map<string, OldRows>>, table: string, account: string): OldRows {
  let accounts = old.get(table);
  if (accounts === undefined) old.set(table, (accounts = new Map<string, OldRows>()));
  let rows = accounts.get(account);
  if (rows === undefined) accounts.set(account, (rows = new Map<string, Old>()));
  return rows;
}

function seenTable<Value>(real: Table<Value>, accounts: ReadonlyMap<string, OldRows>): Table<Value> {
  return {
    ...real,
    get(account, id) {
      const old = accounts.get(account)?.get(id);
      return old === undefined ? real.get(account, id) : (old.value as Value | undefined);
    },
    *list(account, after) {
      const old = accounts.get(account);
      yield* old === undefined ? real.list(account, after) : merged(real.list(account, after), old, after);
    },
    count(account) {
      let count = real.count(account);
      for (const [id, { value }] of accounts.get(account) ?? []) {
        count += Number(value !== undefined) - Number(real.get(account, id) !== undefined);
      }
      return count;
    },
  };
}

/** The rows in order, each as it is seen: some are not there yet, some are still there. */
function* merged<Value>(
  rows: Iterable<readonly [id: string, value: Value]>,
  old: OldRows,
  after: string | undefined,
): Generator<readonly [string, Value]> {
  const still = [...old]
    .filter(([id, { value }]) => value !== undefined && (after === undefined || id > after))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([id, { value }]) => [id, value as Value] as const);
  let next = 0;
  for (const row of rows) {
    while (next < still.length && still[next]![0] < row[0]) yield still[next++]!;
    if (!old.has(row[0])) yield row;
  }
  while (next < still.length) yield still[next++]!;
}
