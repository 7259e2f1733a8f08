// Reads about resources beside IAM's, with the keys of one account: the SDK's client for S3, which has rules of its own
// for regions and hosts; else calls told as data, since a client of 500 kB for one read is too much. All are paced by
// the account's lane.
import type { S3 } from '@aws-sdk/client-s3';
import type { Clock } from '../base/index.ts';
import type { Partition } from './arn.ts';
import { caBundle, endpointOf, type AwsKeys, type ClientSettings, type Env, type Service } from './environment.ts';
import type { Lane } from './lane.ts';
import { sendPlainCall, type PlainCall } from './plain-call.ts';

/** What the SDK's clients are made with. */
export interface SdkSettings extends Omit<ClientSettings, 'credentials'> {
  readonly maxAttempts: 1;
  readonly region: string;
  readonly credentials?: AwsKeys | (() => Promise<AwsKeys & { readonly expiration: Date }>);
}

export interface ResourceReader {
  /** Follows a bucket into its region. */
  s3(): Promise<S3>;
  /** The text of the answer. @throws Error whose `name` is AWS's code. */
  call(call: PlainCall, service: Service): Promise<string>;
  /** Where a service is, as AWS or the environment tells. */
  endpoint(call: Pick<PlainCall, 'service' | 'region'>, service: Service): string;
}

interface Scope {
  readonly env: Env;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly partition: Partition;
  readonly lane: Lane;
  readonly settings: (service: Service) => Promise<SdkSettings>;
}

const suffixes: Readonly<Record<Partition, string>> = {
  aws: 'amazonaws.com',
  'aws-us-gov': 'amazonaws.com',
  'aws-cn': 'amazonaws.com.cn',
};

/** The host names that are not those by which signatures name the service. */
const hosts: Readonly<Record<string, string>> = { ecr: 'api.ecr' };

class LanedReader implements ResourceReader {
  readonly #scope: Scope;
  readonly #clients = new Map<string, Promise<object>>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  s3(): Promise<S3> {
    return this.#once('s3', async () => {
      const { S3 } = await import('@aws-sdk/client-s3');
      const settings = await this.#scope.settings('S3');
      // A server of one's own has no host name for each bucket.
      const forcePathStyle = settings.endpoint !== undefined;
      return this.#scope.lane.guard(new S3({ ...settings, followRegionRedirects: true, forcePathStyle }), 's3');
    });
  }

  endpoint({ service, region }: Pick<PlainCall, 'service' | 'region'>, id: Service): string {
    const { env, partition } = this.#scope;
    return endpointOf(env, id) ?? `https://${hosts[service] ?? service}.${region}.${suffixes[partition]}`;
  }

  async call(call: PlainCall, id: Service): Promise<string> {
    const { env, lane, clock, signal } = this.#scope;
    const endpoint = this.endpoint(call, id);
    const send = async (): Promise<string> =>
      sendPlainCall(call, { endpoint, keys: await this.#keys(), clock, ca: caBundle(env), signal });
    // A lane paces whatever has a `send`, and reads the operation where the SDK's commands have it.
    const sender: { readonly send: (command: object) => Promise<string> } = { send };
    return lane.guard(sender, call.service).send({ input: {}, schema: [9, '', call.operation] });
  }

  /** Keys are found where the SDK finds them. */
  async #keys(): Promise<AwsKeys> {
    const { STS } = await import('@aws-sdk/client-sts');
    return this.#once('keys', async () =>
      new STS(await this.#scope.settings('STS')).config.credentials(),
    ) as Promise<AwsKeys>;
  }

  #once<Made extends object>(name: string, make: () => Promise<Made>): Promise<Made> {
    const made = this.#clients.get(name) ?? make();
    this.#clients.set(name, made);
    return made as Promise<Made>;
  }
}

/** Reads with the keys that `settings` give. Nothing is loaded or called until something is asked. */
export function resourceReader(scope: Scope): ResourceReader {
  return new LanedReader(scope);
}
