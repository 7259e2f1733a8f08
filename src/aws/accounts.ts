// Accounts, each with ready clients: the caller's own account by its own credentials, every other one by a role.
// Every call is paced by the account's budget and retried by its class; callers see only final refusals.
import type { IAM } from '@aws-sdk/client-iam';
import type { Organizations } from '@aws-sdk/client-organizations';
import type { STS } from '@aws-sdk/client-sts';
import type { Clock, Random } from '../base/index.ts';
import { iamArn, type Partition } from './arn.ts';
import { Bucket, localRates, sharedRates, type Rates, type Sleep } from './budget.ts';
import { clientSettings, isLoopback, type AwsKeys, type ClientSettings, type Env } from './environment.ts';
import { awsFailure } from './failures.ts';
import { classifyError, retryDelay } from './retry.ts';

export interface Caller {
  readonly account: string;
  readonly arn: string;
  readonly partition: Partition;
}

/** One account, ready to be called. The clients are ordinary SDK clients. */
export interface Account {
  readonly id: string;
  readonly iam: IAM;
  readonly sts: STS;
}

export interface AwsAccounts {
  /** Who the environment's credentials are. @throws Failure `no-aws-credentials`. */
  caller(): Promise<Caller>;
  /**
   * The account of that id, entered once and kept. @throws Failure `account-not-entered` when none of the entry
   * roles lets the caller in.
   */
  account(id: string): Promise<Account>;
  /** AWS Organizations as the caller sees it. */
  organizations(): Promise<Organizations>;
}

export interface AccountsOptions {
  readonly env: Env;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly signal?: AbortSignal | undefined;
  /** Names of the roles by which other accounts are entered, the first that lets the caller in. */
  readonly entryRoles?: readonly string[] | undefined;
  /** Session name that CloudTrail shows in the entered accounts. */
  readonly sessionName?: string | undefined;
  readonly rates?: Rates | undefined;
}

/** The role that AWS Organizations makes in every account it creates. */
export const organizationRole = 'OrganizationAccountAccessRole';

type ExpiringKeys = AwsKeys & { readonly expiration: Date };

/** What every SDK client is made with: it retries nothing by itself. */
interface SdkSettings extends Omit<ClientSettings, 'credentials'> {
  readonly maxAttempts: 1;
  readonly region: string;
  readonly credentials?: AwsKeys | (() => Promise<ExpiringKeys>);
}

interface AnyClient {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: { input: object }) => Promise<{ output: unknown; response: unknown }>,
        context: { commandName?: string },
      ) => (args: { input: object }) => Promise<{ output: unknown; response: unknown }>,
      options: { step: 'initialize'; name: string; priority: 'high' },
    ): void;
  };
}

/** Pacing and retries for all clients of one account. */
class Lane {
  readonly #options: AccountsOptions;
  readonly #made: Set<string>;
  readonly #emptied: Set<string>;
  readonly #buckets: { readonly read: Bucket; readonly write: Bucket };

  constructor(options: AccountsOptions, made: Set<string>, emptied: Set<string>) {
    const rates = options.rates ?? (isLoopback(options.env) ? localRates : sharedRates);
    this.#options = options;
    this.#made = made;
    this.#emptied = emptied;
    this.#buckets = {
      read: new Bucket(rates.read, options.clock, options.sleep),
      write: new Bucket(rates.write, options.clock, options.sleep),
    };
  }

  /** Puts the lane under every call of a client. */
  guard<Client>(client: Client): Client {
    (client as AnyClient).middlewareStack.add(
      (next, { commandName = '' }) =>
        (args) =>
          this.#run(commandName.replace(/Command$/, ''), args.input, () => next(args)),
      { step: 'initialize', name: 'stintLane', priority: 'high' },
    );
    return client;
  }

  async #run<Result>(operation: string, input: object, call: () => Promise<Result>): Promise<Result> {
    const { clock, random, sleep, signal } = this.#options;
    const bucket = this.#buckets[/^(?:Get|List|Describe|Simulate)/.test(operation) ? 'read' : 'write'];
    const begun = clock.now();
    for (let attempt = 1; ; attempt++) {
      await bucket.take(signal);
      try {
        const result = await call();
        bucket.succeeded();
        this.#remember(operation, input);
        return result;
      } catch (error) {
        const kind = classifyError(error, operation, input, { made: this.#made, emptied: this.#emptied });
        if (kind === 'throttling') bucket.throttled();
        const delay = retryDelay(kind, attempt, clock.now() - begun, random);
        if (delay === undefined || signal?.aborted === true) throw error;
        await sleep(delay, signal);
      }
    }
  }

  #remember(operation: string, input: object): void {
    const names = Object.entries(input)
      .filter(([key, value]) => typeof value === 'string' && /(?:Name|Arn)$/.test(key))
      .map(([, value]) => value as string);
    if (/^(?:Create|Add|Attach)/.test(operation)) for (const name of names) this.#made.add(name);
    if (/^(?:Delete|Detach|Remove|Deactivate)/.test(operation)) for (const name of names) this.#emptied.add(name);
  }
}

const unreachableCodes = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ECONNRESET'];

function isUnreachable(error: unknown): boolean {
  const { code, name } = error as { code?: string; name?: string };
  return unreachableCodes.includes(code ?? '') || name === 'TimeoutError';
}

function partitionOf(arn: string): Partition {
  return arn.split(':')[1] as Partition;
}

class EnvironmentAccounts implements AwsAccounts {
  readonly #options: AccountsOptions;
  readonly #accounts = new Map<string, Promise<Account>>();
  readonly #made = new Set<string>();
  readonly #emptied = new Set<string>();
  #caller: Promise<{ caller: Caller; sts: STS }> | undefined;
  #organizations: Promise<Organizations> | undefined;

  constructor(options: AccountsOptions) {
    this.#options = options;
  }

  async caller(): Promise<Caller> {
    return (await this.#enterOwn()).caller;
  }

  account(id: string): Promise<Account> {
    let entered = this.#accounts.get(id);
    if (entered === undefined) {
      entered = this.#enter(id);
      this.#accounts.set(id, entered);
    }
    return entered;
  }

  organizations(): Promise<Organizations> {
    this.#organizations ??= this.#makeOrganizations();
    return this.#organizations;
  }

  async #makeOrganizations(): Promise<Organizations> {
    const { Organizations } = await import('@aws-sdk/client-organizations');
    return this.#lane().guard(new Organizations(await this.#settings('ORGANIZATIONS')));
  }

  #lane(): Lane {
    return new Lane(this.#options, this.#made, this.#emptied);
  }

  /** A region that the SDK finds nowhere becomes `us-east-1`: IAM has no regions of its own. */
  async #settings(service: 'IAM' | 'STS' | 'ORGANIZATIONS', keys?: () => Promise<ExpiringKeys>): Promise<SdkSettings> {
    const settings = clientSettings(this.#options.env, service);
    const known = { ...settings, ...(keys === undefined ? {} : { credentials: keys }), maxAttempts: 1 as const };
    if (settings.region !== undefined) return { ...known, region: settings.region };
    const { STS } = await import('@aws-sdk/client-sts');
    return { ...known, region: await new STS(known).config.region().catch(() => 'us-east-1') };
  }

  #enterOwn(): Promise<{ caller: Caller; sts: STS }> {
    this.#caller ??= this.#findCaller();
    return this.#caller;
  }

  async #findCaller(): Promise<{ caller: Caller; sts: STS }> {
    const { STS } = await import('@aws-sdk/client-sts');
    const sts = this.#lane().guard(new STS(await this.#settings('STS')));
    try {
      const { Account: account = '', Arn: arn = '' } = await sts.getCallerIdentity({});
      return { caller: { account, arn, partition: partitionOf(arn) }, sts };
    } catch (cause) {
      const words = cause instanceof Error ? cause.message : String(cause);
      if (isUnreachable(cause)) {
        throw awsFailure('aws-unreachable', `AWS does not answer: ${words}`, {
          hint: 'see where `AWS_ENDPOINT_URL` and `AWS_REGION` point, and whether it runs',
          cause,
        });
      }
      throw awsFailure('no-aws-credentials', `AWS does not say who is calling: ${words}`, {
        hint: 'set `AWS_PROFILE`, or keys and region; for the embedded AWS: `eval "$(stint cloud env central)"`',
        cause,
      });
    }
  }

  async #enter(id: string): Promise<Account> {
    const { caller, sts } = await this.#enterOwn();
    const { IAM } = await import('@aws-sdk/client-iam');
    const lane = this.#lane();
    if (id === caller.account) return { id, iam: lane.guard(new IAM(await this.#settings('IAM'))), sts };
    const keys = await this.#entry(id);
    const { STS } = await import('@aws-sdk/client-sts');
    return {
      id,
      iam: lane.guard(new IAM(await this.#settings('IAM', keys))),
      sts: lane.guard(new STS(await this.#settings('STS', keys))),
    };
  }

  /** Keys of an account by the first entry role that lets the caller in, renewed when the SDK asks again. */
  async #entry(id: string): Promise<() => Promise<ExpiringKeys>> {
    const roles = this.#options.entryRoles ?? [organizationRole];
    let last: unknown;
    for (const role of roles) {
      try {
        const keys = await this.#assume(id, role);
        let fresh = true;
        return async () => {
          if (!fresh) return this.#assume(id, role);
          fresh = false;
          return keys;
        };
      } catch (error) {
        last = error;
      }
    }
    const words = last instanceof Error ? last.message : String(last);
    throw awsFailure('account-not-entered', `account \`${id}\` cannot be entered by ${roles.join(' or ')}: ${words}`, {
      hint: 'call from the account that these roles trust, as a user or role that may assume them; root users may not',
      cause: last,
    });
  }

  async #assume(id: string, role: string): Promise<ExpiringKeys> {
    const { caller, sts } = await this.#enterOwn();
    const { Credentials: made } = await sts.assumeRole({
      RoleArn: iamArn(caller.partition, id, 'role', role),
      RoleSessionName: this.#options.sessionName ?? 'stint',
    });
    return {
      accessKeyId: made!.AccessKeyId!,
      secretAccessKey: made!.SecretAccessKey!,
      sessionToken: made!.SessionToken!,
      expiration: made!.Expiration!,
    };
  }
}

/** The accounts that an AWS environment reaches. Nothing is called until something is asked. */
export function openAccounts(options: AccountsOptions): AwsAccounts {
  return new EnvironmentAccounts(options);
}
