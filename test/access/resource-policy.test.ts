// Policies of resources in the answers of `can` and `who-can`: given as a file they count, and where nobody gave one that
// may be there, the answer says so.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runStint, type Finished } from '../cli/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-resource-policy-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const stint = (...args: readonly string[]): Promise<Finished> => runStint(args, { cwd: folder, env: {} });
const reader = (account: string): string => `arn:aws:iam::${account}:role/reader`;
const [dev, test2] = ['222222222222', '333333333333'];
const key = `arn:aws:kms:eu-west-1:${dev}:key/11111111-1111-1111-1111-111111111111`;

function write(name: string, ...Statement: readonly object[]): string {
  writeFileSync(join(folder, name), JSON.stringify({ Version: '2012-10-17', Statement }));
  return name;
}

before(() => {
  const statements = [{ Effect: 'Allow', Action: ['s3:GetObject', 'kms:Decrypt'], Resource: '*' }];
  writeFileSync(
    join(folder, 'stint.config.json'),
    JSON.stringify({
      version: 1,
      accounts: {
        central: { id: '111111111111', stage: 'central', central: true },
        dev: { id: dev, stage: 'dev' },
        test: { id: test2, stage: 'test' },
      },
      groups: { developers: {} },
      people: { alice: { groups: ['developers'] } },
      roles: {
        reader: { in: ['dev', 'test'], trust: [{ group: 'developers' }], statements },
        idle: { in: ['dev'], trust: [{ service: 'lambda.amazonaws.com' }] },
      },
    }),
  );
});

test('a bucket whose policy nobody gave is answered with a note, and with the policy without one', async () => {
  const asked = ['can', 'dev/reader', 's3:GetObject', 'arn:aws:s3:::shop/x', '--resource-account', dev] as const;
  const open = await stint(...asked);
  assert.match(open.stdout, /^allowed by /);
  assert.match(open.stderr, /^note: a policy of arn:aws:s3:::shop itself is not read: .*`--resource-policy FILE`/);
  const deny = { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::shop/*' };
  const closed = await stint(...asked, '--resource-policy', write('deny.json', deny));
  assert.equal(closed.code, 1);
  assert.match(closed.stdout, /^denied by statement 1 of arn:aws:s3:::shop \(resource-based policy/);
  assert.equal(closed.stderr, '');
  const { resourcePolicy } = JSON.parse((await stint(...asked, '--json')).stdout) as { resourcePolicy: string };
  assert.equal(resourcePolicy, 'unread');
});

test('the policy of a bucket lets in a role that has no policy of its own', async () => {
  const allow = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${dev}:role/idle` },
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::shop/*',
  };
  const args = ['arn:aws:s3:::shop/x', '--resource-account', dev, '--resource-policy', write('allow.json', allow)];
  assert.equal((await stint('can', 'dev/idle', 's3:GetObject', ...args)).code, 0);
  const { stdout, stderr } = await stint('who-can', 's3:GetObject', ...args);
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    `role ${reader(dev)}`,
    `role arn:aws:iam::${dev}:role/idle`,
    'user arn:aws:iam::111111111111:user/alice  through 222222222222:reader  with MFA of the last 8h',
    'service lambda.amazonaws.com  through 222222222222:idle',
  ]);
  assert.match(stderr, /^hint: what is known of the request tells more: --context aws:MultiFactorAuthPresent=… /m);
  assert.doesNotMatch(stderr, /note:/);
});

test('those who hang on a policy that is not known are one line, and `--full` lists them', async () => {
  const folded = await stint('who-can', 'kms:Decrypt', key);
  assert.equal(folded.code, 0);
  assert.deepEqual(folded.stdout.trimEnd().split('\n'), [
    `perhaps 5 more, if policy of ${key}, which is not known, lets them: role reader in 2 accounts, role idle, user alice, service lambda.amazonaws.com`,
  ]);
  assert.match(
    folded.stderr,
    /^hint: `--resource-policy FILE` gives the policy of arn:aws:kms:.*`--full` lists everybody/m,
  );
  assert.equal((await stint('who-can', 'kms:Decrypt', key, '--full')).stdout.trimEnd().split('\n').length, 5);
  const own = { Effect: 'Allow', Principal: { AWS: dev }, Action: 'kms:*', Resource: '*' };
  const known = await stint('who-can', 'kms:Decrypt', key, '--resource-policy', write('key.json', own));
  assert.deepEqual(known.stdout.trimEnd().split('\n'), [
    `role ${reader(dev)}`,
    'user arn:aws:iam::111111111111:user/alice  through 222222222222:reader  with MFA of the last 8h',
  ]);
  const { ways } = JSON.parse((await stint('who-can', 'kms:Decrypt', key, '--json')).stdout) as {
    ways: readonly { actor: { id: string }; unknownPolicies: string[]; keys: string[] }[];
  };
  assert.deepEqual(
    ways.map(({ unknownPolicies }) => unknownPolicies),
    ways.map(() => [`policy of ${key}`]),
  );
  assert.deepEqual(ways.find(({ actor }) => actor.id.endsWith('user/alice'))!.keys, [
    'aws:MultiFactorAuthPresent',
    'aws:MultiFactorAuthAge',
  ]);
});

test('what the asker tells with `--context` is asked for no more', async () => {
  const context = ['--context', 'aws:MultiFactorAuthPresent=true', 'aws:MultiFactorAuthAge=60'];
  const { stdout, stderr } = await stint('who-can', 'sts:AssumeRole', reader(dev), ...context);
  assert.equal(stdout, 'user arn:aws:iam::111111111111:user/alice\n');
  assert.equal(stderr, '');
});

test('a policy of a resource that is none, or whose owner nobody tells, is refused', async () => {
  const can = ['can', 'dev/reader', 's3:GetObject', 'arn:aws:s3:::shop/x', '--resource-policy'];
  const statement = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: '*' };
  const orphan = await stint(...can, write('good.json', statement));
  assert.match(orphan.stderr, /^error\[value-invalid\]: .*whose it is\nhint: .*`--resource-account ID`/);
  const bad = await stint(...can, write('bad.json', { Effect: 'Allow', Principle: '*', Action: 's3:GetObject' }));
  assert.match(bad.stderr, /^error\[policy-file-invalid\]: .*bad\.json:1:\d+: /);
  writeFileSync(join(folder, 'other.json'), '{"hello": 1}');
  assert.match((await stint(...can, 'other.json')).stderr, /^error\[policy-file-invalid\]: `other\.json` is no policy/);
  assert.match((await stint(...can, 'missing.json')).stderr, /^error\[policy-file-invalid\]: cannot read /);
});
