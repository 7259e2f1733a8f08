// What live answers say is what the call gets: policies of resources, guard rails at every level, boundaries, keys. The
// table is test/cases/access/live.json.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { KMS } from '@aws-sdk/client-kms';
import { S3 } from '@aws-sdk/client-s3';
import { readLive } from '../../src/access/index.ts';
import { readGuardrails, type Levels, type LiveGuardrails } from '../../src/access/live-guardrails.ts';
import { guardrailKinds } from '../../src/access/observe-organization.ts';
import { openAccounts, type AwsAccounts } from '../../src/aws/index.ts';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { can, Directory, type CanAnswer } from '../../src/policy/index.ts';
import { cases, documentOf, ids, LiveWorld, scope, type Keys } from './live-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-live-'));
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

// A delete stands last, so that what others read is still there.
type Call = (keys: Keys, arn: string) => Promise<unknown>;

/** A client for each session: making one costs more than most calls. */
function once<Client>(make: (keys: Keys) => Client): (keys: Keys) => Client {
  const made = new Map<Keys, Client>();
  return (keys) => {
    const client = made.get(keys) ?? make(keys);
    made.set(keys, client);
    return client;
  };
}
const s3Of = once((keys) => new S3(world.options(keys)));
const kmsOf = once((keys) => new KMS(world.options(keys)));
const dynamodbOf = once((keys) => new DynamoDB(world.options(keys)));

const s3Call =
  (call: (s3: S3, input: { readonly Bucket: string; readonly Key: string }) => Promise<unknown>): Call =>
  (keys, arn) =>
    call(s3Of(keys), { Bucket: arn.split(':').at(-1)!.split('/')[0]!, Key: 'x' });
const kmsCall =
  (call: (kms: KMS, KeyId: string) => Promise<unknown>): Call =>
  (keys, arn) =>
    call(kmsOf(keys), world.keyArn(arn.slice(arn.lastIndexOf('/') + 1)));
const Key = { id: { S: '1' } };
const tableCall =
  (call: (dynamodb: DynamoDB, TableName: string) => Promise<unknown>): Call =>
  (keys, arn) =>
    call(dynamodbOf(keys), arn);

const calls: Readonly<Record<'buckets' | 'keys' | 'tables', Readonly<Record<string, Call>>>> = {
  buckets: {
    's3:GetObject': s3Call((s3, input) => s3.getObject(input)),
    's3:PutObject': s3Call((s3, input) => s3.putObject({ ...input, Body: 'x' })),
    's3:DeleteObject': s3Call((s3, input) => s3.deleteObject(input)),
  },
  keys: {
    'kms:DescribeKey': kmsCall((kms, KeyId) => kms.describeKey({ KeyId })),
    'kms:Encrypt': kmsCall((kms, KeyId) => kms.encrypt({ KeyId, Plaintext: Buffer.from('x') })),
    'kms:GenerateDataKey': kmsCall((kms, KeyId) => kms.generateDataKey({ KeyId, KeySpec: 'AES_256' })),
    'kms:GetKeyRotationStatus': kmsCall((kms, KeyId) => kms.getKeyRotationStatus({ KeyId })),
    'kms:UpdateKeyDescription': kmsCall((kms, KeyId) => kms.updateKeyDescription({ KeyId, Description: 'x' })),
  },
  tables: {
    'dynamodb:GetItem': tableCall((dynamodb, TableName) => dynamodb.getItem({ TableName, Key })),
    'dynamodb:PutItem': tableCall((dynamodb, TableName) => dynamodb.putItem({ TableName, Item: Key })),
    'dynamodb:DeleteItem': tableCall((dynamodb, TableName) => dynamodb.deleteItem({ TableName, Key })),
  },
};

async function isAllowed(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    assert.ok(error instanceof Error && /^AccessDenied(?:Exception)?$/.test(error.name), String(error));
    return false;
  }
}

/** What is answered about each of the actions, of what AWS showed at one time. */
async function answers(principal: string, asked: string, actions: readonly string[]): Promise<readonly CanAnswer[]> {
  const question = { action: actions[0]!, principal, resource: asked, hasPolicy: false };
  const { details, resource, resourceAccount, unread, findings } = await readLive(scope, accounts, question);
  assert.deepEqual([unread, findings], [[], []]);
  const directory = new Directory(details);
  const subject = directory.find(principal);
  return actions.map((action) => can(directory, subject, { action, resource, resourceAccount }));
}

const things = {
  buckets: Object.keys(cases.buckets).map((name) => `arn:aws:s3:::${name}/x`),
  // What of `dev-context` is allowed hangs on the request: live-grants.test.ts asks.
  keys: Object.keys(cases.keys).flatMap((name) => (name === 'dev-context' ? [] : [`alias/${name}`])),
  tables: Object.keys(cases.tables).map((name) => `table/${name}`),
} as const;

/** What is worth asking about: of two accounts only how they stand to their own and to one that is shared. */
function isAsked(principal: string, arn: string): boolean {
  const [account = ''] = principal.split('/');
  return !['central', 'test'].includes(account) || arn.includes(`${account}-`) || arn.includes('prod-shared');
}

for (const kind of ['buckets', 'keys', 'tables'] as const) {
  test(`what is answered about ${kind} is what the call gets`, async () => {
    const seen = { allowed: 0, denied: 0 };
    for (const principal of Object.keys(cases.roles)) {
      const asked = things[kind].map((thing) => world.arnOf(thing)).filter((arn) => isAsked(principal, arn));
      for (const arn of asked) {
        for (const told of await answers(principal, arn, Object.keys(calls[kind]))) {
          const call = calls[kind][told.action]!(world.sessions.get(principal)!, arn);
          const expected = (await isAllowed(call)) ? 'allowed' : 'denied';
          assert.equal(told.answer, expected, `${principal} ${arn}: ${JSON.stringify(told)}`);
          seen[expected] += 1;
        }
      }
    }
    assert.ok(seen.allowed >= 6 && seen.denied >= 6, JSON.stringify(seen));
  });
}

test('the policies that a session is made with bound what is answered of it, as they bound the session', async () => {
  const file = join(folder, 'session.json');
  const statement = {
    Effect: 'Allow',
    Action: 's3:GetObject',
    Resource: ['arn:aws:s3:::dev-open/*', 'arn:aws:s3:::dev-org/*'],
  };
  writeFileSync(file, documentOf(statement));
  const seen = new Set<string>();
  for (const role of ['worker', 'idle']) {
    const arn = `arn:aws:iam::${ids['dev']}:role/${role}`;
    const session = await world.sessionOf(world.admin('central'), arn, documentOf(statement));
    for (const bucket of ['dev-plain', 'dev-open', 'dev-org', 'prod-shared']) {
      const thing = `arn:aws:s3:::${bucket}/x`;
      const args = ['can', `dev/${role}`, 's3:GetObject', thing, '--live', '--session-policy', file];
      const { code, stdout } = await world.stint(world.admin('central'), args);
      const expected = (await isAllowed(calls.buckets['s3:GetObject']!(session, thing))) ? 0 : 1;
      assert.equal(code, expected, `${role} ${bucket}: ${stdout}`);
      seen.add(stdout.split(' by ', 1)[0]!.trim());
    }
  }
  assert.deepEqual([...seen].toSorted(), [
    'allowed',
    'denied: no identity-based policy allows it',
    'denied: no session policy allows it',
  ]);
  const user = await world.stint(world.admin('central'), [
    'can',
    'central/admin',
    's3:GetObject',
    '*',
    '--live',
    '--session-policy',
    file,
  ]);
  assert.match(user.stderr, /^error\[value-invalid\]: .* is no role/);
});

test('a run that is broken off while it waits ends, and takes nothing for unread', async () => {
  const throttle = async (service: string, operation: string): Promise<void> => {
    const error = { code: 'ThrottlingException', status: 400 };
    const answer = await fetch(`${world.cloud.endpoint}/_stint/faults`, {
      method: 'POST',
      headers: { 'x-stint-control': world.cloud.controlToken, 'content-type': 'application/json' },
      body: JSON.stringify({ service, operation, when: 'before', count: 1, error }),
    });
    assert.ok(answer.ok);
  };
  const [clock, random] = [systemClock, systemRandom];
  const sleep = (): Promise<void> => Promise.reject(new DOMException('broken off', 'AbortError'));
  const env = world.env(world.admin('central'));
  const asked = { action: 'kms:Decrypt', principal: 'dev/worker', hasPolicy: false };
  const calls = [
    ['kms', 'GetKeyPolicy'],
    ['kms', 'ListGrants'],
    ['organizations', 'ListRoots'],
    ['organizations', 'ListParents'],
  ] as const;
  for (const [service, operation] of calls) {
    await throttle(service, operation);
    const resource = world.arnOf('alias/dev-usual');
    const broken = readLive(scope, openAccounts({ env, clock, random, sleep }), { ...asked, resource });
    await assert.rejects(broken, { name: 'AbortError' }, operation);
  }
});

test('guard rails of many accounts are read in fewer calls, and are the same', async () => {
  const everyone = new Set(Object.values(ids));
  const orderless = ({ byAccount }: LiveGuardrails): unknown =>
    [...byAccount].map(([id, bound]) => {
      assert.equal(bound.why, undefined, id);
      const names = (levels: Levels): string[][] => levels.map((level) => level.map((it) => JSON.stringify(it)).sort());
      return 'scps' in bound ? [id, names(bound.scps), names(bound.rcps)] : [];
    });
  const wanted = new Map([...everyone].map((id) => [id, guardrailKinds]));
  const one = await readGuardrails(accounts, wanted, everyone);
  const all = await readGuardrails(accounts, wanted, everyone, 1);
  assert.deepEqual(orderless(all), orderless(one));
  assert.equal(all.organization, 'o-stintlocal');
  const { scps, rcps } = all.byAccount.get(ids['dev']!) as { scps: Levels; rcps: Levels };
  assert.deepEqual(
    scps.map((level) => level.map(({ name = '' }) => name).sort()),
    [
      ['FullAWSAccess', 'no-deletes'],
      ['FullAWSAccess'],
      ['FullAWSAccess', 'no-encrypt'],
      ['FullAWSAccess', 'no-items'],
    ],
  );
  assert.deepEqual(
    rcps.map((level) => level.map(({ name }) => name)),
    [['RCPFullAWSAccess'], ['RCPFullAWSAccess'], ['RCPFullAWSAccess'], ['RCPFullAWSAccess']],
  );
});

for (const [principal = '', action = '', resource = '', answer, type, ...names] of cases.told) {
  test(`\`can --live\` says why: ${principal} ${action} ${resource} is ${answer} by ${type} ${names[0]}`, async () => {
    const args = ['can', principal, action, world.arnOf(resource), '--live', '--json'];
    const { stdout, stderr, code } = await world.stint(world.admin('central'), args);
    assert.equal(stderr, '');
    const told = JSON.parse(stdout) as CanAnswer & { readonly findings: readonly object[] };
    assert.equal(told.answer, answer, stdout);
    assert.equal(code, answer === 'allowed' ? 0 : 1);
    assert.deepEqual(told.findings, []);
    if (type === 'missing') assert.equal(told.missing, names[0]);
    else {
      assert.equal(told.by!.policyType, type);
      assert.match(told.by!.policy!, new RegExp(`^${names[0]}$`));
      assert.match(told.by!.attachedTo!, new RegExp(`^${names[1]}$`));
    }
  });
}
