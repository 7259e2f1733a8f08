// The token of a session of Identity Center: the kept one while it is good, else a renewed one, else a new sign-in. One
// process at a time renews or signs in; the others take what it kept, so that parallel runs open one tab.
import { isFailure, type Millis, type Secret } from '../../base/index.ts';
import { failure } from '../failures.ts';
import { httpSender } from '../http.ts';
import { takeLock } from '../lock.ts';
import type { SsoSession } from '../model.ts';
import { prepareFolder, readObject, removeObject, timeOf, unwritable, writeObject } from './aws-cache.ts';
import type { CallTools } from './json-call.ts';
import type { SignInTools, SourceTools } from './source.ts';
import { judgeToken, mayRenew, readToken, tokenFile, writeToken, type KeptToken } from './sso-cache.ts';
import { createToken } from './sso-oidc.ts';

export interface TokenWanted {
  readonly session: SsoSession;
  /** The profile that asks, and the `file:line` that makes it ask. */
  readonly asker?: { readonly profile: string; readonly place: string } | undefined;
  /** A token that AWS has refused: it is not good, whatever its file says. */
  readonly refused?: Secret | undefined;
  /** The person asked for a new sign-in. */
  readonly anew?: boolean;
}

/** How long one process waits for the sign-in of another: as long as a person may take, and a little more. */
const signInPatience: Millis = 11 * 60_000;

/** What calls of these services need. */
export function callTools({ env, wait }: SourceTools): CallTools {
  return { send: httpSender(env), wait };
}

/** One wish for a token. */
class TokenRun {
  readonly #wanted: TokenWanted;
  readonly #tools: SourceTools;
  readonly #startedAt: Millis;

  constructor(wanted: TokenWanted, tools: SourceTools) {
    this.#wanted = wanted;
    this.#tools = tools;
    this.#startedAt = tools.clock.now();
  }

  get #file(): string {
    return tokenFile(this.#wanted.session, this.#tools.env);
  }

  #read(): KeptToken | undefined {
    return readToken(this.#wanted.session, this.#tools.env);
  }

  /** Whether the token was refused by AWS before. */
  #isRefused(token: KeptToken | undefined): boolean {
    return token !== undefined && token.accessToken.reveal() === this.#wanted.refused?.reveal();
  }

  #isGood(token: KeptToken | undefined): token is KeptToken {
    return judgeToken(token, this.#tools.clock.now()) === 'good' && !this.#isRefused(token);
  }

  /** A token that still works, though not for long. */
  #stillWorks(token: KeptToken | undefined): token is KeptToken {
    return judgeToken(token, this.#tools.clock.now()) === 'ending' && !this.#isRefused(token);
  }

  async obtain(): Promise<Secret> {
    const kept = this.#read();
    if (this.#wanted.anew !== true && this.#isGood(kept)) return kept.accessToken;
    const release = await this.#lock(kept);
    if (release === undefined) return kept!.accessToken;
    try {
      return await this.#lockedToken();
    } finally {
      release();
    }
  }

  /** Undefined when nothing can be written and the kept token still works without. */
  async #lock(kept: KeptToken | undefined): Promise<(() => void) | undefined> {
    const { explain, wait, note } = this.#tools;
    try {
      prepareFolder(this.#file);
      const onBusy = (): void => explain('another stint is signing in to the same session: waiting for it');
      const file = this.#file.replace(/\.json$/, '.lock');
      return await takeLock(file, { wait, onBusy, patienceMillis: signInPatience });
    } catch (error) {
      const why = isFailure(error) ? error : unwritable(this.#file, error);
      if (why.code !== 'sso-unwritable' || this.#wanted.anew === true || !this.#stillWorks(kept)) throw why;
      note(`${why.message}; the one that is there ends soon`);
      return undefined;
    }
  }

  async #lockedToken(): Promise<Secret> {
    const { explain } = this.#tools;
    const kept = this.#read();
    const anew = this.#wanted.anew === true;
    if (!anew && this.#isGood(kept)) return kept.accessToken;
    const renewed = anew ? undefined : await this.#renew(kept);
    if (renewed !== undefined) return renewed.accessToken;
    if (!anew && this.#stillWorks(kept)) {
      explain(`the sign-in to \`${this.#wanted.session.startUrl}\` ends soon and could not be renewed`);
      return kept.accessToken;
    }
    return this.#signIn();
  }

  /** A renewed token; undefined when that takes a person. */
  async #renew(kept: KeptToken | undefined): Promise<KeptToken | undefined> {
    const { session } = this.#wanted;
    const { env, clock, explain } = this.#tools;
    if (kept?.renewal === undefined || !mayRenew(kept, clock.now())) return undefined;
    const { client, refreshToken } = kept.renewal;
    try {
      const grant = { grantType: 'refresh_token', refreshToken } as const;
      const answer = await createToken(session, client, grant, callTools(this.#tools));
      if ('refused' in answer) {
        explain(`the sign-in to \`${session.startUrl}\` was not renewed: ${answer.message} (${answer.refused})`);
        // The AWS CLI takes no lock: it may have renewed meanwhile, which ends our refresh token.
        const meanwhile = this.#read();
        return this.#isGood(meanwhile) ? meanwhile : undefined;
      }
      explain(`the sign-in to \`${session.startUrl}\` was renewed without asking`);
      return writeToken(session, env, answer, { client, before: kept, now: clock.now() });
    } catch (error) {
      // Without an answer nobody can sign in either; but what still works need not fail for it.
      if (isFailure(error) && /^sso-(?:unreachable|failed)$/.test(error.code) && this.#stillWorks(kept)) return kept;
      throw error;
    }
  }

  async #signIn(): Promise<Secret> {
    const { session } = this.#wanted;
    const { env, clock, wait } = this.#tools;
    this.#refuseAfterFailure();
    const person = this.#tools.signIn?.();
    if (person === undefined) throw this.#needed();
    const { signIn } = await import('./sso-sign-in.ts');
    try {
      const world = { ...callTools(this.#tools), env, clock, wait, platform: process.platform, person };
      const { issued, client } = await signIn(session, world);
      const kept = writeToken(session, env, issued, { client, now: clock.now() });
      removeObject(this.#failureFile);
      this.#tellSignedIn(person, kept);
      return kept.accessToken;
    } catch (error) {
      if (isFailure(error) && /^(?:interrupted|sso-sign-in-failed)$/.test(error.code))
        writeObject(this.#failureFile, { failedAt: new Date(clock.now()).toISOString() });
      throw error;
    }
  }

  #tellSignedIn({ tell }: SignInTools, { expiresAt, renewal }: KeptToken): void {
    const until = new Date(expiresAt).toISOString().replace(/\.\d{3}Z$/, 'Z');
    const renewing = renewal === undefined ? '' : ', renewed without asking as long as AWS lets it';
    tell(`signed in to \`${this.#wanted.session.startUrl}\` until ${until}${renewing}`);
  }

  get #failureFile(): string {
    return this.#file.replace(/\.json$/, '.failed');
  }

  /** Of many that waited for one sign-in, none opens the next tab when it has failed. */
  #refuseAfterFailure(): void {
    if (this.#wanted.anew === true) return;
    const failedAt = timeOf(readObject(this.#failureFile)?.['failedAt']);
    if (!(failedAt > this.#startedAt)) return;
    throw failure('sso-sign-in-failed', `${this.#place()}the sign-in that another stint had begun came to nothing`, {
      hint: `run \`stint sso login ${this.#who()}\`, then this again`,
    });
  }

  #place(): string {
    return `${this.#wanted.asker?.place ?? this.#wanted.session.place}: `;
  }

  #who(): string {
    const name = this.#wanted.asker?.profile ?? this.#wanted.session.name ?? '';
    return /^[\w./@-]+$/.test(name) ? name : `'${name}'`;
  }

  #needed(): Error {
    const { asker, session } = this.#wanted;
    const what = `a sign-in to \`${session.startUrl}\``;
    const needs = asker === undefined ? `${what} is needed` : `profile \`${asker.profile}\` needs ${what}`;
    return failure('sso-sign-in-needed', `${this.#place()}${needs}, and there is no terminal to sign in at`, {
      hint: `run \`stint sso login ${this.#who()}\` in a terminal, or \`aws sso login\``,
    });
  }
}

/**
 * An access token for the session, signed in for if it has come to that.
 * @throws Failure `sso-sign-in-needed`, `sso-sign-in-failed`, `sso-failed`, `sso-unreachable`, `sso-unwritable`,
 * `lock-busy`, `interrupted`.
 */
export function ssoToken(wanted: TokenWanted, tools: SourceTools): Promise<Secret> {
  return new TokenRun(wanted, tools).obtain();
}
