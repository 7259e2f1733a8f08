// An example as its reader has it: the embedded AWS of its organisation, `stint` beside its definition, and the people
// and workloads that it is about.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { CreateAccessKeyCommand, CreateVirtualMFADeviceCommand, EnableMFADeviceCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetSessionTokenCommand, type AssumeRoleCommandInput } from '@aws-sdk/client-sts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { parseOrganization } from '../../src/cloud/organization-file.ts';
import { codeAt, stepOf } from '../../src/cloud/services/iam/totp.ts';
import { runStint, type Finished } from '../cli/support.ts';
import { clientsOf, keysOf, type Clients } from '../cloud/iam/clients.ts';

const examples = new URL('../../examples/', import.meta.url).pathname;

export interface Example {
  readonly cloud: Cloud;
  /** A folder for what the runs write. */
  readonly folder: string;
  /** The definition's file. */
  readonly config: string;
  /** Runs `stint` as the administrator of an account. */
  stint(...args: readonly string[]): Promise<Finished>;
  /** Runs `stint` in another folder. */
  stintIn(cwd: string, ...args: readonly string[]): Promise<Finished>;
  /** The same with `--config` of the example. */
  withConfig(...args: readonly string[]): Promise<Finished>;
  /** Clients that sign as the administrator of an account. */
  admin(account: string): Clients;
  /** Clients of a person who has signed in with an MFA device, enrolled here, or without it. */
  person(name: string, mfa: 'with MFA' | 'without MFA'): Promise<Clients>;
}

function organizationOf(name: string): { organization?: ReturnType<typeof parseOrganization> } {
  const file = join(examples, name, 'org.yaml');
  return { organization: parseOrganization(readFileSync(file, 'utf8'), file) };
}

/** Starts the embedded AWS with `org.yaml` of an example, where it has one. */
export async function startExample(t: TestContext, config: string, ownOrganization: boolean): Promise<Example> {
  const cloud = await startCloud(ownOrganization ? organizationOf(config.split('/')[0]!) : {});
  t.after(() => cloud.stop());
  const folder = mkdtempSync(join(tmpdir(), 'stint-example-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { managementAccount } = cloud.credentials;
  const env = { PATH: process.env['PATH'], STINT_HOME: join(folder, 'home'), ...cloud.env(managementAccount) };
  const stintIn: Example['stintIn'] = (cwd, ...args) => runStint(args, { cwd, env });
  const stint: Example['stint'] = (...args) => stintIn(folder, ...args);
  const path = join(examples, config);
  const admin: Example['admin'] = (account) => clientsOf(cloud, account);
  return {
    cloud,
    folder,
    config: path,
    stint,
    stintIn,
    withConfig: (...args) => stint(...args, '--config', path),
    admin,
    person: (name, mfa) => personOf(cloud, admin(managementAccount), name, mfa),
  };
}

async function personOf(cloud: Cloud, { iam }: Clients, UserName: string, mfa: string): Promise<Clients> {
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  const clients = clientsOf(cloud, keysOf(AccessKey!));
  if (mfa === 'without MFA') return clients;
  const made = await iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: UserName }));
  const SerialNumber = made.VirtualMFADevice!.SerialNumber!;
  const seed = Buffer.from(made.VirtualMFADevice!.Base32StringSeed!).toString();
  cloud.clock.freeze(true);
  const step = stepOf(cloud.clock.now());
  const [AuthenticationCode1, AuthenticationCode2] = [codeAt(seed, step - 2), codeAt(seed, step - 1)];
  await iam.send(new EnableMFADeviceCommand({ UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 }));
  const token = new GetSessionTokenCommand({ SerialNumber, TokenCode: codeAt(seed, step) });
  const { Credentials } = await clients.sts.send(token);
  cloud.clock.freeze(false);
  return clientsOf(cloud, keysOf(Credentials!));
}

/** Becomes `ACCOUNT-ID/ROLE`. */
export async function become(
  { cloud }: Example,
  { sts }: Clients,
  target: string,
  more: Partial<AssumeRoleCommandInput> = {},
): Promise<Clients> {
  const [account, role] = target.split('/');
  const RoleArn = `arn:aws:iam::${account}:role/${role}`;
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'test', ...more }));
  return clientsOf(cloud, keysOf(Credentials!));
}

/**
 * Reads the definition back from what it made, in an empty folder, and plans nothing with it. Answers the text.
 * Nothing in it is only watched, and no trust is left as a bare statement.
 */
export async function readsBack(example: Example): Promise<string> {
  const cwd = mkdtempSync(join(example.folder, 'lost-'));
  const made = await example.stintIn(cwd, 'init', '--from-aws', '--config', 'found.yaml');
  assert.equal(made.code, 0, made.stderr);
  const text = readFileSync(join(cwd, 'found.yaml'), 'utf8');
  const { code, stdout } = await example.stintIn(cwd, 'plan', '--config', 'found.yaml', '--detailed-exitcode');
  assert.equal(code, 0, stdout);
  assert.equal(lastLine(stdout), 'Plan: 0 to add, 0 to change, 0 to destroy');
  assert.doesNotMatch(text, /mode: observe|statement: \{|stint-assume|import-incomplete/);
  return text;
}

/** The last line of what was printed: the plan in one line. */
export const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)!;
