// `--state DIR` and SIGKILL, of the whole process and under load: what was acknowledged is there again, and nothing is
// half there.
import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  ListAccessKeysCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { readCredentialsFile } from '../../src/cloud/index.ts';
import { central, iamOf, stsOf, type Keys } from './support.ts';

type Child = ChildProcessByStdio<null, Readable, null>;

const main = join(import.meta.dirname, '../../src/cli/main.ts');

async function start(state: string): Promise<Child> {
  const args = [main, 'cloud', 'start', '--port', '0', '--json', '--quiet', '--state', state];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(createInterface({ input: child.stdout }), 'line');
  return child;
}

/** Makes users with keys until the server is gone; kills it after `acknowledged` keys. */
async function createUntilKilled(child: Child, state: string, round: number, kill: number) {
  const credentials = readCredentialsFile(join(state, 'credentials.json'));
  const iam = iamOf(credentials, credentials.accounts[central]!);
  const keys = new Map<string, Keys>();
  const worker = async (number: number) => {
    for (let index = 0; ; index++) {
      const UserName = `user-${round}-${number}-${index}`;
      await iam.send(new CreateUserCommand({ UserName }));
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
      keys.set(UserName, { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! });
      if (keys.size === kill) child.kill('SIGKILL');
    }
  };
  const gone = once(child, 'exit');
  await Promise.allSettled(Array.from({ length: 4 }, (_, number) => worker(number)));
  await gone;
  return keys;
}

test('an embedded AWS killed under load has every acknowledged user and key, and no key without its user', async (context) => {
  const state = await mkdtemp(join(tmpdir(), 'stint-kill-'));
  context.after(() => rm(state, { recursive: true, force: true }));
  const acknowledged = new Map<string, Keys>();
  for (const [round, kill] of [3, 25].entries()) {
    const child = await start(state);
    for (const [name, keys] of await createUntilKilled(child, state, round, kill)) acknowledged.set(name, keys);
  }
  const child = await start(state);
  try {
    const credentials = readCredentialsFile(join(state, 'credentials.json'));
    const iam = iamOf(credentials, credentials.accounts[central]!);
    const { Users } = await iam.send(new ListUsersCommand({ MaxItems: 1000 }));
    const names = new Set(Users!.map(({ UserName }) => UserName!));
    for (const [name, keys] of acknowledged) {
      assert.ok(names.has(name), `${name} is lost`);
      const { Arn } = await stsOf(credentials, keys).send(new GetCallerIdentityCommand({}));
      assert.equal(Arn, `arn:aws:iam::${central}:user/${name}`);
    }
    assert.ok(acknowledged.size >= 28);
    // What was on its way when the process died is whole or not there.
    for (const name of names) {
      const { AccessKeyMetadata } = await iam.send(new ListAccessKeysCommand({ UserName: name }));
      assert.ok(AccessKeyMetadata!.length <= 2);
    }
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});
