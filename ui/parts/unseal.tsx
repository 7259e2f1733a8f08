// Unsealing: one share at a time, each by whoever holds it.
import { useId, useRef, useState, type ReactNode } from 'react';
import { ask } from '../api.ts';
import type { Refusal } from '../view/refusals.ts';
import type { SealStatus } from '../view/server.ts';
import { Refused, Told } from './notices.tsx';

interface Props {
  readonly status: SealStatus;
  readonly onStatus: (status: SealStatus) => void;
  readonly onRetry: () => Promise<void>;
}

export function Unseal({ status, onStatus, onRetry }: Props): ReactNode {
  const [share, setShare] = useState('');
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  const field = useRef<HTMLInputElement>(null);
  const id = useId();

  const send = async (body: { key: string } | { reset: true }): Promise<void> => {
    setBusy(true);
    const outcome = await ask<SealStatus>({ method: 'PUT', path: 'sys/unseal', body });
    setBusy(false);
    // Given or refused, a share does not stay on the screen.
    setShare('');
    setRefusal(outcome.ok ? undefined : outcome.refusal);
    if (outcome.ok) onStatus(outcome.value);
    else void onRetry();
    field.current?.focus();
  };
  if (status.recovery_seal) {
    return (
      <>
        <h2>The server is sealed</h2>
        <p>It opens by itself when it starts and reaches its seal; there is no share to give.</p>
        <button type="button" onClick={() => void onRetry()}>
          Look again
        </button>
      </>
    );
  }
  return (
    <form
      className="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        if (share.trim() !== '') void send({ key: share.trim() });
      }}
    >
      <h2>The server is sealed</h2>
      <p>
        It opens when {status.t} of its {status.n} shares were given, here or elsewhere.
      </p>
      <label htmlFor={id}>Share of the unseal key</label>
      <input
        id={id}
        ref={field}
        type="password"
        autoComplete="off"
        spellCheck={false}
        value={share}
        onChange={(event) => setShare(event.target.value)}
      />
      <div className="buttons">
        <button type="submit" disabled={busy}>
          Give the share
        </button>
        {status.progress > 0 ? (
          <button type="button" disabled={busy} onClick={() => void send({ reset: true })}>
            Start over
          </button>
        ) : null}
        <button type="button" disabled={busy} onClick={() => void onRetry()}>
          Look again
        </button>
      </div>
      <Told texts={status.progress > 0 ? [`${status.progress} of ${status.t} shares were given.`] : []} />
      <Refused refusal={refusal} />
    </form>
  );
}
