import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runStint } from './support.ts';
import { terminal } from './terminal.ts';

test('login keeps the token for its owner only, and never shows it', async (t) => {
  const { stint } = await terminal(t);
  const done = await stint('login', 'root\n');
  assert.equal(done.failure, undefined);
  const file = /kept in (\S+)$/m.exec(done.err)![1]!;
  assert.equal(readFileSync(file, 'utf8'), 'root');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const wrong = await stint('login', 'hunter2\n');
  assert.equal(wrong.failure?.code, 'server-refused');
  assert.equal(wrong.failure?.message, 'permission denied');
  assert.notEqual(wrong.failure?.hint, undefined);
  assert.equal(readFileSync(file, 'utf8'), 'root');
  // A folder in its place cannot be written, whoever runs the test.
  rmSync(file);
  mkdirSync(file);
  assert.equal((await stint('login', 'root\n')).failure?.code, 'token-unwritable');
});

test('the verbs do what people know them for', async (t) => {
  const { stint } = await terminal(t);
  await stint('login', 'root');
  assert.match((await stint('status')).out, /^sealed +false$/m);
  assert.match((await stint('secrets enable aws --path team/aws')).err, /enabled aws at team\/aws\//);
  assert.match((await stint('secrets list')).out, /^team\/aws\/ +aws$/m);
  await stint('write team/aws/config/lease lease=30m lease_max=1h');
  assert.match((await stint('read team/aws/config/lease')).out, /^lease +30m0s$/m);
  await stint('write team/aws/roles/b credential_type=iam_user iam_groups=x iam_groups=y');
  await stint('write team/aws/roles/a credential_type=iam_user');
  assert.equal((await stint('list team/aws/roles')).out, 'a\nb\n');
  const read = await stint('read team/aws/roles/b --json');
  assert.deepEqual((JSON.parse(read.out) as { data: { iam_groups: string[] } }).data.iam_groups, ['x', 'y']);
  await stint('delete team/aws/roles/a');
  assert.equal((await stint('list team/aws/roles')).out, 'b\n');
  assert.equal((await stint('lease list team/aws')).failure?.code, 'not-found');
  assert.equal((await stint('lease revoke team/aws/creds/b/none')).failure, undefined);
  assert.match((await stint('lease revoke --force --prefix team/aws/')).err, /^forgotten: team/);
  assert.equal((await stint('lease revoke --force team/aws')).failure?.code, 'usage');
  await stint('secrets tune team/aws --description lent --max-lease-ttl 2h');
  assert.match((await stint('secrets list')).out, /^team\/aws\/ +aws {2}lent$/m);
  await stint('secrets disable team/aws/');
  assert.equal(
    (await stint('read team/aws/roles/b')).failure?.message,
    'no handler for route "team/aws/roles/b". route entry not found.',
  );
});

test('values may come from files and standard input', async (t) => {
  const { stint } = await terminal(t);
  const file = /kept in (\S+)$/m.exec((await stint('login', 'root')).err)![1]!;
  await stint('secrets enable aws');
  const document = '{"Statement":[]}';
  writeFileSync(join(file, '../policy.json'), document);
  await stint('write aws/roles/x credential_type=iam_user policy_document=@policy.json');
  assert.match((await stint('read aws/roles/x')).out, /^policy_document +\{"Statement":\[\]\}$/m);
  await stint('write aws/roles/y credential_type=iam_user policy_document=-', document);
  assert.match((await stint('read aws/roles/y')).out, /^policy_document +\{"Statement":\[\]\}$/m);
  assert.equal((await stint('write aws/roles/x policy_document=@none.json')).failure?.code, 'file-unreadable');
  assert.equal((await stint('write aws/roles/x nonsense')).failure?.code, 'value-invalid');
});

test('a role with a misprinted ARN is refused in one line that names the right one', async (t) => {
  const { stint } = await terminal(t);
  await stint('login', 'root');
  await stint('secrets enable aws');
  const { failure } = await stint(
    'write aws/roles/s3 credential_type=iam_user policy_arns=arn:aws:iam:aws:policy/AmazonS3FullAccess',
  );
  assert.match(failure!.message, /did you mean `arn:aws:iam::aws:policy\/AmazonS3FullAccess`\?$/);
  assert.ok(!failure!.message.includes('\n'));
});

test('no server, and no address, are told apart', async () => {
  const run = async (address: string): Promise<string> =>
    (await runStint(['status'], { cwd: '/', env: { STINT_ADDR: address, HOME: '/nonexistent' } })).stderr;
  assert.match(await run('http://127.0.0.1:1'), /^error\[server-unreachable\]/);
  assert.match(await run('nowhere'), /^error\[address-invalid\]/);
});
