// SDK clients for the AWS a mount is configured for. Loaded when first needed; made anew when the
// configuration changed. Signatures always follow the wall clock: the SDK takes it by itself.
import type { IAMClient } from '@aws-sdk/client-iam';
import type { STSClient } from '@aws-sdk/client-sts';
import { told } from './aws-errors.ts';
import { endpointUrl, ownKeys, type RootConfig } from './config.ts';

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
const requestMillis = 30_000;

export class AwsClients {
  readonly #config: RootConfig;
  readonly #environment: Environment;
  readonly #keys: Keys | undefined;
  #iam: Promise<IAMClient> | undefined;
  #sts: Promise<STSClient> | undefined;
  #identity: Promise<Identity> | undefined;

  /** `keys` stand in for those of the configuration. */
  constructor(config: RootConfig, environment: Environment, keys?: Keys) {
    this.#config = config;
    this.#environment = environment;
    this.#keys = keys;
  }

  iam(): Promise<IAMClient> {
    this.#iam ??= this.#makeIam(this.#ownKeys());
    return this.#iam;
  }

  sts(): Promise<STSClient> {
    this.#sts ??= import('@aws-sdk/client-sts').then(
      ({ STSClient }) => new STSClient(this.#options(this.#config.stsEndpoint, this.#ownKeys())),
    );
    return this.#sts;
  }

  /** An IAM client that signs with other keys; the caller destroys it. */
  iamAs(keys: KeyPair): Promise<IAMClient> {
    return this.#makeIam(keys);
  }

  /** As `iamAs`. */
  async stsAs(keys: KeyPair): Promise<STSClient> {
    const { STSClient } = await import('@aws-sdk/client-sts');
    return new STSClient(this.#options(this.#config.stsEndpoint, keys));
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
    for (const client of [this.#iam, this.#sts]) void client?.then((made) => made.destroy());
  }

  async #whoAmI(): Promise<Identity> {
    const { GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
    const sts = await this.sts();
    const { Account = '', Arn = '' } = await told(
      'Error reading the identity of the key: ',
      sts.send(new GetCallerIdentityCommand({})),
    );
    return { account: Account, arn: Arn };
  }

  async #makeIam(keys: Keys | undefined): Promise<IAMClient> {
    const { IAMClient } = await import('@aws-sdk/client-iam');
    return new IAMClient(this.#options(this.#config.iamEndpoint, keys));
  }

  #ownKeys(): Keys | undefined {
    return this.#keys ?? ownKeys(this.#config);
  }

  #options(endpoint: string, keys: Keys | undefined): object {
    const { region, maxRetries } = this.#config;
    const { AWS_REGION, AWS_DEFAULT_REGION } = this.#environment;
    return {
      region: region || AWS_REGION || AWS_DEFAULT_REGION || 'us-east-1',
      requestHandler: { connectionTimeout: connectMillis, requestTimeout: requestMillis },
      ...(endpoint === '' ? {} : { endpoint: endpointUrl(endpoint) }),
      ...(keys === undefined ? {} : { credentials: keys }),
      ...(maxRetries < 0 ? {} : { maxAttempts: maxRetries + 1 }),
    };
  }
}
