// Grants of keys in live answers: what is answered is what the call gets, also where it hangs on the request. The grants
// stand in test/cases/access/live.json; how one is read as a policy in test/cases/access/key-grants.json.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { KMS } from '@aws-sdk/client-kms';
import { readLive } from '../../src/access/index.ts';
import { grantPolicy, type KeyGrant } from '../../src/access/key-grants.ts';
import type { AwsAccounts } from '../../src/aws/index.ts';
import { can, Directory, parsePolicy, type Question } from '../../src/policy/index.ts';
import { cases, documentOf, ids, LiveWorld, scope } from './live-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-live-grants-'));
let world: LiveWorld;
let accounts: AwsAccounts;

before(async () => {
  world = await LiveWorld.start(folder);
  accounts = world.accounts();
});
after(async () => {
  await world.cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

const kmsOf = (principal: string): KMS => new KMS(world.options(world.sessions.get(principal)!));

interface ReadCase {
  readonly name: string;
  readonly grant: KeyGrant;
  readonly statements: readonly object[];
}

const source = new URL('../cases/access/key-grants.json', import.meta.url);

for (const { name, grant, statements } of JSON.parse(readFileSync(source, 'utf8')) as readonly ReadCase[]) {
  test(`a grant as a policy: ${name}`, () => {
    const { name: named, document } = grantPolicy(grant);
    assert.equal(named, `grant ${grant.GrantId}`);
    assert.deepEqual(document!.Statement, statements);
    assert.deepEqual(parsePolicy(JSON.stringify(document), 'resource').problems, []);
  });
}

/** The details that answer questions about a key, whoever asks. */
async function directoryOf(key: string, principal?: string) {
  const asked = { action: 'kms:Decrypt', principal, resource: world.arnOf(`alias/${key}`), hasPolicy: false };
  const { details, resource, resourceAccount, unread } = await readLive(scope, accounts, asked);
  assert.deepEqual(unread, []);
  return { details, directory: new Directory(details), resource, resourceAccount };
}

/** Refused, or carried out, or found to be permitted. */
async function isAllowed(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    const name = error instanceof Error ? error.name : String(error);
    assert.match(name, /^(?:AccessDeniedException|DryRunOperationException)$/, String(error));
    return name === 'DryRunOperationException';
  }
}

type Granted = (typeof cases.granted)[number];

/** The condition keys of a request. */
function keysOf({ context, grant }: Granted): Pick<Question, 'context' | 'absent'> {
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset } = grant?.Constraints ?? {};
  const pairs = Object.entries(context ?? equals ?? subset ?? {});
  const type = equals === undefined ? 'EncryptionContextSubset' : 'EncryptionContextEquals';
  const made = {
    'kms:GrantOperations': grant?.Operations ?? [],
    ...(pairs.length === 0 ? {} : { 'kms:GrantConstraintType': type }),
  };
  const told = {
    ...Object.fromEntries(pairs.map(([name, value]) => [`kms:EncryptionContext:${name}`, value])),
    ...(pairs.length === 0 ? {} : { 'kms:EncryptionContextKeys': pairs.map(([name]) => name) }),
    ...(grant === undefined ? {} : made),
  };
  const asked = ['kms:EncryptionContext:Department', 'kms:EncryptionContextKeys', 'kms:GrantConstraintType'];
  return { context: told, absent: asked.filter((key) => !(key in told)) };
}

function call({ principal, action, context, grant }: Granted, KeyId: string): Promise<unknown> {
  const kms = kmsOf(principal);
  const GranteePrincipal = `arn:aws:iam::${ids['dev']}:role/idle`;
  switch (action) {
    case 'kms:CreateGrant':
      return kms.createGrant({ KeyId, GranteePrincipal, ...grant!, DryRun: true });
    case 'kms:DescribeKey':
      return kms.describeKey({ KeyId });
    case 'kms:GenerateDataKey':
      return kms.generateDataKey({ KeyId, KeySpec: 'AES_256', EncryptionContext: { ...context } });
  }
  return kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: 'AES_256', EncryptionContext: { ...context } });
}

test('what a grant allows under constraints, and to one session, is what the call gets', async () => {
  for (const asked of cases.granted) {
    const { principal, session, action, answer } = asked;
    const [account = '', role] = principal.split('/');
    const named = session === undefined ? principal : `arn:aws:sts::${ids[account]}:assumed-role/${role}/${session}`;
    const { directory, ...question } = await directoryOf('dev-context', principal);
    const told = can(directory, directory.find(named), { action, ...question, ...keysOf(asked) });
    assert.equal(told.answer, answer, `${JSON.stringify(asked)}: ${JSON.stringify(told)}`);
    assert.equal(await isAllowed(call(asked, question.resource)), answer === 'allowed', JSON.stringify(asked));
  }
});

test('where the request is not told, the answer hangs on it', async () => {
  const { directory, ...question } = await directoryOf('dev-context');
  const needs = (principal: string, action: string) => {
    const told = can(directory, directory.find(principal), { action, ...question });
    assert.equal(told.answer, 'depends', JSON.stringify(told));
    assert.equal(told.unreadOnly, false);
    return told.keys;
  };
  assert.deepEqual(needs('dev/idle', 'kms:GenerateDataKey'), ['kms:EncryptionContext:Department']);
  assert.deepEqual(needs('central/worker', 'kms:GenerateDataKey'), [
    'kms:EncryptionContext:Department',
    'kms:EncryptionContextKeys',
  ]);
  assert.deepEqual(needs('dev/idle', 'kms:CreateGrant'), ['kms:EncryptionContext:Department', 'kms:GrantOperations']);
  assert.deepEqual(needs('dev/bounded', 'kms:GenerateDataKeyWithoutPlaintext'), ['aws:userid']);
});

test('who may retire a grant is whom a grant of the key lets, and no policy of the key', async () => {
  const KeyId = world.keyArn('dev-context');
  const { Grants = [] } = await new KMS(world.options(world.admin('dev'))).listGrants({ KeyId });
  const allowed: string[] = [];
  for (const principal of Object.keys(cases.roles)) {
    const { directory, ...question } = await directoryOf('dev-context', principal);
    const told = can(directory, directory.find(principal), { action: 'kms:RetireGrant', ...question });
    const tried = Grants.map(({ GrantId }) =>
      isAllowed(kmsOf(principal).retireGrant({ KeyId, GrantId, DryRun: true })),
    );
    const may = (await Promise.all(tried)).includes(true);
    assert.equal(told.answer, may ? 'allowed' : 'denied', `${principal}: ${JSON.stringify(told)}`);
    if (may) allowed.push(principal);
  }
  assert.deepEqual(allowed, ['central/worker', 'dev/worker', 'prod/worker']);
});

test('the grants of every page count', async () => {
  const kms = new KMS(world.options(world.admin('prod')));
  const { KeyMetadata } = await kms.createKey({});
  const { Arn: KeyId = '' } = KeyMetadata!;
  const GranteePrincipal = `arn:aws:iam::${ids['prod']}:root`;
  for (let made = 0; made < 101; made += 1) {
    await kms.createGrant({ KeyId, GranteePrincipal, Operations: ['DescribeKey'] });
  }
  const asked = { action: 'kms:Decrypt', principal: 'prod/worker', resource: KeyId, hasPolicy: false };
  const { details } = await readLive(scope, accounts, asked);
  const [policy] = details.accounts.flatMap(({ resourcePolicies = [] }) => resourcePolicies);
  assert.equal(new Set(policy!.grants!.map(({ name }) => name)).size, 101);
});

test('`who-can --live` tells whom a grant lets, and grants count beside a policy that is given', async () => {
  const key = world.arnOf('alias/dev-granted');
  const ways = await world.stint(world.admin('central'), ['who-can', 'kms:GenerateDataKey', key, '--live']);
  assert.equal(ways.code, 0, ways.stderr);
  assert.equal(ways.stderr, '');
  assert.match(ways.stdout, /^role arn:aws:iam::222222222222:role\/idle$/m);
  assert.doesNotMatch(ways.stdout, /role\/bounded/);
  const file = join(folder, 'key.json');
  writeFileSync(file, documentOf({ Effect: 'Allow', Principal: { AWS: ids['prod'] }, Action: 'kms:*', Resource: '*' }));
  const given = (principal: string) => {
    const args = ['can', principal, 'kms:GenerateDataKey', key, '--live', '--resource-policy', file];
    return world.stint(world.admin('central'), args);
  };
  const [idle, worker] = [await given('dev/idle'), await given('dev/worker')];
  assert.match(idle.stdout, /^allowed by statement 1 of grant [0-9a-f]{64} \(/);
  assert.equal(worker.stdout, 'denied: no resource-based policy allows it\n');
});

test('a key of an account that is not entered may be granted to whom no policy lets', async () => {
  const file = join(folder, 'one.json');
  const dev = { id: ids['dev'], stage: 'dev' };
  writeFileSync(file, JSON.stringify({ version: 1, accounts: { dev } }));
  const args = ['--live', '--config', file, '--json'];
  const ask = async (action: string) => {
    const asked = ['can', 'dev/idle', action, world.keyArn('prod-shared'), ...args];
    const { stdout } = await world.stint(world.admin('dev'), asked);
    const { answer, findings } = JSON.parse(stdout) as { answer: string; findings: readonly { code: string }[] };
    return [answer, ...findings.map(({ code }) => code)];
  };
  // The grants may allow it, and the policy and the guard rails deny it.
  assert.deepEqual((await ask('kms:GenerateDataKey')).toSorted(), [
    'depends',
    'guardrails-unread',
    'guardrails-unread',
    'key-grants-unread',
    'resource-policy-unread',
  ]);
  // No grant can allow this, and no policy of the role does.
  assert.deepEqual(await ask('kms:GetKeyRotationStatus'), ['denied']);
});
