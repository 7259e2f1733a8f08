// What the tests of the metadata servers share: a clock and timers that move only when told, a source of sessions
// that counts and obeys, and questions over real HTTP.
import { request as ask, type IncomingHttpHeaders } from 'node:http';
import type { TestContext } from 'node:test';
import { AdjustableClock, Secret, type Millis } from '../../../src/base/index.ts';
import { loadMetadata, type Credentials } from '../../../src/assume/index.ts';
import type { SessionKeeper } from '../../../src/assume/metadata/index.ts';

export const start = Date.parse('2026-03-01T12:00:00Z');
export const minute: Millis = 60_000;

/** A clock that stands at `start`, and timers that run when time is made to pass. */
export class Stage {
  readonly clock = new AdjustableClock({ now: () => start });
  readonly #timers = new Set<{ readonly at: Millis; readonly work: () => void }>();

  readonly later = (millis: Millis, work: () => void): (() => void) => {
    const timer = { at: this.clock.now() + millis, work };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass: timers run at their time, and whatever they begin comes to rest before the next. */
  async pass(millis: Millis): Promise<void> {
    const end = this.clock.now() + millis;
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      if (next.at > this.clock.now()) this.clock.set(next.at);
      next.work();
      await rest();
    }
    this.clock.set(end);
  }

  /** The machine sleeps: the wall clock goes on and no timer does. */
  sleep(millis: Millis): void {
    this.clock.advance(millis);
    const late = [...this.#timers].map((timer) => ({ ...timer, at: timer.at + millis }));
    this.#timers.clear();
    for (const timer of late) this.#timers.add(timer);
  }
}

/** Resolves when all promises that can have settled. */
export function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export type Session = Credentials & { readonly sessionToken: Secret };

/** A session by number that ends at `expiration`. */
export function session(serial: number, expiration: Millis | undefined): Session {
  return {
    accessKeyId: `ASIA${String(serial).padStart(16, '0')}`,
    secretAccessKey: new Secret(`secret-${serial}`),
    sessionToken: new Secret(`token-${serial}`),
    expiration,
  };
}

export interface Kept {
  readonly stage: Stage;
  readonly keeper: SessionKeeper;
  readonly told: string[];
  /** Renewals so far. */
  renewals: number;
  /** What the next renewals do; a session that lasts `lifetime` unless told otherwise. */
  renew: (serial: number) => Promise<Credentials>;
  /** What another process has kept. */
  elsewhere: () => Credentials | undefined;
}

/** A keeper whose first session was issued `age` ago and lasts `lifetime`. */
export async function keep(t: TestContext, lifetime: Millis = 60 * minute, age: Millis = 0): Promise<Kept> {
  const { SessionKeeper } = await loadMetadata();
  const stage = new Stage();
  const kept: Omit<Kept, 'keeper'> = {
    stage,
    told: [],
    renewals: 0,
    renew: async (serial) => session(serial, stage.clock.now() + lifetime),
    elsewhere: () => undefined,
  };
  const keeper = new SessionKeeper(session(1, start + lifetime - age), start - age, {
    clock: stage.clock,
    later: stage.later,
    renew: () => all.renew(++all.renewals + 1),
    kept: () => all.elsewhere(),
    tell: (line) => kept.told.push(line),
    cure: 'do this',
  });
  const all: Kept = Object.assign(kept, { keeper });
  t.after(() => keeper.stop());
  return all;
}

/** The access key that the keeper gives, without its zeros, or the code of why it gives none. */
export async function given({ keeper }: Pick<Kept, 'keeper'>): Promise<string> {
  const found = await keeper.current();
  return 'accessKeyId' in found ? String(Number(found.accessKeyId.slice(4))) : found.code;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One question to a port of 127.0.0.1. */
export function askPort(port: number, path: string, { method = 'GET', headers = {} }: Asked = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = ask({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on('error', reject).end();
  });
}
