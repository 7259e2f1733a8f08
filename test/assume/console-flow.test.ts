// The console's sign-in as a person meets it: the real program, the embedded AWS, a browser that is a script.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { childEnvironment, runStintHere, startSts, temporaryHome, type Ended } from './support.ts';

const dev = '222222222222';
const config = `[default]
stint_issuer = https://portal.example/
[profile dev]
role_arn = arn:aws:iam::${dev}:role/OrganizationAccountAccessRole
source_profile = central
region = eu-west-1
[profile deep]
role_arn = arn:aws:iam::${dev}:role/deep
source_profile = dev
`;

let cloud: Cloud;
let central: string;

function keysOf(account: string): { accessKeyId: string; secretAccessKey: string } {
  return cloud.credentials.accounts[account]!;
}

before(async () => {
  cloud = await startCloud();
  const { accessKeyId, secretAccessKey } = keysOf('111111111111');
  central = `[central]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  const iam = new IAMClient({ endpoint: cloud.endpoint, region: 'us-east-1', credentials: keysOf(dev) });
  const trust = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${dev}:root` }, Action: 'sts:AssumeRole' };
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'deep',
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    }),
  );
  iam.destroy();
});

after(async () => cloud.stop());

function person(t: TestContext): { home: string; env: Record<string, string> } {
  const home = temporaryHome(t, config, central);
  return { home, env: { ...childEnvironment(home), AWS_ENDPOINT_URL: cloud.endpoint } };
}

/** Follows a link as a browser would, and returns the page. */
async function visit(link: string): Promise<string> {
  return (await fetch(link.trim(), { redirect: 'manual' })).text();
}

test('41, 42 (aws/aws-cli#5885, Noovolari/leapp#189): the console opens from the command line, as the role', async (t) => {
  const { env } = person(t);
  const { code, stdout, stderr } = await runStintHere(['console', 'dev', '--print', '--service', 's3'], env);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout.trim().split('\n').length, 1);
  assert.equal(new URL(stdout).searchParams.get('Issuer'), 'https://portal.example/');
  const page = await visit(stdout);
  assert.match(page, /assumed-role\/OrganizationAccountAccessRole\/alice/);
  assert.match(page, /https:\/\/eu-west-1\.console\.aws\.amazon\.com\/s3\/home\?region=eu-west-1/);
});

test('a chained role signs in, although AWS refuses a duration with it', async (t) => {
  const { env } = person(t);
  const { code, stdout, stderr } = await runStintHere(['console', 'deep', '--print', '--session-duration', '2h'], env);
  assert.equal(code, 0);
  assert.match(stderr, /`--session-duration` has no effect/);
  assert.match(await visit(stdout), /assumed-role\/deep\/alice/);
});

test('keys of an IAM user sign in as a federated user, and it is said so', async (t) => {
  const { env } = person(t);
  const { code, stdout, stderr } = await runStintHere(['console', 'central', '--print'], env);
  assert.equal(code, 0);
  assert.match(stderr, /signing in as the federated user `alice`/);
  assert.match(await visit(stdout), /federated-user\/alice/);
});

test('a session of GetSessionToken is refused with the reason before AWS is asked to sign it in', async (t) => {
  const { home, env } = person(t);
  const sts = new STSClient({ endpoint: cloud.endpoint, region: 'us-east-1', credentials: keysOf('111111111111') });
  const { Credentials } = await sts.send(new GetSessionTokenCommand({}));
  sts.destroy();
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials!;
  writeFileSync(
    join(home, '.aws/credentials'),
    `[s]\naws_access_key_id=${AccessKeyId}\naws_secret_access_key=${SecretAccessKey}\naws_session_token=${SessionToken}\n`,
  );
  const { code, stdout, stderr } = await runStintHere(['console', 's', '--print'], env);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^error\[console-unavailable\]: `arn:aws:iam::111111111111:user\/admin` cannot sign in/);
});

/** A browser that writes down its arguments and environment. Nobody waits for its end, so `seen` does. */
function browser(home: string): { script: string; seen: () => Promise<{ args: readonly string[]; env: string }> } {
  const script = join(home, 'my browser');
  writeFileSync(script, `#!/bin/sh\nprintf '%s\\n' "$@" > "$0.args"\nenv > "$0.part"\nmv "$0.part" "$0.env"\n`);
  chmodSync(script, 0o755);
  return {
    script,
    seen: async () => {
      while (!existsSync(`${script}.env`)) await new Promise((resolve) => setImmediate(resolve));
      return {
        args: readFileSync(`${script}.args`, 'utf8').trim().split('\n'),
        env: readFileSync(`${script}.env`, 'utf8'),
      };
    },
  };
}

test('38 (99designs/aws-vault#253, #959): any browser and any of its profiles opens it; the link is in its arguments and nowhere else', async (t) => {
  const { home, env } = person(t);
  const { script, seen } = browser(home);
  const { code, stdout, stderr }: Ended = await runStintHere(
    ['console', 'dev', '--browser', `'${script}' --profile-directory={profile} --new-window {url}`],
    { ...env, AWS_SECRET_ACCESS_KEY: 'unused', AWS_ACCESS_KEY_ID: '' },
  );
  assert.equal(code, 0, stderr);
  const { args, env: given } = await seen();
  assert.deepEqual(args.slice(0, 2), ['--profile-directory=dev', '--new-window']);
  assert.match(await visit(args[2]!), /assumed-role\/OrganizationAccountAccessRole/);
  const token = new URL(args[2]!).searchParams.get('SigninToken')!;
  assert.equal(`${stdout}${stderr}${given}`.includes(token), false);
  assert.doesNotMatch(given, /AWS_SECRET_ACCESS_KEY/);
  assert.match(stderr, /^opened the console as dev: the session ends at \d{4}-/);
});

test('40 (fwdcloudsec/granted#741, #727): a container is chosen by the profile’s own colour', async (t) => {
  const { home, env } = person(t);
  const { script, seen } = browser(home);
  writeFileSync(join(home, '.aws/config'), `${config}granted_color = pink\ngranted_icon = tree\n`);
  const args = ['console', 'deep', '--container', '--browser', `'${script}' {url}`, '--quiet'];
  const { code, stderr } = await runStintHere(args, env);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match((await seen()).args[0]!, /^ext\+granted-containers:name=deep&url=http.*&color=pink&icon=tree$/);
});

/** A sign-in endpoint that says yes, and writes down the durations that it is asked for. */
async function signinServer(t: TestContext, asked: (string | null)[]): Promise<string> {
  const signin = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      asked.push(new URLSearchParams(text).get('SessionDuration'));
      response.writeHead(200, { connection: 'close' }).end('{"SigninToken":"T"}');
    });
  });
  await new Promise<void>((resolve) => signin.listen(0, '127.0.0.1', resolve));
  t.after(() => signin.close());
  return `http://127.0.0.1:${(signin.address() as AddressInfo).port}`;
}

test('39 (fwdcloudsec/granted#128): the console session lasts as long as the role’s, not 15 minutes, and chained ones name no duration', async (t) => {
  const asked: (string | null)[] = [];
  const url = await signinServer(t, asked);
  const sts = await startSts(t);
  const env = {
    ...childEnvironment(temporaryHome(t, config), sts),
    AWS_ENDPOINT_URL_SIGNIN: url,
  };
  for (const args of [
    ['dev', '--duration', '4h'],
    ['dev', '--session-duration', '12h'],
    ['dev', '--mfa-serial', 'arn:aws:iam::111111111111:mfa/alice', '--mfa-code', '123456'],
    ['deep'],
    ['central'],
  ]) {
    const { code, stderr } = await runStintHere(['console', ...args, '--print'], env);
    assert.equal(code, 0, stderr);
  }
  const [first, ...rest] = asked;
  assert.ok(Number(first) > 14_300 && Number(first) <= 14_400, String(first));
  assert.deepEqual(rest, ['43200', null, null, null]);
});

test('what is typed wrongly ends before a session is made', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  for (const args of [
    ['--service', 's33'],
    ['--session-duration', '13h'],
    ['--destination', 'http://x/'],
  ]) {
    const { code, stdout, stderr } = await runStintHere(['console', 'dev', '--print', ...args], env);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^error\[invalid-option\]/);
  }
  assert.equal(sts.calls.length, 0);
});

test('a role that a web identity token gives is no chain, and names a duration', async (t) => {
  const asked: (string | null)[] = [];
  const url = await signinServer(t, asked);
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  writeFileSync(join(home, 'token'), 'a.b.c');
  const env = { ...childEnvironment(home, sts), AWS_ENDPOINT_URL_SIGNIN: url };
  writeFileSync(
    join(home, '.aws/config'),
    `[profile web]\nrole_arn = arn:aws:iam::${dev}:role/web\nweb_identity_token_file = ${join(home, 'token')}\n`,
  );
  const { code, stderr } = await runStintHere(['console', 'web', '--print', '--session-duration', '8h'], env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(asked, ['28800']);
});

test('`--logout-first` ends the browser’s session and goes on to the new one', async (t) => {
  const { env } = person(t);
  const { code, stdout, stderr } = await runStintHere(['console', 'dev', '--print', '--logout-first'], env);
  assert.equal(code, 0);
  assert.match(stderr, /^note: signing out first fails with HTTP 400 where the console has multi-session support on/m);
  const out = await fetch(stdout.trim(), { redirect: 'manual' });
  assert.equal(out.status, 302);
  assert.match(await visit(out.headers.get('location')!), /assumed-role\/OrganizationAccountAccessRole\/alice/);
});
