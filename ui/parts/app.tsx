// The page: unseal when the server is sealed, sign in when nobody is, else leases and server.
import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { ask } from '../api.ts';
import { keepToken, keptToken, lookUp, type Session } from '../session.ts';
import type { Refusal } from '../view/refusals.ts';
import { sealText, type SealStatus } from '../view/server.ts';
import { firstWanted, Leases } from './leases.tsx';
import { Refused } from './notices.tsx';
import { Server } from './server.tsx';
import { SignIn } from './sign-in.tsx';
import { Unseal } from './unseal.tsx';

export function App(): ReactNode {
  const [status, setStatus] = useState<SealStatus>();
  const [refusal, setRefusal] = useState<Refusal>();
  const [session, setSession] = useState<Session>();
  const [restoring, setRestoring] = useState(() => keptToken() !== undefined);

  const look = useCallback(async (): Promise<void> => {
    const outcome = await ask<SealStatus>({ path: 'sys/seal-status' });
    if (outcome.ok) setStatus(outcome.value);
    setRefusal(outcome.ok ? undefined : outcome.refusal);
  }, []);
  useEffect(() => void look(), [look]);

  const open = status !== undefined && status.initialized && !status.sealed;
  useEffect(() => {
    const token = keptToken();
    if (!open || token === undefined || session !== undefined) return;
    void lookUp(token).then((outcome) => {
      if (outcome.ok) setSession({ token, who: outcome.value });
      else if (outcome.refusal.status === 403) keepToken(undefined);
      setRestoring(false);
    });
  }, [open, session]);

  const signIn = (given: Session): void => {
    keepToken(given.token);
    setSession(given);
  };
  const signOut = (): void => {
    keepToken(undefined);
    setRestoring(false);
    setSession(undefined);
  };

  if (status === undefined) {
    return (
      <Frame>
        {refusal === undefined ? <p role="status">Asking the server…</p> : <Refused refusal={refusal} />}
        {refusal === undefined ? null : <RetryButton onRetry={look} />}
      </Frame>
    );
  }
  if (!status.initialized) {
    return (
      <Frame status={status}>
        <h2>This server is not initialised</h2>
        <p>
          Whoever runs it does that once, in a shell: <code>stint operator init</code>
        </p>
        <RetryButton onRetry={look} />
      </Frame>
    );
  }
  if (status.sealed) {
    return (
      <Frame status={status}>
        <Unseal status={status} onStatus={setStatus} onRetry={look} />
      </Frame>
    );
  }
  if (session === undefined) {
    return <Frame status={status}>{restoring ? <p role="status">Signing in…</p> : <SignIn onSignIn={signIn} />}</Frame>;
  }
  return <Inside status={status} session={session} onSignOut={signOut} onSealed={look} />;
}

function RetryButton({ onRetry }: { readonly onRetry: () => Promise<void> }): ReactNode {
  return (
    <button type="button" onClick={() => void onRetry()}>
      Look again
    </button>
  );
}

interface FrameProps {
  readonly status?: SealStatus;
  readonly more?: ReactNode;
  readonly children: ReactNode;
}

function Frame({ status, more, children }: FrameProps): ReactNode {
  return (
    <>
      <header>
        <h1>Stint</h1>
        {status === undefined ? null : (
          <span className={status.sealed ? 'chip bad' : 'chip good'}>server {sealText(status)}</span>
        )}
        {more}
      </header>
      <main>{children}</main>
    </>
  );
}

interface InsideProps {
  readonly status: SealStatus;
  readonly session: Session;
  readonly onSignOut: () => void;
  readonly onSealed: () => Promise<void>;
}

type View = 'leases' | 'server';

function Inside({ status, session, onSignOut, onSealed }: InsideProps): ReactNode {
  const [view, setView] = useState<View>('leases');
  const [stuck, setStuck] = useState('');
  const [wanted, setWanted] = useState(firstWanted);
  const [fresh, setFresh] = useState(0);
  useEffect(() => {
    document.title = stuck === '' ? 'Stint' : `(${stuck}) Stint`;
    return () => void (document.title = 'Stint');
  }, [stuck]);

  const showStuck = (): void => {
    setView('leases');
    setWanted({ ...firstWanted, filter: 'stuck' });
    // The filter's fields begin anew, too.
    setFresh((count) => count + 1);
  };
  const tab = (name: View, text: string): ReactNode => (
    <button type="button" aria-current={view === name ? 'page' : undefined} onClick={() => setView(name)}>
      {text}
    </button>
  );
  const more = (
    <>
      {stuck === '' ? null : (
        <button type="button" className="chip bad" onClick={showStuck}>
          {stuck}
        </button>
      )}
      <nav aria-label="views">
        {tab('leases', 'Leases')}
        {tab('server', 'Server')}
      </nav>
      <span className="who">{session.who.display_name}</span>
      <button type="button" onClick={onSignOut}>
        Sign out
      </button>
    </>
  );
  return (
    <Frame status={status} more={more}>
      {view === 'leases' ? (
        <Leases
          key={fresh}
          session={session}
          wanted={wanted}
          onWanted={setWanted}
          onStuck={setStuck}
          onSealed={onSealed}
        />
      ) : (
        <Server status={status} session={session} />
      )}
    </Frame>
  );
}
