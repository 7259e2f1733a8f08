// SDK clients for the AWS a mount is configured for. Loaded when first needed; made anew when the
// configuration changed. Signatures always follow the wall clock: the SDK takes it by itself.
import type { IAMClient } from '@aws-sdk/client-iam';
import type { STSClient } from '@aws-sdk/client-sts';
import { endpointUrl, ownKeys, type RootConfig } from './config.ts';

/** The environment of the server: the region, and by way of the SDK credentials and endpoints. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

const connectMillis = 5000;
const requestMillis = 30_000;

export class AwsClients {
  readonly #config: RootConfig;
  readonly #environment: Environment;
  #iam: Promise<IAMClient> | undefined;
  #sts: Promise<STSClient> | undefined;

  constructor(config: RootConfig, environment: Environment) {
    this.#config = config;
    this.#environment = environment;
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

  /** Lets go of connections. */
  destroy(): void {
    for (const client of [this.#iam, this.#sts]) void client?.then((made) => made.destroy());
  }

  async #makeIam(keys: KeyPair | undefined): Promise<IAMClient> {
    const { IAMClient } = await import('@aws-sdk/client-iam');
    return new IAMClient(this.#options(this.#config.iamEndpoint, keys));
  }

  #ownKeys(): KeyPair | undefined {
    return ownKeys(this.#config);
  }

  #options(endpoint: string, keys: KeyPair | undefined): object {
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
