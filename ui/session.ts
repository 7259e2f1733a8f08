// The token of whoever is signed in. SECURITY: it lies in sessionStorage, so that loading the page anew does not ask
// for it again: this tab alone can read it, and it is gone when the tab is closed. localStorage and cookies
// would outlive that; a cookie would also be sent by itself.
import { askData, type Outcome } from './api.ts';

/** Data of `auth/token/lookup-self`, as far as it is used. */
export interface Who {
  readonly display_name: string;
  readonly policies: readonly string[];
  readonly expire_time: string | null;
  /** Calls left; 0: without limit. */
  readonly num_uses: number;
}

export interface Session {
  readonly token: string;
  readonly who: Who;
}

/** Asks a token about itself; of a token with counted uses that takes one. */
export function lookUp(token: string): Promise<Outcome<Who>> {
  return askData({ path: 'auth/token/lookup-self', token });
}

const name = 'stint-token';

export function keptToken(): string | undefined {
  try {
    return sessionStorage.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Undefined forgets it. */
export function keepToken(token: string | undefined): void {
  try {
    if (token === undefined) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, token);
  } catch {
    // A browser may allow no storage: the token then lives as long as the page.
  }
}
