// SDK clients for the AWS a mount is configured for, made lean (src/aws/lean-client.ts). Loaded when first needed;
// made anew when the configuration changed. Signatures always follow the wall clock.
import type { IAMClient } from '@aws-sdk/client-iam';
import type { STSClient } from '@aws-sdk/client-sts';
import { leanClient, leanClientAs, QueryTransport, type LeanParts } from '../../../aws/index.ts';
import { parseDuration, systemClock, systemRandom } from '../../../base/index.ts';
import { iamSdk, stsSdk } from '../../aws-sdk.ts';
import { told } from './aws-errors.ts';
import { endpointUrl, ownKeys, type RootConfig } from './config.ts';
import { iamTarget, stsTargets, type Target } from './endpoints.ts';
import { StsChoice, type StsSender } from './sts-choice.ts';
import { outcomeOf, watched, type AwsWatch } from './watch.ts';

/** The environment of the server: the region, and by way of the SDK credentials and endpoints. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Keys to sign with, or what gets them: asked again before they run out. */
export type Keys = KeyPair | (() => Promise<KeyPair>);

/** Whom a mount acts as. */
export interface Identity {
  readonly account: string;
  readonly arn: string;
}

const connectMillis = 5000;
/** How long a call of AWS may take, unless `STINT_AWS_TIMEOUT` says it. */
const requestTimeout = '30s';

export class AwsClients {
  readonly #config: RootConfig;
  readonly #environment: Environment;
  readonly #keys: Keys | undefined;
  readonly #watch: AwsWatch | undefined;
  readonly #requestMillis: number;
  readonly #lean: LeanParts;
  #iam: Promise<IAMClient> | undefined;
  #sts: StsChoice | undefined;
  #identity: Promise<Identity> | undefined;

  /** `keys` stand in for those of the configuration; `watch` hears of every call. */
  constructor(config: RootConfig, environment: Environment, keys?: Keys, watch?: AwsWatch) {
    this.#watch = watch;
    this.#config = config;
    this.#environment = environment;
    this.#keys = keys;
    this.#requestMillis = parseDuration(environment['STINT_AWS_TIMEOUT'] || requestTimeout) * 1000;
    const times = { connectMillis: Math.min(connectMillis, this.#requestMillis), requestMillis: this.#requestMillis };
    this.#lean = {
      transport: new QueryTransport(times),
      random: systemRandom,
      clock: systemClock,
      watch: (service, operation, error, millis) =>
        watch?.(service, operation, error === undefined ? 'ok' : outcomeOf(error), millis),
    };
  }

  iam(): Promise<IAMClient> {
    this.#iam ??= this.#makeIam(this.#ownKeys()).then((made) => leanClient(made, this.#lean));
    return this.#iam;
  }

  /** Calls of STS, at the first of the configured endpoints that answers. */
  async sts(): Promise<StsSender> {
    return this.#stsChoice().sender;
  }

  #stsChoice(): StsChoice {
    this.#sts ??= new StsChoice(stsTargets(this.#config, this.#environment), (target, tries) =>
      this.#makeSts(target, this.#ownKeys(), tries),
    );
    return this.#sts;
  }

  /** An IAM client that signs with other keys; the caller destroys it. */
  async iamAs(keys: KeyPair): Promise<IAMClient> {
    const { IAMClient } = await iamSdk();
    const target = iamTarget(this.#config, this.#environment);
    return leanClientAs(await this.iam(), keys, () => new IAMClient(this.#options(target, keys)));
  }

  /** As `iamAs`. */
  async stsAs(keys: KeyPair): Promise<STSClient> {
    return this.#makeSts(await this.#stsChoice().target(), keys);
  }

  /** Whom these clients act as; asked once. @throws Failure as AWS refuses. */
  identity(): Promise<Identity> {
    this.#identity ??= this.#whoAmI().catch((error: unknown) => {
      this.#identity = undefined;
      throw error;
    });
    return this.#identity;
  }

  /** The access key that these clients sign with. */
  async accessKeyId(): Promise<string> {
    const { credentials } = (await this.iam()).config;
    return (await credentials()).accessKeyId;
  }

  /** Lets go of connections. */
  destroy(): void {
    void this.#iam?.then((made) => made.destroy());
    this.#sts?.destroy();
    this.#lean.transport.destroy();
  }

  async #whoAmI(): Promise<Identity> {
    const { GetCallerIdentityCommand } = await stsSdk();
    const sts = await this.sts();
    const { Account = '', Arn = '' } = await told(
      'Error reading the identity of the key: ',
      sts.send(new GetCallerIdentityCommand({})),
    );
    return { account: Account, arn: Arn };
  }

  async #makeIam(keys: Keys | undefined): Promise<IAMClient> {
    const { IAMClient } = await iamSdk();
    return watched(new IAMClient(this.#options(iamTarget(this.#config, this.#environment), keys)), 'iam', this.#watch);
  }

  async #makeSts(target: Target, keys: Keys | undefined, tries?: number): Promise<STSClient> {
    const { STSClient } = await stsSdk();
    const sts = watched(new STSClient(this.#options(target, keys, tries)), 'sts', this.#watch);
    return leanClient(sts, this.#lean);
  }

  #ownKeys(): Keys | undefined {
    return this.#keys ?? ownKeys(this.#config);
  }

  /** `tries`: how often a call is made, instead of what is configured. */
  #options({ endpoint, region }: Target, keys: Keys | undefined, tries?: number): object {
    const { maxRetries } = this.#config;
    const maxAttempts = tries ?? (maxRetries < 0 ? undefined : maxRetries + 1);
    return {
      region,
      // Without the last one the SDK only warns, and waits for an AWS that says nothing for ever.
      requestHandler: {
        connectionTimeout: connectMillis,
        requestTimeout: this.#requestMillis,
        throwOnRequestTimeout: true,
      },
      ...(endpoint === '' ? {} : { endpoint: endpointUrl(endpoint) }),
      ...(keys === undefined ? {} : { credentials: ownCopy(keys) }),
      ...(maxAttempts === undefined ? {} : { maxAttempts }),
    };
  }
}

// The SDK writes into the object it is given; what was read from the store is frozen.
function ownCopy(keys: Keys): Keys {
  return typeof keys === 'function' ? async () => ({ ...(await keys()) }) : { ...keys };
}
