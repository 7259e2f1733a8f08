// What the defaults of good practice do, shown by the embedded AWS: who gets in, and who does not.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Wanted } from '../../src/access/index.ts';
import type { AwsAccounts } from '../../src/aws/index.ts';
import { childEnvironment, runStint, temporaryHome, type Ended } from '../assume/support.ts';
import { base, central, dev, prod, wantedOf, World } from './world.ts';

const world = new World();

const noDevice = { off: true, reason: 'the people of this test have no device' };
const listBuckets = [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }];

function readerWanted(trust: object, over: object = {}): Wanted {
  return wantedOf({
    groups: { developers: {} },
    people: { alice: { groups: ['developers'] }, bob: {} },
    roles: {
      reader: { in: ['dev'], trust: [{ group: 'developers', mfa: noDevice, ...trust }], statements: listBuckets },
    },
    ...over,
  });
}

interface Ask {
  readonly role?: string;
  readonly account?: string;
  readonly SourceIdentity?: string;
}

async function become(as: AwsAccounts, { role = 'reader', account = dev, ...more }: Ask = {}) {
  const { sts } = await as.account((await as.caller()).account);
  return sts.assumeRole({ RoleArn: `arn:aws:iam::${account}:role/${role}`, RoleSessionName: 'test', ...more });
}

test('a source identity may be left out, and is the own user name where it is given', async () => {
  await world.apply(readerWanted({}));
  const alice = await world.openAsPerson('alice');
  assert.ok((await become(alice)).Credentials);
  assert.equal((await become(alice, { SourceIdentity: 'alice' })).SourceIdentity, 'alice');
  await assert.rejects(become(alice, { SourceIdentity: 'bob' }), { name: 'AccessDenied' });
});

test('a source identity that is required must be there, and one that is off cannot be', async () => {
  await world.apply(readerWanted({ sourceIdentity: 'required' }));
  const alice = await world.openAsPerson('alice');
  await assert.rejects(become(alice), { name: 'AccessDenied' });
  assert.equal((await become(alice, { SourceIdentity: 'alice' })).SourceIdentity, 'alice');
  await world.apply(readerWanted({ sourceIdentity: { off: true, reason: 'the partner sets its own' } }));
  assert.ok((await become(alice)).Credentials);
  await assert.rejects(become(alice, { SourceIdentity: 'alice' }), { name: 'AccessDenied' });
});

test('a source identity goes along a chain of roles, and who trusts a role lets it assume', async () => {
  await world.apply(
    readerWanted(
      {},
      {
        roles: {
          reader: { in: ['dev'], trust: [{ group: 'developers', mfa: noDevice }] },
          next: { in: ['prod'], trust: [{ role: 'dev/reader' }] },
          direct: { in: ['dev'], trust: [{ person: 'bob', mfa: noDevice }] },
        },
      },
    ),
  );
  const { Credentials } = await become(await world.openAsPerson('alice'), { SourceIdentity: 'alice' });
  const session = world.openAs({
    AWS_ACCESS_KEY_ID: Credentials!.AccessKeyId!,
    AWS_SECRET_ACCESS_KEY: Credentials!.SecretAccessKey!,
    AWS_SESSION_TOKEN: Credentials!.SessionToken!,
  });
  assert.equal((await become(session, { role: 'next', account: prod })).SourceIdentity, 'alice');
  assert.ok((await become(await world.openAsPerson('bob'), { role: 'direct' })).Credentials);
});

test('an end stops new sessions and those that run', async () => {
  await world.control('clock', { set: '2030-01-01T00:00:00Z' });
  const wanted = readerWanted(
    {},
    {
      roles: {
        reader: {
          in: ['dev'],
          trust: [{ group: 'developers', mfa: noDevice }],
          statements: listBuckets,
          expires: '2030-01-01T00:30:00Z',
        },
      },
    },
  );
  await world.apply(wanted);
  const alice = await world.openAsPerson('alice');
  const { Credentials } = await become(alice);
  const { sts } = await world
    .openAs({
      AWS_ACCESS_KEY_ID: Credentials!.AccessKeyId!,
      AWS_SECRET_ACCESS_KEY: Credentials!.SecretAccessKey!,
      AWS_SESSION_TOKEN: Credentials!.SessionToken!,
    })
    .account(dev);
  const again = () => sts.assumeRole({ RoleArn: `arn:aws:iam::${dev}:role/reader`, RoleSessionName: 'again' });
  await world.control('clock', { set: '2030-01-01T00:31:00Z' });
  await assert.rejects(become(alice), { name: 'AccessDenied' });
  await assert.rejects(again(), /explicit deny in an identity-based policy/);
});

test('a person whom an account leaves out gets into none of its roles', async () => {
  const trust = [{ group: 'developers', mfa: noDevice }];
  await world.apply(
    wantedOf({
      groups: { developers: {} },
      people: { alice: { groups: ['developers'] }, bob: { groups: ['developers'], except: ['prod'] } },
      roles: { reader: { in: ['dev', 'prod'], trust } },
    }),
  );
  const bob = await world.openAsPerson('bob');
  assert.ok((await become(bob)).Credentials);
  await assert.rejects(become(bob, { account: prod }), { name: 'AccessDenied' });
  assert.ok((await become(await world.openAsPerson('alice'), { account: prod })).Credentials);
});

test('a guard rail binds the account’s own administrator and spares the executor', async () => {
  const deny = [{ Effect: 'Deny', Action: 'iam:CreateUser', Resource: '*' }];
  await world.apply(wantedOf({ guardrails: { nobody: { on: ['dev'], type: 'scp', statements: deny } } }));
  const { accessKeyId, secretAccessKey } = world.cloud.credentials.accounts[dev]!;
  const admin = world.openAs({ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
  const own = await admin.account(dev);
  await assert.rejects(own.iam.createUser({ UserName: 'new' }), /explicit deny in a service control policy/);
  const { iam } = await world.accounts.account(dev);
  assert.ok((await iam.createUser({ UserName: 'new' })).User);
});

test('guard rails that have no home stop everything before the first write', async () => {
  const stay = (on: object): Wanted =>
    wantedOf({ guardrails: { stay: { on, type: 'scp', use: ['deny-leave-organization'] } } });
  const units = await world.plan(
    wantedOf({
      accounts: {
        central: { id: central, stage: 'central', central: true },
        dev: { id: dev, stage: 'dev', ou: 'Nowhere/Dev' },
      },
      stages: ['central', 'dev'],
      guardrails: { stay: { on: { ou: 'Nowhere' }, type: 'scp', use: ['deny-leave-organization'] } },
    }),
  );
  assert.ok(units.findings.some(({ code }) => code === 'unit-unknown'));
  const idle = await world.plan(stay(['central']));
  assert.ok(idle.findings.some(({ code }) => code === 'guardrail-idle'));
  assert.deepEqual(idle.changes, []);
});

test('the command that assumes gives what a trust demands: the own name, and MFA that is young enough', async (t) => {
  const home = temporaryHome(t, '[profile none]\n', '');
  const definition = {
    ...base,
    groups: { developers: {} },
    people: { alice: { groups: ['developers'] } },
    roles: {
      named: { in: ['dev'], trust: [{ group: 'developers', mfa: noDevice, sourceIdentity: 'required' }] },
      fresh: { in: ['dev'], trust: [{ group: 'developers', mfaMaxAge: '20m' }] },
    },
  };
  await world.apply(wantedOf(definition));
  const { iam } = await world.accounts.account(central);
  const { AccessKey } = await iam.createAccessKey({ UserName: 'alice' });
  const config = join(home, 'stint.config.json');
  writeFileSync(config, JSON.stringify(definition));
  const stint = async (...args: readonly string[]): Promise<Ended> =>
    runStint('main', [...args, '--config', config], {
      ...childEnvironment(home),
      USER: 'someone',
      AWS_ENDPOINT_URL: world.cloud.endpoint,
      AWS_ACCESS_KEY_ID: AccessKey!.AccessKeyId!,
      AWS_SECRET_ACCESS_KEY: AccessKey!.SecretAccessKey!,
    });
  const named = await stint('whoami', 'dev/named');
  assert.match(named.stdout, /assumed-role\/named\//, named.stderr);
  const fresh = await stint('assume', 'dev/fresh', '--explain', '--mfa-serial', `arn:aws:iam::${central}:mfa/alice`);
  assert.match(fresh.stderr, /GetSessionToken for 20m with an MFA code/);
});
