// SDK clients for what the method asks AWS itself: who a principal is, and what an instance is. Each by
// the keys of `config/client` or the server's own, or by a role in the account that was asked about.
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { IAMClient } from '@aws-sdk/client-iam';
import { iamSdk, stsSdk } from '../../aws-sdk.ts';
import type { Folder } from '../../engines/engine.ts';
import { loadClientConfig, loadStsRole, type ClientConfig, type StsRole } from './config.ts';

/** What a client is for. */
export interface Target {
  readonly mountId: string;
  readonly folder: Folder;
  readonly account: string;
  readonly region: string;
}

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

type Client = IAMClient | EC2Client;

const connectMillis = 5000;
const requestMillis = 10_000;

export class AuthClients {
  /** By mount, account and region, of one reading of the configuration. */
  readonly #clients = new Map<string, { readonly revision: string; readonly client: Promise<Client> }>();

  iam(target: Target): Promise<IAMClient> {
    return this.#client(target, 'iam', async (config, role) => {
      const { IAMClient } = await iamSdk();
      return new IAMClient(options(config, role, target.region, config.iamEndpoint));
    });
  }

  ec2(target: Target): Promise<EC2Client> {
    return this.#client(target, 'ec2', async (config, role) => {
      const { EC2Client } = await import('@aws-sdk/client-ec2');
      return new EC2Client(options(config, role, target.region, config.endpoint));
    });
  }

  /** Lets go of connections. */
  close(): void {
    for (const { client } of this.#clients.values()) letGo(client);
    this.#clients.clear();
  }

  async #client<C extends Client>(
    { mountId, folder, account, region }: Target,
    service: string,
    make: (config: ClientConfig, role: StsRole | undefined) => Promise<C>,
  ): Promise<C> {
    const { config, revision: ofConfig } = await loadClientConfig(folder);
    const role = await loadStsRole(folder, account);
    const revision = `${ofConfig}/${role?.role ?? ''}/${role?.externalId ?? ''}`;
    const key = `${mountId}/${service}/${account}/${region}`;
    const known = this.#clients.get(key);
    if (known?.revision === revision) return known.client as Promise<C>;
    if (known !== undefined) letGo(known.client);
    const client = make(config, role);
    this.#clients.set(key, { revision, client });
    return client;
  }
}

function letGo(client: Promise<Client>): void {
  client.then(
    (made) => made.destroy(),
    () => {},
  );
}

function ownKeys({ accessKey, secretKey }: ClientConfig): Keys | undefined {
  return accessKey === '' ? undefined : { accessKeyId: accessKey, secretAccessKey: secretKey };
}

function shared(config: ClientConfig, region: string, endpoint: string): object {
  return {
    region,
    // Without the last one the SDK only warns, and waits for an AWS that says nothing for ever.
    requestHandler: {
      connectionTimeout: connectMillis,
      requestTimeout: requestMillis,
      throwOnRequestTimeout: true,
    },
    ...(endpoint === '' ? {} : { endpoint }),
    ...(config.maxRetries < 0 ? {} : { maxAttempts: config.maxRetries + 1 }),
  };
}

function options(config: ClientConfig, role: StsRole | undefined, region: string, endpoint: string): object {
  const keys = role === undefined ? ownKeys(config) : () => assume(config, role, region);
  return { ...shared(config, region, endpoint), ...(keys === undefined ? {} : { credentials: keys }) };
}

/** Keys of the role; the SDK asks again before they end. */
async function assume(config: ClientConfig, role: StsRole, region: string): Promise<Keys> {
  const { AssumeRoleCommand, STSClient } = await stsSdk();
  const keys = ownKeys(config);
  const settings = shared(config, config.stsRegion || region, config.stsEndpoint);
  const client = new STSClient({ ...settings, ...(keys === undefined ? {} : { credentials: keys }) });
  try {
    const { Credentials: made } = await client.send(
      new AssumeRoleCommand({
        RoleArn: role.role,
        RoleSessionName: 'stint-auth',
        ...(role.externalId === '' ? {} : { ExternalId: role.externalId }),
      }),
    );
    return {
      accessKeyId: made!.AccessKeyId!,
      secretAccessKey: made!.SecretAccessKey!,
      sessionToken: made!.SessionToken!,
      expiration: made!.Expiration!,
    };
  } finally {
    client.destroy();
  }
}
