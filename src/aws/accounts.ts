// Accounts, each with ready clients: the caller's own account by its own credentials, every other one by a role.
// Every call is paced by the account's budget and retried by its class; callers see only final refusals.
import type { CloudTrail } from '@aws-sdk/client-cloudtrail';
import type { IAM } from '@aws-sdk/client-iam';
import type { Organizations } from '@aws-sdk/client-organizations';
import type { STS } from '@aws-sdk/client-sts';
import type { Clock, Random } from '../base/index.ts';
import { iamArn, type Partition } from './arn.ts';
import { localRates, sharedRates, type Rates, type Sleep } from './budget.ts';
import { caBundle, clientSettings, isLoopback, type AwsKeys, type Env, type Service } from './environment.ts';
import { awsFailure } from './failures.ts';
import { Lane, type Budget, type LaneTools, type MadeArns } from './lane.ts';
import { knowsEndpoint, leanClient, leanClientAs, type LeanParts } from './lean-client.ts';
import { QueryTransport } from './query-transport.ts';
import { resourceReader, type ResourceReader, type SdkSettings } from './resource-reader.ts';

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
  /** CloudTrail where the events of IAM are. */
  cloudTrail(): Promise<CloudTrail>;
  /** Reads about its other resources. */
  readonly resources: ResourceReader;
}

export interface AwsAccounts {
  /** Who the environment's credentials are. @throws Failure `no-aws-credentials`. */
  caller(): Promise<Caller>;
  /**
   * The account of that id, entered once and kept. @throws Failure `account-not-entered` when none of the entry
   * roles lets the caller in.
   */
  account(id: string): Promise<Account>;
  /** AWS Organizations as the caller sees it, or as whoever enters `account` does. */
  organizations(account?: string): Promise<Organizations>;
  /** How fast each account may be called now, by API. */
  budgets(): Budget[];
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

const unreachableCodes = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ECONNRESET'];

function isUnreachable(error: unknown): boolean {
  const { code, name } = error as { code?: string; name?: string };
  return unreachableCodes.includes(code ?? '') || name === 'TimeoutError';
}

function partitionOf(arn: string): Partition {
  return arn.split(':')[1] as Partition;
}

/** Where IAM, which has no regions, writes down its events. */
const trailRegions: Readonly<Record<Partition, string>> = {
  aws: 'us-east-1',
  'aws-us-gov': 'us-gov-west-1',
  'aws-cn': 'cn-north-1',
};

// Keys are renewed before AWS would refuse them in the middle of a run.
const renewMillis = 5 * 60_000;

class EnvironmentAccounts implements AwsAccounts {
  readonly #options: AccountsOptions;
  readonly #accounts = new Map<string, Promise<Account>>();
  readonly #lanes = new Map<string, Lane>();
  readonly #arns: MadeArns = new Set();
  readonly #tools: LaneTools;
  readonly #lean: LeanParts;
  #caller: Promise<{ caller: Caller; sts: STS }> | undefined;
  readonly #organizations = new Map<string, Promise<Organizations>>();
  readonly #keys = new Map<string, () => Promise<ExpiringKeys>>();
  #iam: Promise<IAM> | undefined;
  #firstCall: Promise<unknown> | undefined;

  constructor(options: AccountsOptions) {
    this.#options = options;
    const { clock, random, sleep, signal, env } = options;
    const rates = options.rates ?? (isLoopback(env) ? localRates : sharedRates);
    this.#tools = { clock, random, sleep, signal, rates };
    const times = { connectMillis: 5000, requestMillis: 30_000 };
    this.#lean = { transport: new QueryTransport(times, caBundle(env)), random, clock };
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

  organizations(account = ''): Promise<Organizations> {
    const made = this.#organizations.get(account) ?? this.#makeOrganizations(account);
    this.#organizations.set(account, made);
    return made;
  }

  budgets(): Budget[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.budgets());
  }

  async #makeOrganizations(account: string): Promise<Organizations> {
    const { Organizations } = await import('@aws-sdk/client-organizations');
    const { id } = account === '' ? { id: (await this.#enterOwn()).caller.account } : await this.account(account);
    const settings = await this.#settings('ORGANIZATIONS', this.#keys.get(id));
    return this.#lane(id).guard(new Organizations(settings), 'organizations');
  }

  #lane(account: string): Lane {
    let lane = this.#lanes.get(account);
    if (lane === undefined) {
      lane = new Lane(account, this.#tools, this.#arns);
      this.#lanes.set(account, lane);
    }
    return lane;
  }

  /** A region that the SDK finds nowhere becomes `us-east-1`: IAM has no regions of its own. */
  async #settings(service: Service, keys?: () => Promise<ExpiringKeys>): Promise<SdkSettings> {
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
    const sts = leanClient(new STS(await this.#settings('STS')), this.#lean);
    try {
      // Whose lane it belongs to is known only with the answer.
      const asked = new Lane('', this.#tools, this.#arns).guard(sts, 'sts');
      const { Account: account = '', Arn: arn = '' } = await asked.getCallerIdentity({});
      return { caller: { account, arn, partition: partitionOf(arn) }, sts: this.#lane(account).guard(sts, 'sts') };
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

  /** The one client of IAM; accounts are views of it that sign with their own keys. */
  #ownIam(): Promise<IAM> {
    this.#iam ??= this.#makeIam();
    return this.#iam;
  }

  async #makeIam(): Promise<IAM> {
    const { IAM } = await import('@aws-sdk/client-iam');
    return leanClient(new IAM(await this.#settings('IAM')), this.#lean);
  }

  async #enter(id: string): Promise<Account> {
    const { caller, sts } = await this.#enterOwn();
    const own = await this.#ownIam();
    const lane = this.#lane(id);
    if (id === caller.account) {
      const iam = lane.guard(this.#oneFirst(own, own), 'iam');
      return {
        id,
        iam,
        sts,
        cloudTrail: () => this.#cloudTrail(lane, caller.partition),
        resources: this.#resources(lane, caller.partition),
      };
    }
    const keys = await this.#entry(id);
    this.#keys.set(id, keys);
    const { IAM } = await import('@aws-sdk/client-iam');
    const { STS } = await import('@aws-sdk/client-sts');
    const [iamSettings, stsSettings] = [await this.#settings('IAM', keys), await this.#settings('STS', keys)];
    const iam = leanClientAs(own, keys, () => new IAM(iamSettings));
    return {
      id,
      iam: lane.guard(this.#oneFirst(iam, own), 'iam'),
      sts: lane.guard(
        leanClientAs(sts, keys, () => new STS(stsSettings)),
        'sts',
      ),
      cloudTrail: () => this.#cloudTrail(lane, caller.partition, keys),
      resources: this.#resources(lane, caller.partition, keys),
    };
  }

  #resources(lane: Lane, partition: Partition, keys?: () => Promise<ExpiringKeys>): ResourceReader {
    const { env, clock, signal } = this.#options;
    return resourceReader({
      env,
      clock,
      signal,
      partition,
      lane,
      settings: (service) => this.#settings(service, keys),
    });
  }

  async #cloudTrail(lane: Lane, partition: Partition, keys?: () => Promise<ExpiringKeys>): Promise<CloudTrail> {
    const { CloudTrail } = await import('@aws-sdk/client-cloudtrail');
    const settings = { ...(await this.#settings('CLOUDTRAIL', keys)), region: trailRegions[partition] };
    return lane.guard(new CloudTrail(settings), 'cloudtrail');
  }

  /**
   * Where IAM is, is learned from the SDK's first call: the others wait for it, or each account would pay for a client
   * of its own.
   */
  #oneFirst(client: IAM, own: IAM): IAM {
    type Send = (...given: readonly unknown[]) => Promise<unknown>;
    const send = client.send.bind(client) as Send;
    const first: Send = async (...given) => {
      if (!knowsEndpoint(own)) {
        if (this.#firstCall === undefined) {
          const call = send(...given);
          this.#firstCall = call.catch(() => undefined);
          return call;
        }
        await this.#firstCall;
      }
      return send(...given);
    };
    return Object.create(client, { send: { value: first } }) as IAM;
  }

  /** Keys of an account by the first entry role that lets the caller in, renewed when they are about to expire. */
  async #entry(id: string): Promise<() => Promise<ExpiringKeys>> {
    const roles = this.#options.entryRoles ?? [organizationRole];
    let last: unknown;
    for (const role of roles) {
      try {
        return this.#renewing(id, role, await this.#assume(id, role));
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

  #renewing(id: string, role: string, first: ExpiringKeys): () => Promise<ExpiringKeys> {
    let keys = Promise.resolve(first);
    let expires = first.expiration.getTime();
    return () => {
      if (expires - this.#options.clock.now() > renewMillis) return keys;
      const renewed = this.#assume(id, role);
      keys = renewed.then((made) => {
        expires = made.expiration.getTime();
        return made;
      });
      // Calls until then share this one; a refusal is told to all of them, and the next one asks again.
      expires = Number.POSITIVE_INFINITY;
      keys.catch(() => (expires = 0));
      return keys;
    };
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
