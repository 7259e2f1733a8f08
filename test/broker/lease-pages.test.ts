// Reading leases page by page: stuck ones first, filtered, and never more work than a page bears.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { AdjustableClock } from '../../src/base/index.ts';
import { leasePage, type LeasePageAsk } from '../../src/broker/lease-pages.ts';
import { Ledger } from '../../src/broker/ledger.ts';
import type { Lease, LeaseState } from '../../src/broker/model.ts';
import { MemoryStore, SharedMemory } from '../contract/memory-store.ts';
import { account, configureAws, testCloud } from './aws-support.ts';
import { testBarrier, testBroker, type Reply } from './support.ts';

const everything: LeasePageAsk = { prefix: '', states: undefined, text: '', limit: 100, after: undefined };

function leaseOf(id: string, state: LeaseState, change: Partial<Lease> = {}): Lease {
  return {
    version: 1,
    id,
    mountPath: 'aws',
    mountId: 'm',
    role: 'deploy',
    kind: 'iam_user',
    strength: 'deletes',
    state,
    tokenName: 't',
    displayName: 'token',
    startedAt: 0,
    expiresAt: 1_800_000,
    ttlSeconds: 1800,
    renewable: true,
    lastRenewedAt: null,
    confirmed: true,
    removed: false,
    endReason: null,
    attempts: 0,
    lastError: null,
    dueAt: 1_800_000,
    claim: null,
    facts: {},
    secret: null,
    steps: [{ state, at: 0 }],
    ...change,
  };
}

async function ledgerOf(leases: readonly Lease[]): Promise<Ledger> {
  const clock = new AdjustableClock();
  const barrier = await testBarrier(new MemoryStore(new SharedMemory()), clock);
  const ledger = new Ledger(barrier, clock, 'node', () => {});
  for (const lease of leases) await ledger.open(lease, []);
  return ledger;
}

/** Ids of every page, asked for one after the other. */
async function pagesOf(ledger: Ledger, ask: Partial<LeasePageAsk>): Promise<readonly (readonly string[])[]> {
  const pages: string[][] = [];
  for (let after: string | undefined; ;) {
    const page = await leasePage(ledger, { ...everything, ...ask, after });
    pages.push(page.leases.map(({ id }) => id));
    if (page.next === null) return pages;
    after = page.next;
  }
}

const one = 'aws/creds/deploy';
const few: readonly Lease[] = [
  leaseOf(`${one}/a-active`, 'active', { displayName: 'token-Alice' }),
  leaseOf(`${one}/b-stuck`, 'stuck', { lastError: 'AWS said Throttling', facts: { userName: 'vault-b' } }),
  leaseOf(`${one}/c-revoking`, 'revoking'),
  leaseOf(`${one}/d-forced`, 'stuck', { endReason: 'forced' }),
  leaseOf(`${one}/e-unverified`, 'unverified'),
  leaseOf(`${one}/f-dead`, 'dead'),
  leaseOf(`${one}/g-expired`, 'expired', { facts: { roleArn: 'arn:aws:iam::1:role/Night' } }),
  leaseOf(`${one}/h-granting`, 'granting'),
  leaseOf('aws/creds/deploy2/i-active', 'active'),
  leaseOf('other/creds/deploy/j-stuck', 'stuck'),
];

const last = (ids: readonly string[]): readonly string[] => ids.map((id) => id.slice(id.lastIndexOf('/') + 1));

interface Case {
  readonly what: string;
  readonly ask: Partial<LeasePageAsk>;
  readonly ids: readonly string[];
}

const all = 'b-stuck d-forced j-stuck h-granting a-active c-revoking i-active e-unverified f-dead g-expired'.split(' ');
const cases: readonly Case[] = [
  { what: 'all of them, stuck ones first', ask: {}, ids: all },
  { what: 'below a path: whole segments', ask: { prefix: `${one}/` }, ids: all.filter((id) => !/^[ij]/.test(id)) },
  { what: 'of one state', ask: { states: new Set(['stuck']) }, ids: ['b-stuck', 'd-forced', 'j-stuck'] },
  { what: 'of a state that lies in two places', ask: { states: new Set(['revoking']) }, ids: ['c-revoking'] },
  { what: 'of several states', ask: { states: new Set(['dead', 'active']) }, ids: ['a-active', 'i-active', 'f-dead'] },
  { what: 'with a text in the name of who has it', ask: { text: 'ALICE' }, ids: ['a-active'] },
  { what: 'with a text in the last error', ask: { text: 'throttl' }, ids: ['b-stuck'] },
  { what: 'with a text in what it is in AWS', ask: { text: 'role/night' }, ids: ['g-expired'] },
  { what: 'with a text and a state that exclude each other', ask: { text: 'b-', states: new Set(['dead']) }, ids: [] },
];

describe('leases are read', () => {
  let ledger: Ledger;
  before(async () => {
    ledger = await ledgerOf(few);
  });

  for (const { what, ask, ids } of cases) {
    test(`${what}, the same on pages of any size`, async () => {
      for (const limit of [1, 2, 3, 100]) {
        const pages = await pagesOf(ledger, { ...ask, limit });
        assert.deepEqual(last(pages.flat()), ids, `limit ${limit}`);
        assert.equal(pages.length, Math.max(1, Math.ceil(ids.length / limit)), 'no page is empty for nothing');
      }
    });
  }

  test('from no place that is not below their path, so that none outside it is shown', async () => {
    for (const after of ['live:aws/creds/deploy2/a', 'live:a', 'odd:aws', 'dead', '', `live:${one}/\u0001`]) {
      const asked = leasePage(ledger, { ...everything, prefix: `${one}/`, after });
      await assert.rejects(asked, { code: 'bad-request' }, after);
    }
    const asked = leasePage(ledger, { ...everything, states: new Set(['dead']), after: `live:${one}/a` });
    await assert.rejects(asked, { code: 'bad-request' });
  });

  test('counted where they are stuck, below a path and no further than asked', async () => {
    const counts = [ledger.countStuck('', 10), ledger.countStuck(`${one}/`, 10), ledger.countStuck('', 2)];
    assert.deepEqual(await Promise.all(counts), [3, 2, 2]);
  });
});

test('one page looks at a bounded number of leases, and the next goes on behind them', async () => {
  const many = Array.from({ length: 6000 }, (_, at) => leaseOf(`aws/creds/deploy/${10_000 + at}`, 'active'));
  const ledger = await ledgerOf([...many, leaseOf('aws/creds/deploy/zz', 'stuck')]);
  const ask = { ...everything, text: '/15999' };
  const first = await leasePage(ledger, ask);
  assert.deepEqual(first.leases, []);
  assert.ok(first.next !== null && first.lookedAt <= 5250, `${first.lookedAt} looked at`);
  const second = await leasePage(ledger, { ...ask, after: first.next });
  assert.deepEqual([second.leases.map(({ id }) => id), second.next], [['aws/creds/deploy/15999'], null]);
});

describe('over HTTP', () => {
  interface Data {
    readonly leases: readonly { readonly id: string; readonly aws: object }[];
    readonly next: string | null;
    readonly stuck: number;
    readonly now: string;
  }
  const dataOf = ({ body }: Reply): Data => body.data as unknown as Data;

  test('a page says what each lease is in AWS and where the next page begins, and a whole id is one lease', async (t) => {
    const cloud = await testCloud((end) => t.after(end));
    const broker = await testBroker((end) => t.after(end));
    const { call } = broker;
    await configureAws(broker, cloud.cloud);
    const lent = [await call('GET', '/v1/aws/creds/deploy'), await call('GET', '/v1/aws/creds/deploy')];
    const ids = lent.map(({ body }) => body['lease_id'] as string).sort();
    const first = dataOf(await call('GET', '/v1/stint/leases?limit=1'));
    assert.deepEqual(
      first.leases.map(({ id }) => id),
      ids.slice(0, 1),
    );
    assert.deepEqual([first.stuck, Number.isFinite(Date.parse(first.now))], [0, true]);
    const second = dataOf(await call('GET', `/v1/stint/leases?limit=1&after=${encodeURIComponent(first.next!)}`));
    assert.deepEqual([second.leases.map(({ id }) => id), second.next], [ids.slice(1), null]);
    const own = dataOf(await call('GET', `/v1/stint/leases/${ids[0]}`)).leases;
    assert.deepEqual(
      own.map(({ id }) => id),
      ids.slice(0, 1),
    );
    const key = lent.find(({ body }) => body['lease_id'] === ids[0])!.body.data['access_key'];
    const users = await cloud.lentUsers(account);
    const { user, ...rest } = own[0]!.aws as { user: string };
    assert.ok(users.includes(user));
    assert.deepEqual(rest, { session: null, role_arn: null, account: '', access_key: key });
  });

  test('a policy may allow the leases below a path alone', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    const policy = 'path "stint/leases/aws/*" { capabilities = ["read"] }';
    await call('PUT', '/v1/sys/policies/acl/watch', { body: { policy } });
    const made = await call('POST', '/v1/auth/token/create', { body: { policies: ['watch'] } });
    const { client_token: token } = made.body['auth'] as { client_token: string };
    const statuses = [
      'stint/leases',
      'stint/leases/aws/creds',
      'stint/leases/other/creds',
      'stint/leases/aws%2F..%2Fother',
    ];
    const replies = await Promise.all(statuses.map((path) => call('GET', `/v1/${path}`, { token })));
    assert.deepEqual(
      replies.map(({ status }) => status),
      [403, 200, 403, 400],
    );
    assert.equal((await call('GET', '/v1/stint/leases', { token: null })).status, 403);
  });

  test('a filter that means nothing is refused by name', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    const queries: readonly [string, RegExp][] = [
      ['state=active,gone', /`gone` is no state/],
      ['limit=0', /`limit` is not from 1 to 1000/],
      ['limit=1001', /`limit`/],
      ['limit=many', /limit/],
      ['after=there', /`after` is no place/],
      [`text=${'x'.repeat(201)}`, /longer than 200/],
    ];
    for (const [query, text] of queries) {
      const reply = await call('GET', `/v1/stint/leases?${query}`);
      assert.deepEqual([reply.status, text.test(reply.body.errors.join())], [400, true], query);
    }
  });
});
