// The lending server judged by Vault's command line and OpenBao's, whichever the machine has.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { lendableAccount } from './lendable.ts';
import {
  commandOnPath,
  run,
  startCloudProcess,
  startServerProcess,
  startUninitialisedServer,
  stop,
  temporaryFolder,
  type Environment,
  type Finished,
  type RunningCloud,
} from './support.ts';

interface Cli {
  /** What it printed; it must have ended with 0. */
  readonly ok: (line: string, stdin?: string) => Promise<string>;
  /** What it printed on stderr; it must have ended with this code. */
  readonly fails: (line: string, code?: number) => Promise<string>;
  /** The data that it printed as JSON. */
  readonly json: <Shape>(line: string) => Promise<Shape>;
  /** The same command line with other variables. */
  readonly as: (env: Environment) => Cli;
}

/** Runs lines whose words are parted by one space each. */
function cliOf(command: string, env: Environment): Cli {
  const ended = async (line: string, expected: number, more: Environment = {}, stdin = ''): Promise<Finished> => {
    const finished = await run(command, line.split(' '), { ...env, ...more }, undefined, stdin);
    assert.equal(finished.code, expected, `${line}\n${finished.stdout}${finished.stderr}`);
    return finished;
  };
  return {
    ok: async (line, stdin) => (await ended(line, 0, {}, stdin)).stdout,
    fails: async (line, code = 2) => (await ended(line, code)).stderr,
    json: async (line) => JSON.parse((await ended(line, 0, { VAULT_FORMAT: 'json' })).stdout),
    as: (more) => cliOf(command, { ...env, ...more }),
  };
}

interface World {
  readonly command: string;
  readonly cli: Cli;
  readonly cloud: RunningCloud;
  readonly address: string;
  readonly unsealKey: string;
  readonly rootToken: string;
  readonly folder: string;
}

/** A server with the AWS engine set up by the command line. */
async function lendingWorld(t: TestContext, command: string): Promise<World> {
  const cloud = await startCloudProcess(t);
  const [server, account] = await Promise.all([startServerProcess(t, cloud), lendableAccount(cloud)]);
  const folder = temporaryFolder(t);
  const env = { ...cloud.admin('dev'), HOME: folder, VAULT_ADDR: server.address };
  const cli = cliOf(command, env);
  await cli.ok(`login ${server.rootToken}`);
  await cli.ok('secrets enable aws');
  const keys = `access_key=${account.accessKeyId} secret_key=${account.secretAccessKey}`;
  const endpoints = `iam_endpoint=${cloud.endpoint} sts_endpoint=${cloud.endpoint} region=us-east-1`;
  await cli.ok(`write aws/config/root ${keys} ${endpoints}`);
  await cli.ok(
    'write aws/roles/reader credential_type=iam_user policy_arns=arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess',
  );
  await cli.ok(`write aws/roles/target credential_type=assumed_role role_arns=arn:aws:iam::${account.id}:role/target`);
  return { command, cli, cloud, folder, ...server };
}

interface Lent {
  readonly lease_id: string;
  readonly lease_duration: number;
  readonly data: { readonly access_key: string; readonly secret_key: string; readonly session_token: string | null };
}

/** What AWS's own command line says of lent keys. */
async function listBuckets({ cloud }: World, { access_key, secret_key, session_token }: Lent['data']): Promise<string> {
  const keys = { accessKeyId: access_key, secretAccessKey: secret_key };
  const env = cloud.as(session_token === null ? keys : { ...keys, sessionToken: session_token });
  const { code, stderr } = await run('aws', ['s3api', 'list-buckets'], env);
  return code === 0 ? 'allowed' : (/\((\w+)\)/.exec(stderr)?.[1] ?? stderr);
}

for (const name of ['vault', 'bao']) {
  const command = commandOnPath(name);
  const skip = command === undefined ? `${name} is not installed here` : false;

  test(`${name}: what it asks of a server that lends`, { skip }, async (t) => {
    const world = await lendingWorld(t, command!);
    await t.test('its agent logs in and writes lent keys into a file; its proxy lends them over a socket', (inner) =>
      serves(inner, world),
    );
    await t.test('policies, tokens, logins, wrapping, audit devices and help', () => governs(world));
    await t.test('credentials are read, their leases looked up, renewed and revoked', () => lends(world));
    await t.test('sealed and unsealed, its keys rotated, a root token made of its key', () => seals(world));
  });

  test(`${name}: a new server is initialised, and unsealed with two of three shares`, { skip }, async (t) => {
    const { address } = await startUninitialisedServer(t);
    const env = { PATH: process.env['PATH'] ?? '', HOME: temporaryFolder(t), VAULT_ADDR: address };
    const cli = cliOf(command!, env);
    await cli.fails('status');
    await cli.fails('operator init -status');
    const { unseal_keys_b64: shares, root_token: token } = await cli.json<{
      unseal_keys_b64: readonly string[];
      root_token: string;
    }>('operator init -key-shares=3 -key-threshold=2');
    assert.match(await cli.fails('operator init'), /already initialized/);
    assert.match(await cli.ok(`operator unseal ${shares[2]}`), /Unseal Progress +1\/2/);
    assert.match(await cli.ok(`operator unseal ${shares[0]}`), /Sealed +false/);
    const root = cli.as({ VAULT_TOKEN: token });
    assert.match(await root.ok('secrets list'), /^cubbyhole\//m);

    const { nonce } = await root.json<{ nonce: string }>('operator rekey -init -key-shares=1 -key-threshold=1');
    await root.ok(`operator rekey -nonce=${nonce} ${shares[0]}`);
    const rekeyed = await root.json<{ keys_base64: readonly string[] }>(`operator rekey -nonce=${nonce} ${shares[1]}`);
    await root.ok('operator seal');
    assert.match(await cli.ok(`operator unseal ${rekeyed.keys_base64[0]}`), /Sealed +false/);
  });
}

async function lends(world: World): Promise<void> {
  const { cli } = world;
  assert.match(await cli.ok('secrets list'), /^aws\/ +aws +aws_\w+/m);
  await cli.ok('secrets tune -default-lease-ttl=30m -max-lease-ttl=1h aws');
  await cli.ok('secrets tune -description=lent aws');
  assert.match(await cli.ok('secrets list -detailed'), /^aws\/ .* 1800 +3600 .* lent /m);
  assert.match(await cli.fails('secrets enable aws'), /path is already in use at aws\//);
  assert.deepEqual(await cli.json('list aws/roles'), ['reader', 'target']);
  assert.match(await cli.ok('read aws/roles/reader'), /policy_arns +\[arn:aws:iam::aws:policy\/AmazonS3ReadOnly/);
  assert.match(await cli.fails('read aws/roles/nobody'), /No value found at aws\/roles\/nobody/);
  assert.match(await cli.fails('read nowhere/roles/nobody'), /No value found at nowhere/);
  assert.match(await cli.fails('write aws/roles/bad credential_type=no'), /unrecognized credential type: no/);
  await cli.ok('delete aws/roles/nobody');

  const lent = await cli.json<Lent>('read aws/creds/reader');
  assert.equal(lent.lease_duration, 1800);
  assert.equal(await listBuckets(world, lent.data), 'allowed');
  assert.match(await cli.ok(`lease lookup ${lent.lease_id}`), /^ttl +(30m|29m\d+s)$/m);
  assert.match(await cli.ok(`lease renew -increment=600 ${lent.lease_id}`), /lease_duration +10m/);
  assert.match(await cli.ok(`lease revoke -sync ${lent.lease_id}`), /Revoked lease/);
  assert.equal(await listBuckets(world, lent.data), 'InvalidAccessKeyId');
  assert.match(await cli.fails(`lease lookup ${lent.lease_id}`), /invalid lease/);

  const session = await cli.json<Lent>('write -force aws/sts/target ttl=20m');
  assert.equal(session.lease_duration, 1200);
  assert.match(await cli.fails(`lease renew ${session.lease_id}`), /lease is not renewable/);
  const others = [await cli.json<Lent>('read aws/creds/reader'), await cli.json<Lent>('read aws/creds/reader')];
  await cli.ok('lease revoke -sync -prefix aws/creds/reader');
  const after = await Promise.all(others.map(({ data }) => listBuckets(world, data)));
  assert.deepEqual(after, ['InvalidAccessKeyId', 'InvalidAccessKeyId']);
  await cli.ok('lease revoke -force -prefix aws/sts');
  await cli.ok('secrets move aws moved');
  assert.deepEqual(await cli.json('list moved/roles'), ['reader', 'target']);
  await cli.ok('secrets disable moved');
  assert.doesNotMatch(await cli.ok('secrets list'), /^moved/m);
}

async function governs({ cli, folder }: World): Promise<void> {
  const rules = 'path "aws/creds/*" { capabilities = ["read"] }';
  await cli.ok('policy write lender -', rules);
  assert.equal((await cli.ok('policy read lender')).trim(), rules);
  assert.match(await cli.ok('policy list'), /^default\nlender\nroot$/m);

  const made = await cli.json<{ auth: { client_token: string; accessor: string } }>(
    'token create -policy=lender -ttl=1h -display-name=ci -metadata=a=b',
  );
  const { client_token: token, accessor } = made.auth;
  assert.match(await cli.ok(`token lookup -accessor ${accessor}`), /display_name +token-ci/);
  assert.match(await cli.ok(`token renew -increment=30m ${token}`), /token_duration +30m/);
  assert.equal((await cli.ok(`token capabilities ${token} aws/creds/reader`)).trim(), 'read');
  const own = cli.as({ VAULT_TOKEN: token });
  assert.match(await own.fails('read aws/roles/reader'), /permission denied/);
  const lent = await own.json<Lent>('read aws/creds/reader');
  await cli.ok(`token revoke ${token}`);
  assert.match(await cli.fails(`token lookup ${token}`), /bad token/);
  // The lease goes with its token.
  assert.match(await cli.fails(`lease lookup ${lent.lease_id}`), /invalid lease/);

  await cli.ok('auth enable -path=people userpass');
  await cli.ok('auth tune -listing-visibility=unauth -default-lease-ttl=15m people');
  assert.match(await cli.ok('auth list'), /^people\/ +userpass/m);
  await cli.ok('write auth/people/users/ann password=pw policies=lender');
  const login = 'login -method=userpass -path=people -no-store username=ann';
  assert.match(await cli.ok(`${login} password=pw`), /token_duration +15m\n.*\ntoken_policies +\["default" "lender"\]/);
  assert.match(await cli.fails(`${login} password=no`), /invalid username or password/);
  await cli.ok('auth disable people');

  const wrapped = await cli.json<{ wrap_info: { token: string } }>('read -wrap-ttl=1m aws/roles/reader');
  assert.match(await cli.ok(`unwrap ${wrapped.wrap_info.token}`), /credential_type +iam_user/);
  assert.match(await cli.fails(`unwrap ${wrapped.wrap_info.token}`), /wrapping token is not valid or does not exist/);

  await cli.ok(`audit enable file file_path=${join(folder, 'audit.log')}`);
  assert.match(await cli.ok('audit list -detailed'), /^file\/ +file .*file_path=/m);
  await cli.ok('audit disable file');
  assert.match(await cli.ok('path-help aws'), /roles/);
  assert.match(await cli.ok('path-help aws/roles/reader'), /credential_type \(string\)/);
}

async function seals({ cli, unsealKey }: World): Promise<void> {
  const before = await cli.json<{ term: number }>('operator key-status');
  await cli.ok('operator rotate');
  assert.equal((await cli.json<{ term: number }>('operator key-status')).term, before.term + 1);
  await cli.ok('operator seal');
  await cli.fails('status');
  assert.match(await cli.fails('list aws/roles'), /sealed/);
  assert.match(await cli.ok(`operator unseal ${unsealKey}`), /Sealed +false/);
  assert.match(await cli.ok('status'), /Storage Type +sqlite/);

  const otp = (await cli.ok('operator generate-root -generate-otp')).trim();
  const { nonce } = await cli.json<{ nonce: string }>(`operator generate-root -init -otp=${otp}`);
  const given = await cli.json<{ encoded_token: string }>(`operator generate-root -nonce=${nonce} ${unsealKey}`);
  const token = (await cli.ok(`operator generate-root -decode=${given.encoded_token} -otp=${otp}`)).trim();
  assert.match(await cli.as({ VAULT_TOKEN: token }).ok('token lookup'), /^policies +\[root\]$/m);
  await cli.ok('operator rekey -init -key-shares=3 -key-threshold=2');
  await cli.ok('operator rekey -cancel');
  await cli.ok('operator step-down');
  await cli.ok('token revoke -self');
  assert.match(await cli.fails('token lookup'), /permission denied/);
}

async function serves(t: TestContext, world: World): Promise<void> {
  const { cli, folder } = world;
  await cli.ok('policy write lender -', 'path "aws/creds/*" { capabilities = ["read"] }');
  await cli.ok('auth enable approle');
  await cli.ok('write auth/approle/role/ci token_policies=lender token_ttl=10m');
  const roleId = await cli.ok('read -field=role_id auth/approle/role/ci/role-id');
  const secretId = await cli.ok('write -force -field=secret_id auth/approle/role/ci/secret-id');
  writeFileSync(join(folder, 'role-id'), roleId);
  writeFileSync(join(folder, 'secret-id'), secretId, { mode: 0o600 });
  writeFileSync(join(folder, 'agent.hcl'), agentConfiguration(world));
  writeFileSync(join(folder, 'proxy.hcl'), proxyConfiguration(world));
  // Neither the token of the one who logged in nor its file is meant to help them.
  const outside = { HOME: join(folder, 'elsewhere') };
  await cli.as(outside).ok(`agent -config=${join(folder, 'agent.hcl')} -exit-after-auth`);
  const rendered = JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8')) as Lent['data'] & { lease: string };
  assert.equal(await listBuckets(world, { ...rendered, session_token: null }), 'allowed');
  await cli.ok(`lease revoke -sync ${rendered.lease}`);
  assert.equal(await listBuckets(world, { ...rendered, session_token: null }), 'InvalidAccessKeyId');

  const proxy = spawn(world.command, ['proxy', `-config=${join(folder, 'proxy.hcl')}`], {
    env: { PATH: process.env['PATH'], ...outside },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => stop(proxy));
  const through = cli.as({ ...outside, VAULT_ADDR: `unix://${join(folder, 'proxy.sock')}` });
  await said(proxy, /authentication successful/);
  await holdsToken(through);
  const first = await through.json<Lent>('read aws/creds/reader');
  const second = await through.json<Lent>('read aws/creds/reader');
  assert.equal(second.lease_id, first.lease_id, 'it caches what has a lease');
  assert.equal(await listBuckets(world, first.data), 'allowed');
}

const login = (folder: string): string => `
auto_auth {
  method "approle" {
    config = {
      role_id_file_path = "${folder}/role-id"
      secret_id_file_path = "${folder}/secret-id"
      remove_secret_id_file_after_reading = false
    }
  }
  sink "file" { config = { path = "${folder}/token" } }
}`;

function agentConfiguration({ address, folder }: World): string {
  const keys = ['access_key', 'secret_key'].map((name) => `\\"${name}\\": \\"{{ .Data.${name} }}\\"`);
  const contents = `{{ with secret \\"aws/creds/reader\\" }}{ ${keys.join(', ')}, \\"lease\\": \\"{{ .LeaseID }}\\" }{{ end }}`;
  return `vault { address = "${address}" }
${login(folder)}
template {
  contents = "${contents}"
  destination = "${folder}/keys.json"
}
`;
}

function proxyConfiguration({ address, folder }: World): string {
  return `vault { address = "${address}" }
${login(folder)}
cache {}
api_proxy { use_auto_auth_token = true }
listener "unix" {
  address = "${folder}/proxy.sock"
  tls_disable = true
}
`;
}

/** Says that it has logged in a little before it lends its token to others. */
async function holdsToken(through: Cli, attempts = 40): Promise<void> {
  try {
    await through.ok('token lookup');
  } catch (error) {
    if (attempts === 0) throw error;
    await holdsToken(through, attempts - 1);
  }
}

/** Waits until the process has said it; fails when it ends before. */
function said(child: ReturnType<typeof spawn>, text: RegExp): Promise<void> {
  let seen = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      seen += chunk.toString();
      if (text.test(seen)) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('close', () => reject(new Error(seen)));
  });
}
