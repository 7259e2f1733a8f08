// From a request to credentials: the kept session when there is one, else the calls of the plan, each result kept,
// one process at a time per session. This file is the whole flow of `stint assume`.
import { formatDuration, isFailure, isoSeconds, type Millis } from '../base/index.ts';
import { requestIdentity, type KeptSession, type SessionCache } from './cache.ts';
import { takeLock } from './lock.ts';
import type { MfaAnswer, MfaNeed } from './mfa.ts';
import type { Credentials, IdentityToken, RoleLink, SessionRequest } from './model.ts';
import { soundKeys } from './sound-keys.ts';
import { isKeptSource, isNameless, readSource, type SourceTools } from './sources/index.ts';
import { limits, planSession, usual, type PlanFacts, type PlanStep, type SessionPlan } from './session-plan.ts';
import { describePath } from './session-words.ts';
import type { IssuedSession, MfaProof, StsClient } from './sts.ts';

export interface SessionTools extends SourceTools {
  /** Undefined when nothing can be kept (no home). */
  readonly cache: SessionCache | undefined;
  readonly sts: (request: SessionRequest) => StsClient;
  /** Asks for the code of a device. Rejects with Failure `mfa-needed` when nobody can be asked. */
  readonly askMfa: (need: MfaNeed) => Promise<MfaAnswer>;
  /** Replace the target's session even if a kept one is good. */
  readonly refresh: boolean;
}

/** What a session of `request` is kept under; undefined when none ever is. */
export function keptIdentity(request: SessionRequest): string | undefined {
  return isAsItIs(request) ? undefined : requestIdentity(request);
}

/** A kept session that is good for `request`, without asking anybody. @throws Failure `cache-version`. */
export function keptSession(request: SessionRequest, cache: SessionCache | undefined): KeptSession | undefined {
  return isAsItIs(request) ? undefined : cache?.read(requestIdentity(request));
}

/** True for keys that are handed on as they are, and for sources that may be others tomorrow: no session is kept for them. */
function isAsItIs({ source, roles, mfaSerial, durationSeconds }: SessionRequest): boolean {
  if (isNameless(source)) return true;
  if (roles.length > 0 || isKeptSource(source)) return false;
  if (source.kind === 'instance' || source.kind === 'container') return true;
  if (source.kind === 'keys' && source.credentials.sessionToken !== undefined) return true;
  return mfaSerial === undefined && durationSeconds === undefined;
}

const mfaTries = 3;

/** What a call is made with. `kept`: it was kept by an earlier command, so AWS may have ended it since. */
interface Beginning {
  readonly session: Credentials | IdentityToken;
  readonly kept: boolean;
}

function ends(expiration: Millis, now: Millis): string {
  return `ends in ${formatDuration((expiration - now) / 1000)}, at ${isoSeconds(expiration)}`;
}

/** Runs one request; the source is asked once, however many sessions are made of it. */
class SessionRun {
  readonly #tools: SessionTools;
  readonly #startedAt: Millis;
  #source: Promise<Beginning> | undefined;
  #read: Promise<Credentials | IdentityToken> | undefined;

  #told = false;

  constructor(tools: SessionTools) {
    this.#tools = tools;
    this.#startedAt = tools.clock.now();
  }

  /** `refresh`: a session kept before this command began does not count. */
  async obtain(request: SessionRequest, refresh: boolean): Promise<{ session: Credentials; kept: boolean }> {
    const { cache, explain, clock } = this.#tools;
    if (isAsItIs(request) || cache === undefined) return { session: await this.#issue(request), kept: false };
    const identity = requestIdentity(request);
    const look = (): KeptSession | undefined => {
      const kept = cache.read(identity);
      if (kept === undefined || (refresh && kept.issuedAt < this.#startedAt)) return undefined;
      explain(`kept session of ${nameOf(request)}: ${ends(kept.credentials.expiration, clock.now())}`);
      return kept;
    };
    const kept = refresh ? undefined : look();
    if (kept !== undefined) return { session: kept.credentials, kept: true };
    return this.#locked(identity, request, look);
  }

  async #locked(
    identity: string,
    request: SessionRequest,
    look: () => KeptSession | undefined,
  ): Promise<{ session: Credentials; kept: boolean }> {
    const release = await this.#lock(identity);
    try {
      const meanwhile = look();
      if (meanwhile !== undefined) return { session: meanwhile.credentials, kept: true };
      const session = await this.#issue(request);
      if (release !== undefined) this.#keep(identity, request, session);
      return { session, kept: false };
    } finally {
      release?.();
    }
  }

  /** The way to give the lock back; undefined when nothing can be written, so that nothing can be locked or kept. */
  async #lock(identity: string): Promise<(() => void) | undefined> {
    const { cache, note, wait, explain } = this.#tools;
    const onBusy = (): void => explain('another stint is fetching the same session: waiting for it');
    try {
      cache!.prepare();
      return await takeLock(cache!.lockFile(identity), { wait, onBusy });
    } catch (error) {
      if (isFailure(error)) throw error;
      const why = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      note(`sessions cannot be kept in \`${cache!.folder}\` (${why}): every command asks AWS anew`);
      return undefined;
    }
  }

  #keep(identity: string, request: SessionRequest, session: Credentials): void {
    const { expiration } = session;
    if (expiration === undefined) return;
    try {
      this.#tools.cache!.write(identity, request, { ...session, expiration });
    } catch (error) {
      if (isFailure(error)) throw error;
      this.#tools.note(`the session could not be kept (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
    }
  }

  /** A source that is a session of its own is kept as one, so that every role of it shares it. `anew`: the kept one does not count. */
  #begin(request: SessionRequest, anew: boolean): Promise<Beginning> {
    const { source } = request;
    const alone = isKeptSource(source) ? sourceRequest(request) : undefined;
    // The source's own request comes here as well, from the session that is kept of it: it reads, and waits for nobody.
    if (alone === undefined) return this.#readSource(source);
    if (anew) this.#source = undefined;
    return (this.#source ??= this.obtain(alone, anew || this.#tools.refresh));
  }

  async #readSource(source: SessionRequest['source']): Promise<Beginning> {
    return { session: soundKeys(await (this.#read ??= readSource(source, this.#tools)), source.from), kept: false };
  }

  /** What the plan has to know of the source; a token is not read for that, since a kept session may make it needless. */
  async #sourceClass(request: SessionRequest): Promise<PlanFacts['source']> {
    if (request.source.kind === 'web-identity') return 'web-identity';
    const { session } = (await this.#begin(request, false)) as { session: Credentials };
    return session.sessionToken === undefined ? 'long-term' : 'temporary';
  }

  /** Tells the whole path once; what it takes to get there is part of it. */
  #tell(request: SessionRequest, { steps, notes }: SessionPlan): void {
    for (const line of notes) this.#tools.note(line);
    if (this.#told) return;
    this.#told = true;
    for (const line of describePath(steps, request)) this.#tools.explain(line);
  }

  async #issue(request: SessionRequest): Promise<Credentials> {
    const plan = planSession({
      source: await this.#sourceClass(request),
      mfa: request.mfaSerial !== undefined,
      roles: request.roles.map(({ durationSeconds }) => durationSeconds),
      durationSeconds: request.durationSeconds,
      mfaSeconds: mfaSessionSeconds(request),
    });
    this.#tell(request, plan);
    const step = plan.steps.at(-1)!;
    const earlier = earlierRequest(request, plan);
    const from = earlier === undefined ? await this.#begin(request, false) : await this.#goOn(earlier, plan);
    if (step.call === 'none') return from.session as Credentials;
    try {
      return await this.#call(request, step, from.session);
    } catch (error) {
      // A kept session may have been ended at AWS before its time; that is found out only by using it.
      if (!from.kept || !isFailure(error) || !/^credentials-(?:expired|refused)$/.test(error.code)) throw error;
      const name = earlier === undefined ? request.source.from : nameOf(earlier);
      this.#tools.explain(`the kept session of ${name} was refused: fetching a new one`);
      const anew = earlier === undefined ? this.#begin(request, true) : this.obtain(earlier, true);
      return this.#call(request, step, (await anew).session);
    }
  }

  /** The session that the last call is made with. A refresh renews all of a chain but what would cost the person a code. */
  #goOn(earlier: SessionRequest, { steps }: SessionPlan): Promise<Beginning> {
    const step = steps.at(-2)!;
    const asks = step.call !== 'none' && step.mfa;
    return this.obtain(earlier, this.#tools.refresh && !asks);
  }

  async #call(request: SessionRequest, step: PlanStep, as: Credentials | IdentityToken): Promise<IssuedSession> {
    return soundKeys(await this.#ask(request, step, as), `\`${request.sts.url}\``);
  }

  async #ask(request: SessionRequest, step: PlanStep, as: Credentials | IdentityToken): Promise<IssuedSession> {
    const sts = this.#tools.sts(request);
    if (step.call === 'none') throw new Error('a plan that goes on from a session ends with a call');
    if ('identityToken' in as) {
      const first = request.roles[0];
      if (first === undefined) throw new Error('a token without a role is no session');
      return sts.assumeRoleWithWebIdentity(as, first, step.durationSeconds);
    }
    const role = step.call === 'AssumeRole' ? await this.#named(request.roles[step.role]!, sts, as) : undefined;
    const ask = (mfa?: MfaProof): Promise<IssuedSession> =>
      role === undefined
        ? sts.getSessionToken(as, step.durationSeconds, mfa)
        : sts.assumeRole(as, role, step.durationSeconds, mfa);
    return step.mfa ? this.#withMfa({ serial: request.mfaSerial!, command: request.mfaCommand }, ask) : ask();
  }

  /** The role with the caller's user name as source identity, where its trust demands that. Sessions keep the one they have. */
  async #named(role: RoleLink, sts: StsClient, as: Credentials): Promise<RoleLink> {
    if (role.callerIdentity !== true) return role;
    const { arn } = await sts.getCallerIdentity(as);
    const user = /:user\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1];
    return user === undefined ? role : { ...role, sourceIdentity: user };
  }

  async #withMfa(need: MfaNeed, ask: (mfa: MfaProof) => Promise<IssuedSession>): Promise<IssuedSession> {
    for (let attempt = 1; ; attempt++) {
      const { code, again, unsent } = await this.#tools.askMfa(need);
      try {
        return await ask({ serial: need.serial, code });
      } catch (error) {
        if (isUnsent(error)) await unsent();
        if (!again || attempt === mfaTries || !isFailure(error) || error.code !== 'mfa-refused') throw error;
        this.#tools.note(`${error.message}; ${error.hint ?? ''} (try ${attempt + 1} of ${mfaTries})`);
      }
    }
  }
}

/** True when nothing of the call can have reached AWS. */
function isUnsent(error: unknown): boolean {
  return isFailure(error) && (error.detail as { sent?: boolean } | undefined)?.sent === false;
}

function nameOf({ roles, mfaSerial, target }: SessionRequest): string {
  return roles.at(-1)?.roleArn ?? (mfaSerial === undefined ? `\`${target}\`` : `the MFA device ${mfaSerial}`);
}

/** How long a session with MFA may serve a trust that looks at its age; undefined for as long as usual. */
function mfaSessionSeconds({ mfaMaxAge: maxAge, mfaSeconds: named }: SessionRequest): number | undefined {
  if (maxAge === undefined || maxAge >= (named ?? usual.mfaSession)) return named;
  return Math.max(maxAge, limits.shortest);
}

/** The request for the source itself; undefined when that is what the request is. */
function sourceRequest(request: SessionRequest): SessionRequest | undefined {
  const { source, sts, region, settings, roles, mfaSerial, durationSeconds } = request;
  if (roles.length === 0 && mfaSerial === undefined && durationSeconds === undefined) return undefined;
  return { target: source.from.replaceAll('`', ''), source, roles: [], sts, region, settings };
}

/** The session that the plan's last call is made with, as a request of its own; undefined when that is the source. */
function earlierRequest(request: SessionRequest, { steps }: SessionPlan): SessionRequest | undefined {
  const before = steps.at(-2);
  if (before === undefined || before.call === 'none') return undefined;
  if (before.call === 'GetSessionToken') {
    const { mfaMaxAge: _, mfaSeconds: __, ...rest } = request;
    return { ...rest, target: request.mfaSerial ?? '', roles: [], durationSeconds: mfaSessionSeconds(request) };
  }
  const links = request.roles.slice(0, before.role + 1);
  const last = links.at(-1)!;
  // With the plan's duration, so that it fits the chain; without one when nobody named one, so that it is shared with the role's own target.
  const durationSeconds = last.durationSeconds === undefined ? undefined : before.durationSeconds;
  const roles: readonly RoleLink[] = [...links.slice(0, -1), { ...last, durationSeconds }];
  return { ...request, target: last.roleArn, roles };
}

/**
 * Credentials for the request. Exactly one process asks AWS at a time; the others take what it kept.
 * @throws Failure of every kind this room knows; nothing is kept unless AWS gave it.
 */
export async function obtainSession(request: SessionRequest, tools: SessionTools): Promise<Credentials> {
  return (await new SessionRun(tools).obtain(request, tools.refresh)).session;
}
