// moto's server as a second AWS that nobody here wrote: an account for each role that is assumed, an organisation.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import {
  CreateOrganizationalUnitCommand,
  CreateOrganizationCommand,
  ListRootsCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { cleanEnvironment, installedClient, stop, temporaryFolder } from './support.ts';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface RunningMoto {
  /** The organisation's id: moto chooses it. */
  readonly organization: string;
  /** The environment in which the management account acts. */
  readonly env: Record<string, string>;
  /** A client of IAM in an account. */
  iam(account: string): Promise<IAMClient>;
}

const region = 'us-east-1';

async function startServer(t: TestContext): Promise<string> {
  const env = cleanEnvironment({ MOTO_IAM_LOAD_MANAGED_POLICIES: 'true' });
  const child = spawn(installedClient('moto_server')!, ['-H', '127.0.0.1', '-p', '0'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => stop(child));
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stderr });
    lines.on('line', (line) => {
      const address = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once('close', (code) => reject(new Error(`moto_server ended with ${code}`)));
  });
}

/** Units by path, with those above them. */
async function makeUnits(client: OrganizationsClient, paths: readonly string[]): Promise<void> {
  const { Roots } = await client.send(new ListRootsCommand({}));
  const ids = new Map([['', Roots![0]!.Id!]]);
  for (const path of paths) {
    const slash = path.lastIndexOf('/');
    const ParentId = ids.get(slash < 0 ? '' : path.slice(0, slash))!;
    const input = { ParentId, Name: path.slice(slash + 1) };
    const made = await client.send(new CreateOrganizationalUnitCommand(input));
    ids.set(path, made.OrganizationalUnit!.Id!);
  }
}

/** Starts moto with an organisation of the account `management`, and `accounts` that have answered once. */
export async function startMoto(
  t: TestContext,
  management: string,
  accounts: readonly string[],
  units: readonly string[],
): Promise<RunningMoto> {
  const endpoint = await startServer(t);
  const options = (credentials: Keys) => ({ endpoint, region, credentials });
  const sts = new STSClient(options({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' }));
  const sessionIn = async (account: string): Promise<Keys> => {
    const RoleArn = `arn:aws:iam::${account}:role/OrganizationAccountAccessRole`;
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'test' }));
    const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials!;
    return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! };
  };
  const iam = async (account: string) => new IAMClient(options(await sessionIn(account)));
  const keys = await sessionIn(management);
  const organizations = new OrganizationsClient(options(keys));
  const made = await organizations.send(new CreateOrganizationCommand({ FeatureSet: 'ALL' }));
  await makeUnits(organizations, units);
  // moto reads a thousand policies of AWS for each account, when that is first asked: more than a call should wait for.
  for (const account of accounts) await (await iam(account)).send(new ListRolesCommand({}));
  return {
    organization: made.Organization!.Id!,
    env: cleanEnvironment({
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_SESSION_TOKEN: keys.sessionToken!,
      STINT_HOME: temporaryFolder(t),
    }),
    iam,
  };
}
