// Signing in with a token: it is tried before it is kept.
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { lookUp, type Session } from '../session.ts';
import { canBeToken } from '../view/paths.ts';
import type { Refusal } from '../view/refusals.ts';
import { Refused } from './notices.tsx';

const odd: Refusal = {
  status: 0,
  errors: ['This is no token: it is empty, or holds blanks or characters that tokens do not have.'],
  hint: 'copy the whole token and nothing else',
};

export function SignIn({ onSignIn }: { readonly onSignIn: (session: Session) => void }): ReactNode {
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  useEffect(() => field.current?.focus(), []);

  const submit = async (): Promise<void> => {
    const token = typed.trim();
    if (!canBeToken(token)) return setRefusal(odd);
    setBusy(true);
    const outcome = await lookUp(token);
    setBusy(false);
    if (outcome.ok) return onSignIn({ token, who: outcome.value });
    setRefusal(outcome.refusal);
    field.current?.select();
  };
  return (
    <form
      className="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h2>Sign in</h2>
      <label htmlFor={id}>Token</label>
      <input
        id={id}
        ref={field}
        type="password"
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <p className="hint">It stays in this tab until the tab is closed or you sign out.</p>
      <button type="submit" disabled={busy}>
        {busy ? 'Signing in…' : 'Sign in'}
      </button>
      <Refused refusal={refusal} />
    </form>
  );
}
