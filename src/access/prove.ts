// After a wave: are the roles that it made or opened ready? A Get is no proof, an AssumeRole is: so whoever applies
// assumes each role that surely lets him in, with a session that may do nothing and is thrown away. The others are
// told apart by their trust, and are read back like everything else.
import type { STS } from '@aws-sdk/client-sts';
import { retryDelay, type AwsAccounts, type Partition, type Sleep } from '../aws/index.ts';
import type { Clock, Random } from '../base/index.ts';
import { Directory, managedDocuments } from '../policy/index.ts';
import { authorizationBefore, managedArns } from './authorization.ts';
import { accountsAtOnce, forEachLimited } from './parallel.ts';
import type { Step } from './plan.ts';
import {
  closedToCallers,
  entranceOf,
  lastTrustSteps,
  namedAccounts,
  openedRole,
  type OpenedRole,
  type ReadReason,
} from './readiness.ts';
import type { Resource, SeenAccount } from './resources.ts';
import type { RunEvent } from './run-events.ts';
import { Shared } from './share.ts';

/** What was proved of the roles of a run, by their ids (`dev/role/reader`). */
export interface Readiness {
  readonly assumed: readonly string[];
  /** Roles that nobody here could assume, by the reason. */
  readonly read: Readonly<Partial<Record<ReadReason, readonly string[]>>>;
  /** Not let in within the time that AWS takes to spread a change. */
  readonly notReady: readonly { readonly role: string; readonly message: string }[];
}

export interface ProveContext {
  readonly accounts: AwsAccounts;
  readonly partition: Partition;
  readonly organization?: string | undefined;
  /** The accounts as they were before the run. */
  readonly seen: readonly SeenAccount[];
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
}

/** May do nothing, for a quarter of an hour: the shortest that AWS gives. */
const powerless = {
  Policy: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] }),
  DurationSeconds: 900,
  RoleSessionName: 'stint-ready',
};

/** IAM has many places: one that knows the role is no proof that the next one does. */
const neededInARow = 2;

/** A role on its way to be proved. */
interface Trial {
  readonly role: OpenedRole;
  readonly comer: Comer;
  /** Tries that went well one after the other. */
  inARow: number;
  /** What the last try said, when it did not. */
  refusal?: string | undefined;
  state: 'open' | 'assumed' | 'denied';
}

const isOpen = ({ state }: Trial): boolean => state === 'open';

/** Somebody as whom this run can call. */
interface Comer {
  readonly arn: string;
  readonly sts: STS;
}

/** `arn:aws:sts::1:assumed-role/NAME/SESSION` is the role NAME, wherever that lies. */
function principalArn(arn: string, seen: readonly SeenAccount[]): string {
  const [, partition, account, name] = /^arn:([^:]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn) ?? [];
  if (name === undefined) return arn;
  const held = seen.find(({ id }) => id === account)?.resources.find((it) => it.kind === 'role' && it.name === name);
  const known = held !== undefined && 'arn' in held ? held.arn : undefined;
  return known ?? `arn:${partition}:iam::${account}:role/${name}`;
}

/** Proves roles wave by wave, and keeps what came of it. */
export class Prover {
  readonly #context: ProveContext;
  readonly #last: ReadonlyMap<string, Step>;
  readonly #comers = new Map<string, Promise<Comer | undefined>>();
  readonly #assumed: string[] = [];
  readonly #read = new Map<ReadReason, string[]>();
  readonly #notReady: { readonly role: string; readonly message: string }[] = [];
  #stopped = 0;

  constructor(context: ProveContext, steps: readonly Step[]) {
    this.#context = context;
    this.#last = lastTrustSteps(steps);
  }

  get readiness(): Readiness {
    return { assumed: this.#assumed, read: Object.fromEntries(this.#read), notReady: this.#notReady };
  }

  /** Roles that nobody waited for, since the run was stopped. */
  get stopped(): number {
    return this.#stopped;
  }

  /** Proves the roles whose trust these steps have settled. Resolves with the accounts (ids) of those not ready. */
  async prove(done: readonly Step[]): Promise<ReadonlySet<string>> {
    const { seen, partition, onEvent } = this.#context;
    const open: OpenedRole[] = [];
    // In hundreds of accounts the same trust is read once, and what is closed is kept by its name only.
    const trusts = new Shared();
    const bySeen = new Map(seen.map((account) => [account.id, account]));
    for (const step of done) {
      if (!this.#last.has(step.id)) continue;
      const role = openedRole(step, bySeen.get(step.account), partition, trusts);
      const why = closedToCallers(role);
      if (why === undefined) open.push(role);
      else this.#keepRead(role, why);
    }
    if (open.length === 0) return new Set();
    const trials = await this.#entrances(open);
    if (trials.length === 0) return new Set();
    onEvent?.({ type: 'proving', roles: trials.length });
    await this.#waitFor(trials);
    const unready = this.#settle(trials);
    const [assumed, late] = [trials.filter(({ state }) => state === 'assumed'), trials.filter(isOpen)];
    onEvent?.({ type: 'proved', assumed: assumed.length, notReady: late.map(({ role }) => role.id) });
    return unready;
  }

  /** All of them together, so that many that are not ready cost no more time than one. */
  async #waitFor(trials: readonly Trial[]): Promise<void> {
    const { clock, random, sleep, signal } = this.#context;
    const begun = clock.now();
    for (let attempt = 1; ; attempt++) {
      const open = trials.filter(isOpen);
      if (open.length === 0 || signal?.aborted === true) return;
      await forEachLimited(open, accountsAtOnce, async (trial) => signal?.aborted === true || this.#try(trial));
      if (open.every(({ state, refusal }) => state !== 'open' || refusal === undefined)) continue;
      const delay = retryDelay('propagation', attempt, clock.now() - begun, random);
      if (delay === undefined) return;
      await sleep(delay, signal).catch(() => undefined);
    }
  }

  async #try(trial: Trial): Promise<void> {
    try {
      // SECURITY: what comes back is a session that may do nothing; it is kept nowhere.
      await trial.comer.sts.assumeRole({ RoleArn: trial.role.arn, ...powerless });
      trial.refusal = undefined;
      trial.inARow += 1;
      if (trial.inARow === neededInARow) trial.state = 'assumed';
    } catch (error) {
      trial.inARow = 0;
      trial.refusal = error instanceof Error ? error.message : String(error);
      // No time heals it: something that was not looked at, as a guard rail, keeps this caller out.
      if (/with an explicit deny/.test(trial.refusal)) trial.state = 'denied';
    }
  }

  #settle(trials: readonly Trial[]): ReadonlySet<string> {
    const unready = new Set<string>();
    for (const { role, state, refusal } of trials) {
      if (state === 'assumed') this.#assumed.push(role.id);
      else if (state === 'denied') this.#keepRead(role, 'denied');
      else if (this.#context.signal?.aborted === true) this.#stopped++;
      else {
        this.#notReady.push({ role: role.id, message: refusal ?? 'it was not assumed twice in a row' });
        unready.add(role.account);
      }
    }
    return unready;
  }

  #keepRead({ id }: OpenedRole, why: ReadReason): void {
    const known = this.#read.get(why);
    if (known === undefined) this.#read.set(why, [id]);
    else known.push(id);
  }

  /** Those of `open` that somebody here is surely let into; the others are kept as read. */
  async #entrances(open: readonly OpenedRole[]): Promise<Trial[]> {
    const { account } = await this.#context.accounts.caller();
    const named = new Set([account, ...open.flatMap(({ trust }) => namedAccounts(trust))]);
    const found = await Promise.all([...named].map((id) => this.#comer(id)));
    const comers = new Map(found.flatMap((comer) => (comer === undefined ? [] : [[comer.arn, comer] as const])));
    const directory = await this.#directory(open, named);
    return open.flatMap((role): Trial[] => {
      const entrance = entranceOf(directory, [...comers.keys()], role);
      if ('comer' in entrance) return [{ role, comer: comers.get(entrance.comer)!, inARow: 0, state: 'open' }];
      this.#keepRead(role, entrance.why);
      return [];
    });
  }

  /** As whom this run calls in an account; nobody where it does not go. */
  #comer(account: string): Promise<Comer | undefined> {
    let comer = this.#comers.get(account);
    if (comer === undefined) {
      comer = this.#identify(account);
      this.#comers.set(account, comer);
    }
    return comer;
  }

  async #identify(id: string): Promise<Comer | undefined> {
    const { accounts, seen } = this.#context;
    if (!seen.some((account) => account.id === id)) return undefined;
    const { sts } = await accounts.account(id);
    const caller = await accounts.caller();
    const arn = id === caller.account ? caller.arn : ((await sts.getCallerIdentity({})).Arn ?? '');
    return { arn: principalArn(arn, seen), sts };
  }

  /** Everybody of the accounts of comers as they were, and the roles as they are now. */
  async #directory(open: readonly OpenedRole[], named: ReadonlySet<string>): Promise<Directory> {
    const { partition, organization, seen } = this.#context;
    const opened = Map.groupBy(open, ({ account }) => account);
    const held = seen.map((account) => {
      const own = (opened.get(account.id) ?? []).map(roleOf);
      const names = new Set(own.map(({ name }) => name));
      const kept = account.resources.filter((it) =>
        named.has(account.id) ? it.kind !== 'role' || !names.has(it.name) : it.kind === 'organization-policy',
      );
      return { id: account.id, name: account.name, stage: account.stage, resources: [...kept, ...own] };
    });
    const managed = await managedDocuments(managedArns(held));
    return new Directory(authorizationBefore({ partition, organization, managed }, held));
  }
}

function roleOf({ name, path, trust, tags }: OpenedRole): Extract<Resource, { kind: 'role' }> {
  return { kind: 'role', name, path, trust, tags, sessionSeconds: 3600, description: '', attached: [], inline: {} };
}
