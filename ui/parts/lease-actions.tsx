// What can be done with a lease: renew, revoke, which asks once and says what will happen, and try again to end it.
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import type { WireLease, WireLeasePage } from '../../src/broker/http/wire.ts';
import { ask, askData, type Outcome } from '../api.ts';
import type { Session } from '../session.ts';
import { actionsOf, endedText, revokeTexts } from '../view/leases.ts';
import { leasesPath } from '../view/paths.ts';
import type { Refusal } from '../view/refusals.ts';
import { span } from '../view/time.ts';
import { Refused } from './notices.tsx';

interface Props {
  readonly lease: WireLease;
  readonly session: Session;
  readonly now: number;
  /** Hears in words what came of it. */
  readonly onChanged: (texts: readonly string[]) => void;
}

type Work = () => Promise<Outcome<readonly string[]>>;

const increments: readonly (readonly [name: string, value: string])[] = [
  ['as the mount says', ''],
  ['15 minutes', '15m'],
  ['1 hour', '1h'],
  ['8 hours', '8h'],
];

export function LeaseActions({ lease, session: { token }, now, onChanged }: Props): ReactNode {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [increment, setIncrement] = useState('');
  const [refusal, setRefusal] = useState<Refusal>();
  const id = useId();
  const can = actionsOf(lease);

  const run = async (work: Work): Promise<void> => {
    setBusy(true);
    const outcome = await work();
    setBusy(false);
    setRefusal(outcome.ok ? undefined : outcome.refusal);
    // Also a refused one may have changed the lease: a try that failed is counted.
    onChanged(outcome.ok ? outcome.value : []);
  };
  return (
    <>
      <div className="buttons">
        {can.renew ? (
          <>
            <label htmlFor={id}>Renew for</label>
            <select id={id} value={increment} onChange={(event) => setIncrement(event.target.value)}>
              {increments.map(([name, value]) => (
                <option key={name} value={value}>
                  {name}
                </option>
              ))}
            </select>
            <button type="button" disabled={busy} onClick={() => void run(() => renew(lease, token, increment))}>
              Renew
            </button>
          </>
        ) : null}
        {can.revoke ? (
          <button type="button" className="danger" disabled={busy} onClick={() => setAsking(true)}>
            Revoke…
          </button>
        ) : null}
        {can.retry ? (
          <button type="button" disabled={busy} onClick={() => void run(() => end(lease, token))}>
            Try again now
          </button>
        ) : null}
        {busy ? <span role="status">Waiting for AWS…</span> : null}
      </div>
      <Refused refusal={refusal} />
      {asking ? (
        <Confirm
          lease={lease}
          texts={revokeTexts(lease, now)}
          onNo={() => setAsking(false)}
          onYes={() => {
            setAsking(false);
            void run(() => end(lease, token));
          }}
        />
      ) : null}
    </>
  );
}

async function renew({ id }: WireLease, token: string, increment: string): Promise<Outcome<readonly string[]>> {
  const body = { lease_id: id, ...(increment === '' ? {} : { increment }) };
  const outcome = await ask<{ readonly lease_duration: number }>({
    method: 'PUT',
    path: 'sys/leases/renew',
    body,
    token,
  });
  if (!outcome.ok) return outcome;
  const ends = span(outcome.value.lease_duration * 1000);
  return { ...outcome, value: [`Renewed: ${id} ends in ${ends}.`, ...outcome.warnings] };
}

/** Ends it, or tries again to: for the server that is the same. Tells what the lease says of itself afterwards. */
async function end({ id }: WireLease, token: string): Promise<Outcome<readonly string[]>> {
  const outcome = await ask({ method: 'PUT', path: 'sys/leases/revoke', body: { lease_id: id }, token });
  if (!outcome.ok) return outcome;
  const after = await askData<WireLeasePage>({ path: leasesPath(id)!, token });
  const lease = after.ok ? after.value.leases.find((one) => one.id === id) : undefined;
  const text = lease === undefined ? 'its end is recorded.' : endedText(lease);
  return { ok: true, value: [`Revoked: ${id}. ${text}`], warnings: [] };
}

interface ConfirmProps {
  readonly lease: WireLease;
  readonly texts: readonly string[];
  readonly onYes: () => void;
  readonly onNo: () => void;
}

/** A modal dialog: the browser keeps the focus in it, closes it with Escape and gives the focus back. */
function Confirm({ lease, texts, onYes, onNo }: ConfirmProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onNo();
      }}
    >
      <h3 id={id}>Revoke this lease?</h3>
      <p className="id">{lease.id}</p>
      {texts.map((text) => (
        <p key={text}>{text}</p>
      ))}
      <div className="buttons">
        <button type="button" onClick={onNo}>
          Keep it
        </button>
        <button type="button" className="danger" onClick={onYes}>
          Revoke
        </button>
      </div>
    </dialog>
  );
}
