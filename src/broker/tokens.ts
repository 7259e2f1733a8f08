// Tokens: what a caller proves itself with. The id of a token is stored nowhere; records are found
// by a keyed hash of it, so neither a reader of the store nor the timing of a look-up helps to guess one.
import { randomText, Secret, type Clock, type Millis, type Random } from '../base/index.ts';
import { addressIsIn } from './addresses.ts';
import type { Barrier, Change, Stored } from './barrier.ts';
import { brokerFailure } from './failures.ts';
import type { Token } from './model.ts';
import type { LeaseSlots } from './quotas/lease-slots.ts';
import type { Condition } from './storage/store.ts';
import { batchToken, isBatchId, openBatch, sealBatch } from './tokens/batch.ts';
import { batchContent, firstTtl, serviceToken, type TokenPlan } from './tokens/plan.ts';
import {
  accessorKey,
  childKey,
  creation,
  cubbyholeFolder,
  mountTokenKey,
  removal,
  replacement,
  slotMark,
  spent,
  spentMark,
  tokenKey,
  tokenLeaseId,
  tokenNameOfLease,
  tokenPathFolder,
  upgradeToken,
} from './tokens/record.ts';
import { tokenTtl, type MountTtls } from './tokens/ttl.ts';

/** What a renewal is decided by; the role or login may have changed since the token was made. */
export interface RenewTerms {
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly explicitMaxTtlSeconds: number;
  readonly periodSeconds: number;
  readonly mountTtls: MountTtls;
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
  readonly #slots: Pick<LeaseSlots, 'free'> | undefined;

  /**
   * `onDue` hears of every due time that was written, so that the sweeper does not sleep past it.
   * `slots` are of the rules for the number of leases, of which a token is one.
   */
  constructor(
    barrier: Barrier,
    clock: Clock,
    random: Random,
    onDue: (at: Millis) => void,
    slots?: Pick<LeaseSlots, 'free'>,
  ) {
    this.#slots = slots;
    this.#barrier = barrier;
    this.#clock = clock;
    this.#random = random;
    this.#onDue = onDue;
  }

  /**
   * The token with this id, unless it has ended or may not be used from `address`. Takes one of its
   * uses when they are counted.
   */
  async use(id: string, address: string): Promise<Token | undefined> {
    if (isBatchId(id)) {
      const token = await this.#lookupBatch(id);
      return token !== undefined && mayComeFrom(token, address) ? token : undefined;
    }
    for (;;) {
      const found = await this.#find(this.#name(id));
      if (found === undefined || this.#hasEnded(found.value) || !mayComeFrom(found.value, address)) return undefined;
      const { usesLeft } = found.value;
      if (usesLeft === 0) return found.value;
      const used = { ...found.value, usesLeft: usesLeft === 1 ? spent : usesLeft - 1 };
      if (await this.#barrier.commit([...replacement(found, used), ...this.#markSpent(used)])) return used;
    }
  }

  /** The token with this id without using it up, or undefined. */
  async lookup(id: string): Promise<Token | undefined> {
    return isBatchId(id) ? this.#lookupBatch(id) : this.byName(this.#name(id));
  }

  // SECURITY: a batch token cannot be ended by itself, so it must die with its parent at once.
  async #lookupBatch(id: string): Promise<Token | undefined> {
    const token = await openBatch(this.#barrier, id);
    if (token === undefined || this.#hasEnded(token)) return undefined;
    return token.parent === null || (await this.byName(token.parent)) !== undefined ? token : undefined;
  }

  async byName(name: string): Promise<Token | undefined> {
    const found = await this.#find(name);
    return found === undefined || this.#hasEnded(found.value) ? undefined : found.value;
  }

  /**
   * The conditions under which a lease or a child may be given to the token: that it is as it is now, and lives.
   * @throws Failure `permission-denied` when it has ended, `bad-request` when this is its last use.
   */
  async lendConditions(token: Token): Promise<readonly Condition[]> {
    const holder = leaseHolder(token);
    return holder === undefined ? [] : [await this.#lendCondition(holder)];
  }

  async #lendCondition(name: string): Promise<Condition> {
    const found = await this.#find(name);
    if (found?.value.usesLeft === spent) {
      // Vault's rule: a token's last use cannot be a lease, which would end with the token at once.
      throw brokerFailure(
        'bad-request',
        'Secret cannot be returned; token had one use left, so leased credentials were immediately revoked.',
        { hint: 'nothing was made; use a token with more uses' },
      );
    }
    if (found === undefined || this.#hasEnded(found.value)) {
      throw brokerFailure('permission-denied', 'permission denied', { hint: 'the token ended during the request' });
    }
    return { key: found.key, expect: found.version };
  }

  /** Accessors of all tokens, also of those that have ended and are not yet forgotten. */
  async accessors(): Promise<readonly string[]> {
    const prefix = accessorKey('');
    return (await this.#allKeys(prefix)).map((key) => key.slice(prefix.length));
  }

  /** Names of the tokens that logins of this auth method made. */
  async ofMount(mountId: string): Promise<readonly string[]> {
    const prefix = mountTokenKey(mountId, '');
    return (await this.#allKeys(prefix)).map((key) => key.slice(prefix.length));
  }

  async byAccessor(accessor: string): Promise<Token | undefined> {
    const found = await this.#barrier.get<string>(accessorKey(accessor));
    return found === undefined ? undefined : this.byName(found.value);
  }

  /** The token that Vault's lease calls know by this id. */
  async byLeaseId(leaseId: string): Promise<Token | undefined> {
    const name = tokenNameOfLease(leaseId);
    const token = name === undefined ? undefined : await this.byName(name);
    return token !== undefined && tokenLeaseId(token) === leaseId ? token : undefined;
  }

  /** Names below `folder`, which is empty or ends with `/`, as Vault's LIST of leases shows tokens. */
  listLeases(folder: string): Promise<readonly string[]> {
    return this.#barrier.list(`${tokenPathFolder}${folder}`);
  }

  /** Names of the tokens whose lease id begins with `prefix`. */
  async withLeasePrefix(prefix: string): Promise<readonly string[]> {
    const keys = await this.#allKeys(`${tokenPathFolder}${prefix}`);
    return keys.map(tokenNameOfLease).filter((name) => name !== undefined);
  }

  /**
   * Makes a token, durably. A child is made only while its parent lives, in one commit with that
   * check, so that whoever ends the parent finds it.
   * @throws Failure `bad-request` when the id is taken, `permission-denied` when the parent has ended.
   */
  async create(plan: TokenPlan): Promise<MadeToken> {
    const now = this.#clock.now();
    const { ttlSeconds, warning } = firstTtl(plan, now);
    const warnings = warning === undefined ? [] : [warning];
    if (plan.type === 'batch') return { ...(await this.#createBatch(plan, ttlSeconds, now)), warnings };
    const id = plan.id ?? `hvs.${randomText(this.#random, 24)}`;
    const names = { name: this.#name(id), accessor: randomText(this.#random, 24) };
    const token = serviceToken(plan, names, ttlSeconds, now);
    const stored = await this.#store(token, plan.cubbyhole);
    if (token.expiresAt !== null) this.#onDue(token.expiresAt);
    return { id: new Secret(id), token: stored, warnings };
  }

  async #createBatch(plan: TokenPlan, ttlSeconds: number, now: Millis): Promise<{ id: Secret; token: Token }> {
    const sealed = batchContent(plan, ttlSeconds, now);
    if (plan.parent !== null) await this.#lendCondition(plan.parent);
    const id = sealBatch(this.#barrier, sealed);
    return { id: new Secret(id), token: batchToken(sealed, this.#name(id)) };
  }

  async #store(fresh: Token, cubbyhole: TokenPlan['cubbyhole']): Promise<Token> {
    for (;;) {
      const conditions = fresh.parent === null ? [] : [await this.#lendCondition(fresh.parent)];
      const slot = await this.#slotFor(fresh);
      const token = slot === undefined ? fresh : { ...fresh, quotaSlot: slot };
      if (await this.#barrier.commit(creation(token, cubbyhole), conditions)) return token;
      if ((await this.#find(token.name)) !== undefined) {
        throw brokerFailure('bad-request', 'cannot create a token with a duplicate ID');
      }
    }
  }

  // A token that never ends, and one that only wraps an answer, is not what a rule for leases is about.
  // SECURITY: the method's own facts say whose login it was; metadata may be the caller's.
  async #slotFor({ expiresAt, policies, path, meta, loginFacts = {} }: Token): Promise<string | undefined> {
    if (this.#slots === undefined || expiresAt === null || policies[0] === 'response-wrapping') return undefined;
    const role = loginFacts['role_name'] ?? loginFacts['role'] ?? meta['username'] ?? '';
    return this.#slots.free({ path, role });
  }

  /** Lets a token that lives and holds no slot take this one; false when somebody else has it by now. */
  async takeSlot(name: string, slot: string): Promise<boolean> {
    for (;;) {
      const found = await this.#find(name);
      if (found === undefined || found.value.quotaSlot !== undefined || found.value.expiresAt === null) return true;
      const changes = [...replacement(found, { ...found.value, quotaSlot: slot }), slotMark(slot)];
      if (await this.#barrier.commit(changes)) return true;
      if ((await this.#barrier.keys(slot, 1, '', '\0')).length > 0) return false;
    }
  }

  /**
   * Extends the token by `incrementSeconds`, or by its own time to live, within `terms`.
   * @throws Failure `lease-not-renewable`, `bad-request` past its longest life, `bad-token` when it has ended.
   */
  async renew(
    name: string,
    incrementSeconds: number,
    terms: RenewTerms,
  ): Promise<{ token: Token; warnings: readonly string[] }> {
    for (;;) {
      const found = await this.#find(name);
      if (found === undefined || this.#hasEnded(found.value)) throw brokerFailure('bad-token', 'bad token');
      const { token, warning } = this.#renewed(found.value, incrementSeconds, terms);
      if (!(await this.#barrier.commit(replacement(found, token)))) continue;
      if (token.expiresAt !== null) this.#onDue(token.expiresAt);
      return { token, warnings: warning === undefined ? [] : [warning] };
    }
  }

  #renewed(token: Token, incrementSeconds: number, terms: RenewTerms): { token: Token; warning: string | undefined } {
    if (!token.renewable) throw brokerFailure('lease-not-renewable', 'lease is not renewable');
    const now = this.#clock.now();
    const { mountTtls, ...limits } = terms;
    const verdict = tokenTtl({ ...limits, mount: mountTtls, incrementSeconds, issuedAt: token.createdAt, now });
    if (!verdict.allowed) throw brokerFailure('bad-request', verdict.reason);
    const expiresAt = now + verdict.ttlSeconds * 1000;
    return { token: { ...token, expiresAt, lastRenewedAt: now }, warning: verdict.warning };
  }

  /** Names of the tokens made with the token of this name. */
  async children(name: string): Promise<readonly string[]> {
    const prefix = childKey(name, '');
    return (await this.#allKeys(prefix)).map((key) => key.slice(prefix.length));
  }

  /**
   * Ends the token durably: it can do nothing from here on, and the sweeper will find it until it is
   * forgotten. With `leavesChildren` its children are to outlive it. Undefined when there is no such token.
   */
  async end(name: string, leavesChildren = false): Promise<Token | undefined> {
    for (;;) {
      const found = await this.#find(name);
      if (found === undefined) return undefined;
      const { usesLeft } = found.value;
      if (usesLeft === spent && (found.value.leavesChildren || !leavesChildren)) return found.value;
      const ended = { ...found.value, usesLeft: spent, leavesChildren: found.value.leavesChildren || leavesChildren };
      if (await this.#barrier.commit([...replacement(found, ended), ...this.#markSpent(ended)])) return ended;
    }
  }

  /** Takes a token's parent away, so that it lives on when that ends. */
  async makeOrphan(name: string, parent: string): Promise<void> {
    const index: Change = { key: childKey(parent, name), value: undefined };
    for (;;) {
      const found = await this.#find(name);
      const changes = found === undefined ? [] : replacement(found, { ...found.value, parent: null });
      if (await this.#barrier.commit([...changes, index])) return;
    }
  }

  #markSpent(token: Token): readonly Change[] {
    if (token.usesLeft !== spent) return [];
    const at = this.#clock.now();
    this.#onDue(at);
    return [spentMark(token.name, at)];
  }

  /** True when the token of this name exists and its time is over or its uses are spent. */
  async isOver(name: string): Promise<boolean> {
    const found = await this.#find(name);
    return found !== undefined && this.#hasEnded(found.value);
  }

  /**
   * Forgets the token of this name with all in its cubbyhole; it can do nothing from then on. Its
   * children and leases are the caller's to end.
   */
  async forget(name: string): Promise<void> {
    await this.#emptyCubbyhole(name);
    const found = await this.#find(name);
    if (found !== undefined) await this.#barrier.commit(removal(found.value));
  }

  // SECURITY: first of all, since a wrapped answer nobody took lies there.
  async #emptyCubbyhole(name: string): Promise<void> {
    for (;;) {
      const keys = await this.#barrier.keys(cubbyholeFolder(name), 500);
      if (keys.length === 0) return;
      await this.#barrier.commit(keys.map((key) => ({ key, value: undefined })));
    }
  }

  /** As `forget`, for a token known by its id. */
  forgetId(id: string): Promise<void> {
    return this.forget(this.#name(id));
  }

  async #allKeys(prefix: string): Promise<readonly string[]> {
    const page = 1000;
    const keys: string[] = [];
    for (;;) {
      const from = keys.length === 0 ? '' : `${keys.at(-1)!.slice(prefix.length)}\0`;
      const found = await this.#barrier.keys(prefix, page, from);
      keys.push(...found);
      if (found.length < page) return keys;
    }
  }

  #name(id: string): string {
    return this.#barrier.blindName(`token:${id}`);
  }

  async #find(name: string): Promise<Stored<Token> | undefined> {
    const found = await this.#barrier.get<Token>(tokenKey(name));
    if (found === undefined || found.value.version === 2) return found;
    return { ...found, value: upgradeToken(found.value) };
  }

  #hasEnded(token: Token): boolean {
    return token.usesLeft === spent || (token.expiresAt !== null && token.expiresAt <= this.#clock.now());
  }
}

/** Name of the token with which a lease lent to `token` ends, or undefined when only its time ends it. */
export function leaseHolder(token: Token): string | undefined {
  return token.type === 'batch' ? (token.parent ?? undefined) : token.name;
}

function mayComeFrom({ boundCidrs }: Token, address: string): boolean {
  return boundCidrs.length === 0 || addressIsIn(address, boundCidrs);
}
