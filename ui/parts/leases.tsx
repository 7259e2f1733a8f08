// The leases: filter, one page of them, and the way to the next.
import { useCallback, useEffect, useId, useRef, useState, type ReactNode } from 'react';
import type { WireLease, WireLeasePage } from '../../src/broker/http/wire.ts';
import { askData } from '../api.ts';
import { readLeases, type ReadLeases } from '../lease-reader.ts';
import type { Session } from '../session.ts';
import { filters, inReadingOrder, stuckText } from '../view/leases.ts';
import { leasesPath } from '../view/paths.ts';
import type { Refusal } from '../view/refusals.ts';
import { useNowAndThen, useServerNow } from './hooks.ts';
import { LeaseItem } from './lease-item.tsx';
import { Refused, Told } from './notices.tsx';

interface Props {
  readonly session: Session;
  /** Kept by who shows this, so that it outlives a look at another view. */
  readonly wanted: Wanted;
  readonly onWanted: (wanted: Wanted) => void;
  /** Hears how many are stuck, as a text. */
  readonly onStuck: (text: string) => void;
  readonly onSealed: () => Promise<void>;
}

export interface Wanted {
  /** Name of one of `filters`. */
  readonly filter: string;
  readonly text: string;
  readonly below: string;
  /** Where the shown page begins and those before it. */
  readonly places: readonly (string | null)[];
}

const refreshMillis = 30_000;
const tickMillis = 5000;
const noPath: Refusal = {
  status: 0,
  errors: ['Nothing can be below this path.'],
  hint: 'write it as it stands in the list, for example `aws/creds/deploy`',
};

export const firstWanted: Wanted = { filter: filters[0]!.name, text: '', below: '', places: [null] };

export function Leases({ session, wanted, onWanted, onStuck, onSealed }: Props): ReactNode {
  const { read, refusal, busy, look } = useLeases(session, wanted, onSealed);
  const [told, setTold] = useState<readonly string[]>([]);
  const now = useServerNow(read?.now, tickMillis);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    if (read !== undefined) onStuck(stuckText(read.stuck));
  }, [read, onStuck]);
  // A token with counted uses is spent by what its holder does, not by the page.
  useNowAndThen(() => look('quietly'), session.who.num_uses === 0 ? refreshMillis : undefined);

  const changed = (texts: readonly string[]): void => {
    setTold(texts);
    // The lease may leave the list, and the focus with it: what came of it stands at the top.
    if (texts.length > 0) heading.current?.focus();
    look();
  };
  return (
    <section aria-busy={busy}>
      <h2 ref={heading} tabIndex={-1}>
        Leases
      </h2>
      <FilterForm wanted={wanted} busy={busy} onChange={onWanted} onRefresh={() => look()} />
      <Told texts={told} />
      <Refused refusal={refusal} />
      {read === undefined ? null : (
        <List leases={inReadingOrder(read.leases)} session={session} now={now} onChanged={changed} />
      )}
      <Foot read={read} busy={busy} wanted={wanted} onChange={onWanted} />
    </section>
  );
}

interface Shown {
  readonly read: ReadLeases | undefined;
  readonly refusal: Refusal | undefined;
  /** Not of a quiet look. */
  readonly busy: boolean;
  /** Reads again; a quiet look says nothing meanwhile, so that screen readers do not either. */
  readonly look: (how?: 'quietly') => void;
}

/** Reads what is wanted, again whenever that changes or `look` is called; an answer that comes too late is dropped. */
function useLeases({ token }: Session, wanted: Wanted, onSealed: () => Promise<void>): Shown {
  const [read, setRead] = useState<ReadLeases>();
  const [refusal, setRefusal] = useState<Refusal>();
  const [busy, setBusy] = useState(false);
  const turn = useRef(0);
  const drop = useCallback(() => void turn.current++, []);
  const look = useCallback(
    (how?: 'quietly') => {
      const mine = ++turn.current;
      const current = (): boolean => turn.current === mine;
      const path = leasesPath(wanted.below);
      if (how === undefined) setBusy(path !== undefined);
      if (path === undefined) return setRefusal(noPath);
      const askPage = (query: Readonly<Record<string, string>>) => askData<WireLeasePage>({ path, query, token });
      const told = (soFar: ReadLeases): boolean => {
        if (current() && how === undefined) setRead(soFar);
        return current();
      };
      void readLeases(askPage, queryOf(wanted), wanted.places.at(-1) ?? null, told).then((outcome) => {
        if (!current()) return;
        setBusy(false);
        setRefusal(outcome.ok ? undefined : outcome.refusal);
        if (outcome.ok) setRead(outcome.value);
        else if (outcome.refusal.status === 503) void onSealed();
      });
    },
    [token, wanted, onSealed],
  );
  useEffect(() => {
    setRead(undefined);
    look();
    // What is under way when this view goes is of no use any more.
    return drop;
  }, [look, drop]);
  return { read, refusal, busy, look };
}

function queryOf({ filter, text }: Wanted): Readonly<Record<string, string>> {
  const states = filters.find(({ name }) => name === filter)?.states ?? [];
  return { ...(states.length === 0 ? {} : { state: states.join(',') }), ...(text === '' ? {} : { text }) };
}

interface FilterProps {
  readonly wanted: Wanted;
  readonly busy: boolean;
  readonly onChange: (wanted: Wanted) => void;
  readonly onRefresh: () => void;
}

function FilterForm({ wanted, busy, onChange, onRefresh }: FilterProps): ReactNode {
  const [text, setText] = useState(wanted.text);
  const [below, setBelow] = useState(wanted.below);
  const id = useId();
  return (
    <form
      className="filter"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onChange({ ...wanted, text: text.trim(), below: below.trim(), places: [null] });
      }}
    >
      <div>
        <label htmlFor={`${id}state`}>State</label>
        <select
          id={`${id}state`}
          value={wanted.filter}
          onChange={(event) => onChange({ ...wanted, filter: event.target.value, places: [null] })}
        >
          {filters.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <div>
        <label htmlFor={`${id}text`}>Text</label>
        <input
          id={`${id}text`}
          type="search"
          maxLength={200}
          placeholder="id, user, role, person, error"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      <div>
        <label htmlFor={`${id}below`}>Below the path</label>
        <input
          id={`${id}below`}
          placeholder="aws/creds/deploy"
          autoCapitalize="none"
          spellCheck={false}
          value={below}
          onChange={(event) => setBelow(event.target.value)}
        />
      </div>
      <div className="buttons">
        <button type="submit">Search</button>
        <button type="button" disabled={busy} onClick={onRefresh}>
          Refresh
        </button>
      </div>
    </form>
  );
}

interface ListProps {
  readonly leases: readonly WireLease[];
  readonly session: Session;
  readonly now: number;
  readonly onChanged: (texts: readonly string[]) => void;
}

function List({ leases, session, now, onChanged }: ListProps): ReactNode {
  return (
    <ol className="leases">
      {leases.map((lease) => (
        <LeaseItem key={lease.id} lease={lease} session={session} now={now} onChanged={onChanged} />
      ))}
    </ol>
  );
}

interface FootProps {
  readonly read: ReadLeases | undefined;
  readonly busy: boolean;
  readonly wanted: Wanted;
  readonly onChange: (wanted: Wanted) => void;
}

function Foot({ read, busy, wanted, onChange }: FootProps): ReactNode {
  const { places } = wanted;
  const more = read !== undefined && read.next !== null;
  return (
    <div className="foot">
      <p role="status">{footText(read, busy)}</p>
      <div className="buttons">
        {places.length > 1 ? (
          <button type="button" onClick={() => onChange({ ...wanted, places: places.slice(0, -1) })}>
            Page before
          </button>
        ) : null}
        {more && !busy ? (
          <button type="button" onClick={() => onChange({ ...wanted, places: [...places, read.next] })}>
            Next page
          </button>
        ) : null}
      </div>
    </div>
  );
}

function footText(read: ReadLeases | undefined, busy: boolean): string {
  if (busy) return read === undefined ? 'Reading…' : `Reading… ${read.lookedAt} looked at`;
  if (read === undefined) return '';
  const count = read.leases.length;
  return `${count === 1 ? '1 lease' : `${count} leases`} shown${read.next === null ? '' : ', more follow'}`;
}
