// One lease of the list; opened, it shows all that is known of it and what can be done.
import { useId, useState, type ReactNode } from 'react';
import type { WireLease } from '../../src/broker/http/wire.ts';
import type { Session } from '../session.ts';
import { stateTexts, strengthTexts, thingText } from '../view/leases.ts';
import { exactTime, relativeTime } from '../view/time.ts';
import { LeaseActions } from './lease-actions.tsx';

interface Props {
  readonly lease: WireLease;
  readonly session: Session;
  readonly now: number;
  readonly onChanged: (texts: readonly string[]) => void;
}

export function LeaseItem({ lease, session, now, onChanged }: Props): ReactNode {
  const [open, setOpen] = useState(false);
  const id = useId();
  const { state, strength, last_error: error, next_look_at: next } = lease;
  const over = state === 'dead' || state === 'expired';
  return (
    <li className={`lease ${stateTexts[state].tone}`}>
      <div className="line">
        <span className={`chip ${stateTexts[state].tone}`}>{state}</span>
        <button
          type="button"
          className="id"
          aria-expanded={open}
          aria-controls={open ? id : undefined}
          onClick={() => setOpen(!open)}
        >
          {lease.id}
        </button>
        <span className="thing">{thingText(lease)}</span>
        <span className="end">
          {over ? 'was to end' : 'ends'} <Time iso={lease.expires_at} now={now} />
        </span>
      </div>
      {error === null ? null : (
        <p className="why">
          <strong>{state === 'stuck' ? 'Stuck' : 'Last error'}:</strong> {error}
          {next === null ? null : (
            <>
              {' '}
              Next try <Time iso={next} now={now} />.
            </>
          )}
        </p>
      )}
      {open ? (
        <div id={id} className="details">
          <Facts lease={lease} now={now} how={strengthTexts[strength]} />
          <LeaseActions lease={lease} session={session} now={now} onChanged={onChanged} />
        </div>
      ) : null}
    </li>
  );
}

/** How long until or since, and when exactly, in the reader's zone. */
function Time({ iso, now }: { readonly iso: string; readonly now: number }): ReactNode {
  return (
    <time dateTime={iso} title={exactTime(iso)}>
      {relativeTime(iso, now)}
    </time>
  );
}

interface FactsProps {
  readonly lease: WireLease;
  readonly now: number;
  /** How a revoke ends it. */
  readonly how: string;
}

function Facts({ lease, now, how }: FactsProps): ReactNode {
  const { aws, attempts } = lease;
  const when = (iso: string): string => `${exactTime(iso)} (${relativeTime(iso, now)})`;
  const rows: readonly (readonly [string, string | null])[] = [
    ['State', `${lease.state}: ${stateTexts[lease.state].text}`],
    ['Mount', `${lease.mount}/`],
    ['Role', lease.role],
    ['Kind', lease.kind],
    ['In AWS', thingText(lease)],
    ['Account', aws.account === '' ? null : aws.account],
    ['Access key', aws.access_key],
    ['Lent to', lease.display_name],
    ['Revoke', `${lease.strength}: ${how}`],
    ['Issued', when(lease.started_at)],
    ['Ends', when(lease.expires_at)],
    ['Ended because', lease.end_reason],
    ['Failed tries', attempts === 0 ? null : String(attempts)],
    ['Last error', lease.last_error],
    ['Next look', lease.next_look_at === null ? null : when(lease.next_look_at)],
  ];
  return (
    <>
      <dl>
        {rows.map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      <h3>What happened</h3>
      <ol className="steps">
        {lease.steps.map(({ state, at }) => (
          <li key={`${state}${at}`}>
            {state} <time dateTime={at}>{exactTime(at)}</time>
          </li>
        ))}
      </ol>
    </>
  );
}
