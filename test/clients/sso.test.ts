// Sign-ins are shared: who signs in with Stint is signed in with the AWS CLI, boto3 and the AWS SDK for JavaScript, and
// the other way round. The Identity Center and the sign-in service are the tests' own.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startIdentityCenter, type IdentityCenter } from '../assume/idc/identity-center.ts';
import { startSignInService } from '../assume/idc/sign-in-service.ts';
import { cacheFile, config, openedIn, putToken } from '../assume/idc/person.ts';
import { temporaryHome } from '../assume/support.ts';
import { cleanEnvironment, root, run, skipUnless, skipWithout, stint, type Environment } from './support.ts';

/** Prints the access key id that the AWS SDK for JavaScript finds. */
const javaScript = [
  process.execPath,
  '--input-type=module',
  '-e',
  `import { STSClient } from '@aws-sdk/client-sts';
const { accessKeyId } = await new STSClient({ region: 'eu-west-1' }).config.credentials();
console.log(accessKeyId);`,
];
/** The same of boto3. */
const python = [
  'python',
  '-c',
  'import boto3; print(boto3.Session().get_credentials().get_frozen_credentials().access_key)',
];
/** The same of version 2 of the AWS CLI. */
const cli = ['aws2', 'configure', 'export-credentials', '--format', 'env-no-export'];

interface Machine {
  readonly idc: IdentityCenter;
  readonly home: string;
  readonly env: Environment;
  /** The access key id that the program finds for the profile. */
  readonly keyOf: (program: readonly string[], profile: string) => Promise<string>;
}

function keyReader(env: Environment): Machine['keyOf'] {
  return async ([command, ...args], profile) => {
    const { code, stdout, stderr } = await run(command!, args, { ...env, AWS_PROFILE: profile });
    assert.equal(code, 0, stderr);
    const found = /\bASIA\w+/.exec(stdout)?.[0];
    assert.ok(found !== undefined, stdout);
    return found;
  };
}

/** A browser that the AWS CLI starts as well: it takes one path without arguments, and waits for its end. */
function browser(home: string): string {
  const file = join(home, 'browser');
  writeFileSync(file, `#!/bin/sh\n"${process.execPath}" "${join(root, 'test/assume/idc/browser.ts')}" "$1" &\n`);
  chmodSync(file, 0o755);
  return file;
}

async function machine(t: TestContext): Promise<Machine> {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  const env = cleanEnvironment({
    HOME: home,
    AWS_ENDPOINT_URL_SSO: idc.url,
    AWS_ENDPOINT_URL_SSO_OIDC: idc.url,
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    BROWSER: browser(home),
    OPENED: join(home, 'opened'),
  });
  return { idc, home, env, keyOf: keyReader(env) };
}

async function signIn({ env, idc }: Machine, name = 'corp'): Promise<void> {
  const { code, stderr } = await stint(['sso', 'login', name], env);
  assert.equal(code, 0, stderr);
  idc.calls.length = 0;
}

async function stintKey({ env }: Machine, profile: string): Promise<string> {
  const { code, stdout, stderr } = await stint(['credentials', profile], env);
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { AccessKeyId: string }).AccessKeyId;
}

const programs = [
  ['version 2 of the AWS CLI', cli, skipWithout('aws2')],
  ['boto3', python, skipUnless('python')],
  ['the AWS SDK for JavaScript', javaScript, false],
] as const;

for (const [name, program, skip] of programs) {
  test(`${name} takes the sign-in that Stint made`, { skip }, async (t) => {
    const desk = await machine(t);
    await signIn(desk);
    await desk.keyOf(program, 'dev');
    assert.deepEqual(desk.idc.paths, ['/federation/credentials']);
  });

  test(`${name} renews a token that Stint wrote, and Stint goes on with what that wrote`, { skip }, async (t) => {
    const desk = await machine(t);
    desk.idc.moods.tokenSeconds = 120;
    await signIn(desk);
    desk.idc.moods.tokenSeconds = 28_800;
    await desk.keyOf(program, 'dev');
    assert.deepEqual(desk.idc.paths, ['/token', '/federation/credentials']);
    await stintKey(desk, 'dev-admin');
    assert.deepEqual(desk.idc.paths.slice(2), ['/federation/credentials']);
  });

  test(`${name} takes the sign-in of a profile without a session`, { skip }, async (t) => {
    const desk = await machine(t);
    await signIn(desk, 'old');
    await desk.keyOf(program, 'old');
    assert.deepEqual(desk.idc.paths, ['/federation/credentials']);
  });

  test(`${name} takes a token that Stint has renewed`, { skip }, async (t) => {
    const desk = await machine(t);
    putToken(desk.home, desk.idc, { endsIn: -60 });
    await stintKey(desk, 'dev');
    await desk.keyOf(program, 'dev-admin');
    assert.deepEqual(desk.idc.paths, ['/token', '/federation/credentials', '/federation/credentials']);
  });
}

for (const flow of ['', '--use-device-code']) {
  test(
    `Stint takes the sign-in of \`aws sso login${flow === '' ? '' : ` ${flow}`}\``,
    { skip: skipWithout('aws2') },
    async (t) => {
      const desk = await machine(t);
      desk.idc.moods.tokenSeconds = 120;
      const options = flow === '' ? [] : [flow];
      const { code, stderr } = await run('aws2', ['sso', 'login', '--sso-session', 'corp', ...options], desk.env);
      assert.equal(code, 0, stderr);
      const before = desk.idc.calls.length;
      desk.idc.moods.tokenSeconds = 28_800;
      await stintKey(desk, 'dev');
      // Without scopes the AWS CLI's device flow gets nothing to renew with; two minutes are left.
      const renewed = flow === '' ? ['/token'] : [];
      assert.deepEqual(desk.idc.paths.slice(before), [...renewed, '/federation/credentials']);
    },
  );
}

test('Stint and the AWS CLI share the client they registered', { skip: skipWithout('aws2') }, async (t) => {
  const desk = await machine(t);
  await signIn(desk);
  const { code, stderr } = await run('aws2', ['sso', 'login', '--sso-session', 'corp'], desk.env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(desk.idc.paths, ['/authorize', '/token']);
  assert.equal(openedIn(desk.home).length, 2);
  await signIn(desk);
  assert.equal(desk.idc.count('/client/register'), 0);
});

test('`aws sso logout` signs out of what Stint signed in to', { skip: skipWithout('aws2') }, async (t) => {
  const desk = await machine(t);
  await signIn(desk);
  const { code, stderr } = await run('aws2', ['sso', 'logout'], desk.env);
  assert.equal(code, 0, stderr);
  assert.ok(!existsSync(cacheFile(desk.home, 'corp')));
  assert.match((await stint(['credentials', 'dev'], desk.env)).stderr, /^error\[sso-/);
});

const identity = 'arn:aws:iam::222222222222:user/alice';
// boto3 renews such keys only with a native add-on, which the tests do not install.
for (const [name, program, skip] of programs.filter(([each]) => each !== 'boto3')) {
  test(`${name} and Stint renew keys of \`aws login\` by turns`, { skip }, async (t) => {
    const service = await startSignInService(t);
    const home = temporaryHome(t, `[profile dev]\nlogin_session = ${identity}\nregion = eu-west-1\n`);
    const env = cleanEnvironment({
      HOME: home,
      AWS_ENDPOINT_URL_SIGNIN: service.url,
      AWS_EC2_METADATA_DISABLED: 'true',
    });
    const file = service.put(home, identity, -60);
    const end = (): void => {
      const login = JSON.parse(readFileSync(file, 'utf8'));
      writeFileSync(
        file,
        JSON.stringify({ ...login, accessToken: { ...login.accessToken, expiresAt: '2020-01-01T00:00:00Z' } }),
      );
    };
    const stintKey = async (): Promise<string> => {
      const { code, stdout, stderr } = await stint(['credentials', 'dev'], env);
      assert.equal(code, 0, stderr);
      return (JSON.parse(stdout) as { AccessKeyId: string }).AccessKeyId;
    };
    const keyOf = keyReader(env);
    const first = await stintKey();
    assert.equal(await keyOf(program, 'dev'), first);
    end();
    const second = await keyOf(program, 'dev');
    assert.equal(await stintKey(), second);
    end();
    assert.equal(await stintKey(), await keyOf(program, 'dev'));
    assert.equal(service.calls.length, 3);
  });
}
