// Tokens: what a caller proves itself with. The id of a token is stored nowhere; records are found
// by a keyed hash of it, so neither a reader of the store nor the timing of a look-up helps to guess one.
import { randomText, Secret, type Clock, type Millis, type Random } from '../base/index.ts';
import type { Barrier, Change, Stored } from './barrier.ts';
import { brokerFailure } from './failures.ts';
import { leaseTtl } from './leases.ts';
import { dueKey } from './ledger.ts';
import { systemMaxTtlSeconds, type Token } from './model.ts';
import { absent, type Condition } from './storage/store.ts';

/** `usesLeft` of a token that may do nothing more. */
const spent = -1;

export interface TokenPlan {
  /** Given only by root; else a fresh one is made. */
  readonly id?: string;
  readonly policies: readonly string[];
  readonly displayName: string;
  readonly path: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly parent: string | null;
  /** 0: the system default, or for ever when the policies hold `root`. */
  readonly ttlSeconds: number;
  readonly explicitMaxTtlSeconds: number;
  readonly periodSeconds: number;
  readonly renewable: boolean;
  readonly uses: number;
  /** Of the auth method whose login makes it; the token ends with that mount. */
  readonly mountId?: string;
}

export interface MadeToken {
  readonly id: Secret;
  readonly token: Token;
  readonly warnings: readonly string[];
}

export class Tokens {
  readonly #barrier: Barrier;
  readonly #clock: Clock;
  readonly #random: Random;

  readonly #onDue: (at: Millis) => void;

  /** `onDue` hears of every due time that was written, so that the sweeper does not sleep past it. */
  constructor(barrier: Barrier, clock: Clock, random: Random, onDue: (at: Millis) => void) {
    this.#barrier = barrier;
    this.#clock = clock;
    this.#random = random;
    this.#onDue = onDue;
  }

  /** The token with this id, unless it has ended. Takes one of its uses when they are counted. */
  async use(id: string): Promise<Token | undefined> {
    for (;;) {
      const found = await this.#find(this.#name(id));
      if (found === undefined || this.#hasEnded(found.value)) return undefined;
      const { usesLeft } = found.value;
      if (usesLeft === 0) return found.value;
      const used = { ...found.value, usesLeft: usesLeft === 1 ? spent : usesLeft - 1 };
      if (await this.#barrier.commit([write(found, used), ...this.#markSpent(used)])) return used;
    }
  }

  /** The token with this id without using it up, or undefined. */
  async lookup(id: string): Promise<Token | undefined> {
    return this.byName(this.#name(id));
  }

  async byName(name: string): Promise<Token | undefined> {
    const found = await this.#find(name);
    return found === undefined || this.#hasEnded(found.value) ? undefined : found.value;
  }

  /**
   * The condition under which a lease or a child may be given to the token: that it is as it is now, and lives.
   * @throws Failure `permission-denied` when it has ended, `bad-request` when this is its last use.
   */
  async lendCondition(name: string): Promise<Condition> {
    const found = await this.#find(name);
    if (found?.value.usesLeft === spent) {
      // Vault's rule: a token's last use cannot be a lease, which would end with the token at once.
      throw brokerFailure('bad-request', 'a token with one use left cannot hold a lease', {
        hint: 'use a token with more uses',
      });
    }
    if (found === undefined || this.#hasEnded(found.value)) {
      throw brokerFailure('permission-denied', 'permission denied', { hint: 'the token ended during the request' });
    }
    return { key: found.key, expect: found.version };
  }

  /** Accessors of all tokens, also of those that have ended and are not yet forgotten. */
  accessors(): Promise<readonly string[]> {
    return this.#barrier.list('accessor/');
  }

  /** Names of the tokens that logins of this auth method made. */
  async ofMount(mountId: string): Promise<readonly string[]> {
    return this.#barrier.list(`mount-token/${mountId}/`);
  }

  async byAccessor(accessor: string): Promise<Token | undefined> {
    const found = await this.#barrier.get<string>(`accessor/${accessor}`);
    return found === undefined ? undefined : this.byName(found.value);
  }

  /**
   * Makes a token, durably. A child is made only while its parent lives, in one commit with that
   * check, so that whoever ends the parent finds it.
   * @throws Failure `bad-request` when the id is taken, `permission-denied` when the parent has ended.
   */
  async create(plan: TokenPlan): Promise<MadeToken> {
    const id = plan.id ?? `hvs.${randomText(this.#random, 24)}`;
    const now = this.#clock.now();
    const { ttlSeconds, warning } = this.#firstTtl(plan, now);
    const token: Token = {
      version: 1,
      name: this.#name(id),
      accessor: randomText(this.#random, 24),
      policies: plan.policies,
      displayName: plan.displayName,
      path: plan.path,
      meta: plan.meta,
      parent: plan.parent,
      createdAt: now,
      expiresAt: ttlSeconds === 0 ? null : now + ttlSeconds * 1000,
      creationTtlSeconds: ttlSeconds,
      explicitMaxTtlSeconds: plan.explicitMaxTtlSeconds,
      periodSeconds: plan.periodSeconds,
      renewable: plan.renewable && ttlSeconds > 0,
      lastRenewedAt: null,
      usesLeft: plan.uses,
      ...(plan.mountId === undefined ? {} : { mountId: plan.mountId }),
    };
    await this.#store(token);
    if (token.expiresAt !== null) this.#onDue(token.expiresAt);
    return { id: new Secret(id), token, warnings: warning === undefined ? [] : [warning] };
  }

  async #store(token: Token): Promise<void> {
    for (;;) {
      const conditions = token.parent === null ? [] : [await this.lendCondition(token.parent)];
      if (await this.#barrier.commit(creation(token), conditions)) return;
      if ((await this.#find(token.name)) !== undefined) {
        throw brokerFailure('bad-request', 'cannot create a token with a duplicate ID');
      }
    }
  }

  #firstTtl(plan: TokenPlan, now: Millis): { ttlSeconds: number; warning: string | undefined } {
    if (plan.ttlSeconds === 0 && plan.periodSeconds === 0 && plan.policies.includes('root')) {
      return { ttlSeconds: 0, warning: undefined };
    }
    const verdict = leaseTtl({
      incrementSeconds: plan.periodSeconds || plan.ttlSeconds,
      engineTtlSeconds: 0,
      engineMaxSeconds: plan.explicitMaxTtlSeconds,
      mountDefaultSeconds: systemMaxTtlSeconds,
      mountMaxSeconds: systemMaxTtlSeconds,
      issuedAt: now,
      now,
    });
    if (!verdict.allowed) throw brokerFailure('bad-request', verdict.reason);
    return verdict;
  }

  /**
   * Extends the token by `incrementSeconds`, or by its own time to live.
   * @throws Failure `lease-not-renewable`, `bad-request` past its longest life, `bad-token` when it has ended.
   */
  async renew(name: string, incrementSeconds: number): Promise<{ token: Token; warnings: readonly string[] }> {
    for (;;) {
      const found = await this.#find(name);
      if (found === undefined || this.#hasEnded(found.value)) throw brokerFailure('bad-token', 'bad token');
      const { token, warning } = this.#renewed(found.value, incrementSeconds);
      const changes = [write(found, token), ...dueChanges(found.value, token)];
      if (!(await this.#barrier.commit(changes))) continue;
      if (token.expiresAt !== null) this.#onDue(token.expiresAt);
      return { token, warnings: warning === undefined ? [] : [warning] };
    }
  }

  #renewed(token: Token, incrementSeconds: number): { token: Token; warning: string | undefined } {
    if (!token.renewable) throw brokerFailure('lease-not-renewable', 'lease is not renewable');
    const now = this.#clock.now();
    const verdict = leaseTtl({
      incrementSeconds: token.periodSeconds || incrementSeconds,
      engineTtlSeconds: token.creationTtlSeconds,
      engineMaxSeconds: token.explicitMaxTtlSeconds,
      mountDefaultSeconds: systemMaxTtlSeconds,
      // A periodic token may be renewed for ever.
      mountMaxSeconds: token.periodSeconds > 0 ? Infinity : systemMaxTtlSeconds,
      issuedAt: token.createdAt,
      now,
    });
    if (!verdict.allowed) throw brokerFailure('bad-request', verdict.reason);
    const expiresAt = now + verdict.ttlSeconds * 1000;
    return { token: { ...token, expiresAt, lastRenewedAt: now }, warning: verdict.warning };
  }

  /** Names of the tokens made with the token of this name. */
  async children(name: string): Promise<readonly string[]> {
    const prefix = `token-child/${name}/`;
    const page = 1000;
    const names: string[] = [];
    for (;;) {
      const keys = await this.#barrier.keys(prefix, page, names.length === 0 ? '' : `${names.at(-1)!}\0`);
      names.push(...keys.map((key) => key.slice(prefix.length)));
      if (keys.length < page) return names;
    }
  }

  /**
   * Ends the token durably: it can do nothing from here on, and the sweeper will find it until it is
   * forgotten. False when there is no such token.
   */
  async end(name: string): Promise<boolean> {
    for (;;) {
      const found = await this.#find(name);
      if (found === undefined) return false;
      if (found.value.usesLeft === spent) return true;
      const ended = { ...found.value, usesLeft: spent };
      if (await this.#barrier.commit([write(found, ended), ...this.#markSpent(ended)])) return true;
    }
  }

  #markSpent(token: Token): readonly Change[] {
    if (token.usesLeft !== spent) return [];
    const at = this.#clock.now();
    this.#onDue(at);
    return [{ key: dueKey({ at, kind: 'token', id: token.name }), value: null }];
  }

  /** True when the token of this name exists and its time is over or its uses are spent. */
  async isOver(name: string): Promise<boolean> {
    const found = await this.#find(name);
    return found !== undefined && this.#hasEnded(found.value);
  }

  /** Forgets the token of this name; it can do nothing from then on. Its children and leases are the caller's to end. */
  async forget(name: string): Promise<void> {
    const found = await this.#find(name);
    if (found === undefined) return;
    const { value: token } = found;
    await this.#barrier.commit([
      { key: found.key, value: undefined },
      { key: `accessor/${token.accessor}`, value: undefined },
      ...(token.parent === null ? [] : [{ key: `token-child/${token.parent}/${name}`, value: undefined }]),
      ...(token.mountId === undefined ? [] : [{ key: `mount-token/${token.mountId}/${name}`, value: undefined }]),
      ...dueChanges(token, undefined),
    ]);
  }

  /** As `forget`, for a token known by its id. */
  forgetId(id: string): Promise<void> {
    return this.forget(this.#name(id));
  }

  #name(id: string): string {
    return this.#barrier.blindName(`token:${id}`);
  }

  #find(name: string): Promise<Stored<Token> | undefined> {
    return this.#barrier.get<Token>(`token/${name}`);
  }

  #hasEnded(token: Token): boolean {
    return token.usesLeft === spent || (token.expiresAt !== null && token.expiresAt <= this.#clock.now());
  }
}

function write(found: Stored<Token>, token: Token): Change {
  return { key: found.key, value: token, expect: found.version };
}

function creation(token: Token): readonly Change[] {
  return [
    { key: `token/${token.name}`, value: token, expect: absent },
    { key: `accessor/${token.accessor}`, value: token.name, expect: absent },
    ...(token.parent === null ? [] : [{ key: `token-child/${token.parent}/${token.name}`, value: null }]),
    ...(token.mountId === undefined ? [] : [{ key: `mount-token/${token.mountId}/${token.name}`, value: null }]),
    ...dueChanges(undefined, token),
  ];
}

function dueChanges(before: Token | undefined, next: Token | undefined): readonly Change[] {
  const [old, mark] = [before, next].map((token) =>
    token === undefined || token.expiresAt === null
      ? undefined
      : dueKey({ at: token.expiresAt, kind: 'token', id: token.name }),
  );
  if (old === mark) return [];
  return [
    ...(old === undefined ? [] : [{ key: old, value: undefined }]),
    ...(mark === undefined ? [] : [{ key: mark, value: null }]),
  ];
}
