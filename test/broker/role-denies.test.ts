// Several nodes write the deny policy of one role: one at a time, and none loses a session.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { CreateRoleCommand, GetRolePolicyCommand } from '@aws-sdk/client-iam';
import { AdjustableClock, systemRandom } from '../../src/base/index.ts';
import type { DenyEntry, DenyRecord } from '../../src/broker/engines/aws/deny-record.ts';
import { policyName, recordKey, RoleDenies, type DeniedRole } from '../../src/broker/engines/aws/role-denies.ts';
import type { Stored } from '../../src/broker/barrier.ts';
import type { Folder } from '../../src/broker/engines/engine.ts';
import { account, testCloud, until, type TestCloud } from './aws-support.ts';

const roleArn = `arn:aws:iam::${account}:role/shared`;

/** What nodes share: every change is one step. */
function sharedFolder(): Folder & { readonly records: Map<string, unknown> } {
  const records = new Map<string, unknown>();
  return {
    records,
    get: async <T>(key: string): Promise<Stored<T> | undefined> => {
      const value = records.get(key);
      return value === undefined ? undefined : { key, value: value as T, version: '1' };
    },
    change: async <T>(key: string, next: (before: T | undefined) => T | undefined) => {
      const value = next(records.get(key) as T | undefined);
      if (value === undefined) records.delete(key);
      else records.set(key, value);
    },
    list: async () => [...records.keys()],
    schedule: async () => undefined,
  };
}

interface World extends TestCloud {
  readonly clock: AdjustableClock;
  readonly role: DeniedRole;
  readonly records: Map<string, unknown>;
  readonly node: () => RoleDenies;
  readonly text: () => Promise<string>;
  readonly writes: () => Promise<number>;
}

async function world(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const AssumeRolePolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: account } }],
  });
  await cloud.admin.send(new CreateRoleCommand({ RoleName: 'shared', AssumeRolePolicyDocument }));
  const clock = new AdjustableClock();
  const folder = sharedFolder();
  const role = { mountId: 'm', folder, roleArn, iam: async () => cloud.admin };
  return {
    ...cloud,
    clock,
    role,
    records: folder.records,
    node: () => new RoleDenies(clock, systemRandom),
    text: async () => {
      const read = new GetRolePolicyCommand({ RoleName: 'shared', PolicyName: policyName('m') });
      return decodeURIComponent((await cloud.admin.send(read)).PolicyDocument!);
    },
    writes: async () => {
      const { events } = (await cloud.control('GET', 'events')) as { events: readonly { operation: string }[] };
      return events.filter(({ operation }) => operation === 'PutRolePolicy').length;
    },
  };
}

const entry = (clock: AdjustableClock, value: string): DenyEntry => ({
  marks: [{ by: 'identity', value }],
  until: clock.now() + 3_600_000,
});

test('a node that comes while another writes has its session written along', async (t) => {
  const { node, role, clock, text, writes } = await world(t);
  const [first, second] = [node(), node()];
  // The first is kept from writing, once it may, until the second has come.
  const come = Promise.withResolvers<void>();
  const late = { ...role, iam: () => come.promise.then(() => role.iam()) };
  const one = first.refuse(late, 'one', entry(clock, 'session-one'));
  await until('the first writes', async () => {
    const record = (await role.folder.get<DenyRecord>(recordKey(roleArn)))?.value;
    return record?.writer !== null && record !== undefined;
  });
  await assert.rejects(() => second.refuse(role, 'two', entry(clock, 'session-two')), { code: 'revoke-incomplete' });
  come.resolve();
  assert.equal(await one, true);
  assert.match(await text(), /session-one.*session-two/);
  const before = await writes();
  assert.equal(await second.refuse(role, 'two', entry(clock, 'session-two')), true);
  assert.equal(await writes(), before);
});

test('a node that died while it wrote is followed by another', async (t) => {
  const { node, role, clock, text, records } = await world(t);
  assert.equal(await node().refuse(role, 'one', entry(clock, 'session-one')), true);
  const record = records.get(recordKey(roleArn)) as DenyRecord;
  records.set(recordKey(roleArn), { ...record, writer: { name: 'dead', until: clock.now() + 60_000 } });
  const next = node();
  await assert.rejects(() => next.refuse(role, 'two', entry(clock, 'session-two')), /another node is writing/);
  clock.advance(60_000);
  assert.equal(await next.refuse(role, 'two', entry(clock, 'session-two')), true);
  assert.match(await text(), /session-one.*session-two/);
});

test('many nodes at once lose no session', async (t) => {
  const { node, role, clock, text } = await world(t);
  const nodes = Array.from({ length: 5 }, node);
  const refuse = async (at: number): Promise<void> => {
    const denies = nodes[at % nodes.length]!;
    let shown = false;
    while (!shown) shown = await denies.refuse(role, `l${at}`, entry(clock, `session-${at}-`)).catch(() => false);
  };
  await Promise.all(Array.from({ length: 25 }, (_, at) => refuse(at)));
  const written = await text();
  for (let at = 0; at < 25; at++) assert.ok(written.includes(`"session-${at}-"`), `session ${at}`);
});

test('a role that is gone has nothing left to refuse', async (t) => {
  const { node, role, clock } = await world(t);
  const gone = { ...role, roleArn: `arn:aws:iam::${account}:role/gone` };
  assert.equal(await node().refuse(gone, 'one', entry(clock, 'session-one')), true);
});
