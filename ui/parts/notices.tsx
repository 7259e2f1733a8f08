// What the page says beside its lists: refusals with the server's own words, and what came of an action.
import type { ReactNode } from 'react';
import type { Refusal } from '../view/refusals.ts';

/** A refusal: read out at once by screen readers. Nothing when there is none. */
export function Refused({ refusal }: { readonly refusal: Refusal | undefined }): ReactNode {
  if (refusal === undefined) return null;
  return (
    <div className="notice bad" role="alert">
      {refusal.errors.map((text) => (
        <p key={text}>{text}</p>
      ))}
      {refusal.hint === undefined ? null : <p className="hint">What to do: {refusal.hint}</p>}
    </div>
  );
}

/** The place where results are told; it is always there, so that screen readers hear of changes. */
export function Told({ texts }: { readonly texts: readonly string[] }): ReactNode {
  return (
    <div className={texts.length === 0 ? 'told' : 'told notice'} role="status" aria-live="polite">
      {texts.map((text) => (
        <p key={text}>{text}</p>
      ))}
    </div>
  );
}
