// What both servers answer with. Types, and the shapes that they share.
import { isoSeconds } from '../../base/index.ts';
import type { NoSession, ServedSession, SessionKeeper } from './session-keeper.ts';

export interface Question {
  readonly method: string;
  /** Parts of the path, decoded; empty ones left out, so that a slash at the end makes no difference. */
  readonly path: readonly string[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Port of the other end. */
  readonly peerPort: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is served, and for whom. */
export interface Subject {
  /** Undefined for a target without a role. */
  readonly role?: { readonly partition: string; readonly account: string; readonly name: string } | undefined;
  /** Undefined when nothing tells it. */
  readonly account?: string | undefined;
  readonly region?: string | undefined;
  readonly keeper: Pick<SessionKeeper, 'current'>;
}

/** One of the two servers. Its answers come from memory. */
export interface Responder {
  /** Variables for the child, by name. The authorization token is among them where there is one. */
  readonly variables: (port: number) => Readonly<Record<string, string>>;
  answer(question: Question, port: number): Promise<Answer>;
}

/** Exactly this: Go's SDK reads errors of no other type, JavaScript's warns of others. */
const jsonHeaders = { 'content-type': 'application/json' } as const;

export function json(status: number, value: unknown): Answer {
  return { status, headers: jsonHeaders, body: JSON.stringify(value) };
}

export function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain', ...headers }, body };
}

/** A refusal in the form that SDKs show to people. */
export function refusal(status: number, code: string, message: string): Answer {
  return json(status, { Code: code, Message: message });
}

/** 503 is tried again by SDKs, 403 is not worth it. */
export function noSession({ code, message, temporary }: NoSession): Answer {
  return refusal(temporary ? 503 : 403, code, message);
}

export function isSession(found: ServedSession | NoSession): found is ServedSession {
  return 'accessKeyId' in found;
}

/** The four members that every SDK wants, all texts; the end in UTC with `Z` and without fraction. */
export function keyMembers(session: ServedSession): Readonly<Record<string, string>> {
  return {
    AccessKeyId: session.accessKeyId,
    // SECURITY: the way out of the keys, behind the token of the one child that they are for.
    SecretAccessKey: session.secretAccessKey.reveal(),
    Token: session.sessionToken.reveal(),
    Expiration: isoSeconds(session.expiration),
  };
}
