// The contract of every kind of source: what makes two of them different, and how its credentials are had.
import type { Clock, Millis } from '../../base/index.ts';
import type { SendHttp } from '../http.ts';
import type { Credentials, Environment, IdentityToken, Source } from '../model.ts';

/** What reading a source may use. */
export interface SourceTools {
  readonly env: Environment;
  readonly clock: Clock;
  readonly wait: (millis: Millis) => Promise<void>;
  readonly send: SendHttp;
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
  /**
   * Whether its credentials are a session that is worth keeping by itself, as any session of a role is. Keys and
   * processes are asked anew; where fetching means a sign-in or a call, it is not done twice.
   */
  readonly kept: boolean;
  /** Rejects with a coded Failure that names the place of the setting and the cure. */
  read(source: SourceOf<Kind>, tools: SourceTools): Promise<Credentials | IdentityToken>;
}
