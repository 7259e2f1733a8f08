// The verbs that people know from Vault's tools, in their spelling and in ours.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { defaultHttpOptions } from '../../src/broker/http/server.ts';
import { awsLoginBody } from '../../src/cli/lend/aws-login.ts';
import { account, testCloud } from '../broker/aws-support.ts';
import { collectingIo } from './support.ts';
import { terminal } from './terminal.ts';

const policy = 'path "aws/creds/*" { capabilities = ["read", "update"] }\n';

test('a policy is written from a file or standard input, read, listed and deleted', async (t) => {
  const { stint, home } = await terminal(t);
  await stint('login root');
  writeFileSync(join(home, 'deploy.hcl'), policy);
  assert.match((await stint('policy write deploy deploy.hcl')).err, /^written: deploy$/m);
  assert.equal((await stint('policy read deploy')).out, policy);
  assert.equal((await stint('policy read -field=name deploy')).out, 'deploy');
  await stint('policy write other -', policy);
  assert.deepEqual((await stint('policy list')).out.trim().split('\n'), ['default', 'deploy', 'other', 'root']);
  await stint('policy delete other');
  const gone = await stint('policy read other');
  assert.deepEqual([gone.code, gone.failure?.code], [1, 'not-found']);
  assert.equal((await stint('policy write x missing.hcl')).failure?.code, 'file-unreadable');
});

test('a token is made, looked up, renewed, asked what it may do, and revoked', async (t) => {
  const { stint, home, env } = await terminal(t);
  await stint('login root');
  writeFileSync(join(home, 'deploy.hcl'), policy);
  await stint('policy write deploy deploy.hcl');
  const made = await stint('token create -policy=deploy -ttl=1h -metadata=team=a -display-name=ci -format=json');
  const { auth } = JSON.parse(made.out) as { auth: { client_token: string; accessor: string; metadata: object } };
  assert.deepEqual(auth.metadata, { team: 'a' });
  const token = auth.client_token;
  assert.match((await stint(`token lookup ${token}`)).out, /^display_name +token-ci$/m);
  assert.match((await stint(`token lookup -accessor ${auth.accessor}`)).out, /^policies +\["default","deploy"\]$/m);
  assert.equal((await stint(`token capabilities ${token} aws/creds/x`)).out, 'read, update\n');
  assert.equal((await stint(`token capabilities -accessor ${auth.accessor} sys/seal`)).out, 'deny\n');
  env['STINT_TOKEN'] = token;
  assert.equal((await stint('token capabilities aws/creds/x')).out, 'read, update\n');
  delete env['STINT_TOKEN'];
  assert.equal((await stint('token capabilities aws/creds/x')).out, 'root\n');
  assert.match((await stint(`token renew -increment=30m ${token}`)).out, /^token_duration +30m$/m);
  const fixed = await stint('token create -renewable=false -no-default-policy -policy=deploy');
  assert.match(fixed.out, /^token_renewable +false$/m);
  assert.match(fixed.out, /^token_policies +\["deploy"\]$/m);
  await stint(`token revoke ${token}`);
  assert.equal((await stint(`token lookup ${token}`)).failure?.message, 'bad token');
  await stint('token revoke -self');
  assert.equal((await stint('token lookup')).failure?.message, 'permission denied');
});

test('a field is printed alone, so that a shell can take it', async (t) => {
  const { stint } = await terminal(t);
  await stint('login root');
  assert.match((await stint('token create -field=token -ttl=1h')).out, /^hvs\.[\w-]+$/);
  const wrong = await stint('token lookup -field nothing');
  assert.equal(wrong.failure?.code, 'field-missing');
  assert.match(wrong.failure?.hint ?? '', /display_name/);
});

test('an answer is wrapped, and unwrapped once', async (t) => {
  const { stint, env } = await terminal(t);
  await stint('login root');
  const wrapped = (await stint('token create -ttl=1h -wrap-ttl=5m -field=wrapping_token')).out;
  assert.match(wrapped, /^hvs\./);
  assert.match((await stint(`unwrap -field=token ${wrapped}`)).out, /^hvs\.\S+$/);
  assert.equal((await stint(`unwrap ${wrapped}`)).failure?.message, 'wrapping token is not valid or does not exist');
  env['STINT_TOKEN'] = (await stint('read -wrap-ttl=5m -field=wrapping_token sys/policies/acl/default')).out;
  assert.equal((await stint('unwrap -field=name')).out, 'default');
});

test('answers come as a table, JSON or YAML', async (t) => {
  const { stint, env } = await terminal(t);
  await stint('login root');
  assert.match((await stint('token lookup -format=yaml')).out, /^ {2}display_name: token$/m);
  assert.equal(
    (JSON.parse((await stint('token lookup --json')).out) as { data: { type: string } }).data.type,
    'service',
  );
  env['VAULT_FORMAT'] = 'json';
  assert.equal((JSON.parse((await stint('policy list --format json')).out) as string[])[0], 'default');
  assert.equal(
    (JSON.parse((await stint('token lookup')).out) as { data: { path: string } }).data.path,
    'auth/token/create',
  );
});

describe('login', () => {
  test('with -no-store and -token-only keeps nothing', async (t) => {
    const { stint, home } = await terminal(t);
    assert.equal((await stint('login -token-only root')).out, 'root\n');
    assert.match((await stint('login -no-store root')).err, /^logged in as token/);
    assert.throws(() => statSync(join(home, '.vault-token')));
    assert.equal((await stint('login', '\n')).failure?.code, 'token-missing');
    assert.equal((await stint('login -method=smoke')).failure?.code, 'invalid-option');
  });

  test('with -method=userpass asks for the password on standard input, and keeps the token', async (t) => {
    const { stint, home } = await terminal(t);
    await stint('login root');
    assert.match((await stint('auth enable userpass')).err, /^enabled userpass at userpass\/$/m);
    await stint('write auth/userpass/users/alice password=hunter2 token_policies=default');
    const done = await stint('login -method=userpass username=alice', 'hunter2\n');
    assert.match(done.out, /^token_policies +\["default"\]$/m);
    assert.match(done.out, /^token_meta_username +alice$/m);
    assert.match((await stint('token lookup -field=display_name')).out, /^userpass-alice$/);
    assert.equal(statSync(join(home, '.vault-token')).mode & 0o777, 0o600);
    const wrong = await stint('login -method=userpass username=alice', 'wrong\n');
    assert.deepEqual([wrong.code, wrong.failure?.message], [1, 'invalid username or password']);
    assert.ok(!JSON.stringify([done, wrong]).includes('hunter2'));
    assert.match((await stint('login -method=userpass -token-only username=alice', 'hunter2')).out, /^hvs\.\S+\n$/);
  });

  test('with -method=approle takes the secret id from a file or standard input', async (t) => {
    const { stint, home } = await terminal(t);
    await stint('login root');
    await stint('auth enable -path=machines approle');
    await stint('write auth/machines/role/ci token_policies=default');
    const role = (await stint('read -field=role_id auth/machines/role/ci/role-id')).out;
    const secret = (await stint('write -f -field=secret_id auth/machines/role/ci/secret-id')).out;
    writeFileSync(join(home, 'secret-id'), secret);
    for (const [given, stdin] of [
      ['secret_id=@secret-id', ''],
      ['', secret],
    ] as const) {
      const words = ['login', '-method=approle', '-path=machines', '-no-store', `role_id=${role}`, given];
      const done = await stint(
        words.filter((word) => word !== ''),
        stdin,
      );
      assert.match(done.out, /^token_meta_role_name +ci$/m);
    }
  });

  test('with -method=aws signs a GetCallerIdentity that STS accepts', async (t) => {
    const { cloud } = await testCloud((end) => t.after(end));
    const { accessKeyId, secretAccessKey, arn } = cloud.credentials.accounts[account]!;
    const env = {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_REGION: 'us-east-1',
    };
    const { io } = collectingIo({ cwd: '/', env });
    const body = await awsLoginBody(io, { role: 'deploy', serverId: 'vault.example.com' });
    assert.equal(body['role'], 'deploy');
    const text = (name: string): string => Buffer.from(body[name]!, 'base64').toString('utf8');
    const headers = JSON.parse(text('iam_request_headers')) as Record<string, string>;
    assert.match(headers['authorization']!, /SignedHeaders=[^,]*x-vault-aws-iam-server-id/);
    const { host: _, 'content-length': __, ...sent } = headers;
    const answer = await fetch(text('iam_request_url'), {
      method: body['iam_http_request_method']!,
      headers: sent,
      body: text('iam_request_body'),
    });
    assert.equal(answer.status, 200);
    assert.ok((await answer.text()).includes(`<Arn>${arn}</Arn>`));
  });
});

test('an audit device is enabled, listed, disabled, and its file verified without a server', async (t) => {
  const { stint, home } = await terminal(t);
  await stint('login root');
  assert.equal((await stint('audit list')).out, '');
  const file = join(home, 'audit.log');
  assert.match(
    (await stint(`audit enable -path=main file file_path=${file}`)).err,
    /^enabled the audit device file at main\/$/m,
  );
  assert.match((await stint('audit list -detailed')).out, new RegExp(`^main/ +file {2}file_path=${file}$`, 'm'));
  const { out: key } = await stint('read -field=key stint/audit/main');
  await stint('audit disable main');
  const good = await stint(`audit verify --key ${key} audit.log`);
  assert.equal(good.code, 0);
  assert.match(good.out, /^intact: \d+ lines, numbers 1 to \d+, signed up to \d+$/m);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  writeFileSync(file, `${lines.slice(0, -1).join('\n')}\n`);
  const short = await stint('audit verify audit.log');
  assert.equal(short.code, 1);
  assert.match(short.out, /^broken at the last file:\d+: the end is missing/m);
  writeFileSync(
    file,
    [lines[0], lines[1]!.replace('"type":"response"', '"type":"request"'), ...lines.slice(2), ''].join('\n'),
  );
  assert.match((await stint('audit verify audit.log')).out, /^broken at audit\.log:2: its signature is wrong$/m);
  assert.equal((await stint('audit verify nothing.log')).failure?.code, 'file-unreadable');
  assert.equal((await stint('audit verify --head nonsense audit.log')).failure?.code, 'invalid-option');
});

test('auth methods are listed, and an unknown one is refused in the server’s words', async (t) => {
  const { stint } = await terminal(t);
  await stint('login root');
  assert.match((await stint('auth list')).out, /^token\/ +token {2}token based credentials$/m);
  assert.match((await stint('auth enable smoke')).failure!.message, /plugin not found in the catalog/);
  assert.equal((await stint('auth')).failure?.code, 'usage');
});

test('an engine moves with what it keeps', async (t) => {
  const { stint } = await terminal(t);
  await stint('login root');
  await stint('secrets enable aws');
  await stint('write aws/config/lease lease=30m lease_max=1h');
  assert.match((await stint('secrets move aws/ team/aws')).err, /^moved aws\/ to team\/aws\/$/m);
  assert.match((await stint('read team/aws/config/lease')).out, /^lease +30m0s$/m);
  assert.match((await stint('secrets list --detailed')).out, /^team\/aws\/ +aws {2}aws_[0-9a-f]{8}/m);
});

test('a path says what it is for', async (t) => {
  const { stint } = await terminal(t);
  await stint('login root');
  assert.notEqual((await stint('path-help sys/policies/acl')).out.trim(), '');
});

test('switches take values as Go’s flags do, and nothing is written by mistake', async (t) => {
  const { stint } = await terminal(t);
  await stint('login root');
  assert.match((await stint('lease revoke -sync=false aws/creds/x/none')).err, /its end is recorded/);
  assert.match((await stint('lease revoke -sync aws/creds/x/none')).err, /^revoked/m);
  assert.equal((await stint('lease revoke -prefix=maybe aws')).failure?.code, 'usage');
  assert.equal(
    (await stint('write sys/mounts/aws')).failure?.hint,
    'give `k=v`, or `--force` when the path takes none',
  );
  assert.equal((await stint('write -f sys/mounts/aws')).failure?.message, 'backend type must be specified as a string');
  assert.match((await stint(['write', 'sys/mounts/aws', '-'], '{"type": "aws"}')).err, /^written/m);
});

test('a server with a certificate of one’s own is trusted when it is named, by option or environment', async (t) => {
  const fixtures = join(import.meta.dirname, '../broker/fixtures/tls');
  const [cert, key] = [join(fixtures, 'one.crt'), join(fixtures, 'one.key')];
  const { stint, env } = await terminal(t, { http: { ...defaultHttpOptions, tls: { cert, key, minVersion: '1.2' } } });
  const unknown = await stint('status');
  assert.match(
    unknown.failure!.message,
    /^the certificate of `https:.*` is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/,
  );
  assert.match(unknown.failure!.hint!, /--ca-cert/);
  assert.equal((await stint(`status -ca-cert=${cert}`)).code, 0);
  assert.equal((await stint('status -tls-skip-verify')).code, 0);
  env['VAULT_CACERT'] = join(fixtures, 'two.crt');
  assert.equal((await stint('status')).failure?.code, 'server-unreachable');
  env['VAULT_CACERT'] = cert;
  assert.equal((await stint('login root')).code, 0);
  assert.equal((await stint('list sys/policies/acl')).code, 0);
  env['VAULT_CACERT'] = '/none';
  assert.equal((await stint('status')).failure?.code, 'file-unreadable');
});
