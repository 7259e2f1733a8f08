// The contract of every kind of source: what makes two of them different, and how its credentials are had.
import type { Clock, Millis } from '../../base/index.ts';
import type { SendHttp } from '../http.ts';
import type { Credentials, Environment, IdentityToken, Source } from '../model.ts';

/** How a person signs in, where there is one at a terminal. */
export interface SignInTools {
  /** Shows a line that the person must see: an address, a code. */
  readonly tell: (line: string) => void;
  /** Sign in with a code that may be entered on another device, even where a browser could be opened. */
  readonly deviceCode: boolean;
  /** May a browser be opened? Else the address is only shown. */
  readonly browser: boolean;
  /** Aborts when the person ends the command. */
  readonly signal: AbortSignal;
}

/** What reading a source may use. */
export interface SourceTools {
  readonly env: Environment;
  readonly clock: Clock;
  readonly send: SendHttp;
  /** Resolves after so many milliseconds, or sooner when `signal` aborts. */
  readonly wait: (millis: Millis, signal?: AbortSignal) => Promise<void>;
  /** How a person may sign in; undefined when there is nobody at a terminal. Asked only when it has come to that. */
  readonly signIn?: () => SignInTools | undefined;
  /** A line that the person should read. */
  readonly note: (line: string) => void;
  /** A line about how a decision was reached. */
  readonly explain: (line: string) => void;
}

/** The source of one kind. */
export type SourceOf<Kind extends Source['kind']> = Extract<Source, { readonly kind: Kind }>;

export interface SourceKind<Kind extends Source['kind']> {
  /** What makes two sources of this kind different, as JSON. Holds no secret: keys are named by their id. */
  identity(source: SourceOf<Kind>): Readonly<Record<string, unknown>>;
  /** True when the identity does not tell the source from another. Never, unless given. */
  isNameless?(source: SourceOf<Kind>): boolean;
  /**
   * Whether its credentials are a session that is worth keeping by itself, as any session of a role is. Keys and
   * processes are asked anew; where fetching means a sign-in or a call, it is not done twice.
   */
  readonly kept: boolean;
  /** Rejects with a coded Failure that names the place of the setting and the cure. */
  read(source: SourceOf<Kind>, tools: SourceTools): Promise<Credentials | IdentityToken>;
}
