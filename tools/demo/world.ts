// The world of the story: the embedded AWS, its people's clients, and the lending server.
import { EC2Client } from '@aws-sdk/client-ec2';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment, Processes } from './processes.ts';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

interface CloudReady {
  readonly endpoint: string;
  readonly credentialsFile: string;
}

interface CredentialsFile {
  readonly region: string;
  readonly controlToken: string;
  readonly accounts: Readonly<Record<string, Keys & { readonly name: string }>>;
}

interface ServerReady {
  readonly address: string;
  readonly rootToken: string;
}

/** AWS clients of one person, on the embedded AWS. */
export interface Clients {
  readonly iam: IAMClient;
  readonly sts: STSClient;
  readonly s3: S3Client;
  readonly ec2: EC2Client;
  readonly keys: Keys;
}

export class World {
  readonly processes: Processes;
  readonly endpoint: string;
  readonly region: string;
  readonly credentialsFile: string;
  readonly definition: string;
  readonly server: ServerReady;
  readonly #file: CredentialsFile;
  /** Clients of the people that earlier steps introduced. */
  readonly people = new Map<string, Clients>();
  /** What later steps need of earlier ones. */
  instanceId = '';

  constructor(processes: Processes, cloud: CloudReady, server: ServerReady, definition: string) {
    this.processes = processes;
    this.endpoint = cloud.endpoint;
    this.credentialsFile = cloud.credentialsFile;
    this.server = server;
    this.definition = definition;
    this.#file = JSON.parse(readFileSync(cloud.credentialsFile, 'utf8')) as CredentialsFile;
    this.region = this.#file.region;
  }

  clients(keys: Keys): Clients {
    const options = {
      endpoint: this.endpoint,
      region: this.region,
      credentials: { ...keys },
      maxAttempts: 1,
    };
    return {
      iam: new IAMClient(options),
      sts: new STSClient(options),
      s3: new S3Client({ ...options, forcePathStyle: true }),
      ec2: new EC2Client(options),
      keys,
    };
  }

  /** The administrator of an account of the organisation, by the account's name. */
  admin(name: string): Clients {
    const account = Object.values(this.#file.accounts).find((entry) => entry.name === name);
    if (account === undefined) throw new Error(`no account ${name}`);
    return this.clients(account);
  }

  accountId(name: string): string {
    const entry = Object.entries(this.#file.accounts).find(([, account]) => account.name === name);
    if (entry === undefined) throw new Error(`no account ${name}`);
    return entry[0];
  }

  person(name: string): Clients {
    const clients = this.people.get(name);
    if (clients === undefined) throw new Error(`${name} is not in the story yet`);
    return clients;
  }

  /** The environment in which `keys` act, as \`stint cloud env\` would print it. */
  environment(keys: Keys): Environment {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: this.region,
      AWS_DEFAULT_REGION: this.region,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      ...(keys.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: keys.sessionToken }),
    };
  }

  /** One request to the lending server; resolves with status and parsed body. */
  async lend(method: string, path: string, body?: unknown): Promise<{ status: number; body: LendAnswer }> {
    const response = await fetch(`${this.server.address}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': this.server.rootToken, 'x-vault-request': 'true' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as LendAnswer };
  }

  /** Lets `by` pass for AWS and for the lending server. */
  async advance(by: string): Promise<void> {
    const moved = await fetch(`${this.endpoint}/_stint/clock`, {
      method: 'POST',
      headers: { 'x-stint-control': this.#file.controlToken, 'content-type': 'application/json' },
      body: JSON.stringify({ advance: by }),
    });
    if (!moved.ok) throw new Error(`the clock of the embedded AWS did not move: ${await moved.text()}`);
    const { status } = await this.lend('POST', 'stint/dev/clock', { advance: by });
    if (status !== 200) throw new Error(`the clock of the server did not move: ${status}`);
  }
}

/** The members of Vault's envelope that the story reads. */
export interface LendAnswer {
  readonly lease_id?: string;
  readonly lease_duration?: number;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly string[];
}

/** Starts the embedded AWS and the lending server and opens the definition of the tutorial. */
export async function openWorld(
  processes: Processes,
  ports: { readonly port: string; readonly listen: string },
  root: string,
  folder: string,
): Promise<World> {
  const credentialsFile = join(folder, 'credentials.json');
  const start = `cloud start --port ${ports.port} --credentials-file`.split(' ');
  const cloud = await processes.serve<CloudReady>([...start, credentialsFile]);
  const server = await processes.serve<ServerReady>(['server', '--dev', '--listen', ports.listen], {
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
  });
  return new World(processes, { ...cloud, credentialsFile }, server, join(root, 'examples/tutorial/stint.config.ts'));
}
