import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readinessLine, type RunEvent } from '../../src/access/index.ts';
import { closedToCallers, namedAccounts } from '../../src/access/readiness.ts';
import type { Document } from '../../src/access/resources.ts';
import { isFailure, systemClock } from '../../src/base/index.ts';
import cases from '../cases/access/readiness.json' with { type: 'json' };
import { central, dev, prod, wantedOf, World } from './world.ts';

describe('who a trust lets in', () => {
  for (const { name, trust, closed, accounts } of cases) {
    test(name, () => {
      const document: Document = { Version: '2012-10-17', Statement: trust as unknown as Document['Statement'] };
      assert.deepEqual([closedToCallers({ trust: document }) ?? null, namedAccounts(document)], [closed, accounts]);
    });
  }
});

const providers = { ci: { issuer: 'https://token.actions.githubusercontent.com', audiences: ['sts.amazonaws.com'] } };
const definition = {
  providers,
  groups: { developers: {} },
  people: { alice: { groups: ['developers'] } },
  roles: {
    open: { in: ['dev'], trust: [{ account: 'central' }] },
    own: { in: ['dev'], trust: [{ account: 'dev' }] },
    late: { in: ['prod'], trust: [{ account: 'central' }] },
    reader: { in: ['dev'], trust: [{ group: 'developers' }] },
    app: { in: ['dev'], trust: [{ service: 'ec2.amazonaws.com' }], instanceProfile: true },
    build: { in: ['dev'], trust: [{ oidc: { repository: 'example/app', branch: 'main' } }] },
    inner: { in: ['dev'], trust: [{ role: 'prod/late' }] },
  },
};

const world = new World();

interface Heard {
  readonly operation: string;
  readonly account: string;
  readonly principalArn: string;
  readonly errorCode?: string | null;
}

async function assumptions(): Promise<readonly Heard[]> {
  const answer = await fetch(`${world.cloud.endpoint}/_stint/events?limit=5000`, {
    headers: { 'x-stint-control': world.cloud.controlToken },
  });
  const { events } = (await answer.json()) as { events: readonly (Heard & { readonly resource: string })[] };
  return events.filter(
    ({ operation, resource }) => operation === 'AssumeRole' && !/OrganizationAccount/.test(resource),
  );
}

/** A clock of its own, which moves only when somebody sleeps; AWS's moves with it. */
function steppedTime(): { clock: typeof systemClock; sleep: (millis: number) => Promise<void> } {
  let now = systemClock.now();
  return {
    clock: { ...systemClock, now: () => now },
    sleep: async (millis) => {
      now += millis;
      await world.control('clock', { advance: `${Math.max(1, Math.ceil(millis / 1000))}s` });
    },
  };
}

test('what whoever applies may become is assumed twice in a row, by the account that the trust names; all else is read back', async () => {
  const { readiness } = await world.apply(wantedOf(definition));
  assert.deepEqual(readiness?.assumed.toSorted(), ['dev/role/open', 'dev/role/own', 'prod/role/late']);
  assert.deepEqual(readiness.notReady, []);
  assert.deepEqual(readiness.read, {
    mfa: ['dev/role/reader'],
    services: ['dev/role/app'],
    tokens: ['dev/role/build'],
    others: ['dev/role/inner'],
  });
  const line =
    'Roles ready: 3 assumed; read back only: 1 that let in only services, 1 that let in only who brings a token of an identity provider, 1 that let in only people who sign in with MFA, 1 that let in only others than whoever applies.';
  assert.equal(readinessLine(readiness), line);
  const heard = await assumptions();
  assert.deepEqual(heard.map(({ principalArn }) => principalArn.replace(/\/[^/]*$/, '')).toSorted(), [
    ...Array.from({ length: 4 }, () => `arn:aws:iam::${central}:user`),
    ...Array.from({ length: 2 }, () => `arn:aws:sts::${dev}:assumed-role/OrganizationAccountAccessRole`),
  ]);
});

test('a role whose trust is changed is assumed again; where nothing is opened nobody is', async () => {
  await world.apply(wantedOf(definition));
  const before = (await assumptions()).length;
  const { readiness } = await world.apply(
    wantedOf({
      ...definition,
      roles: { ...definition.roles, app: { ...definition.roles.app, trust: [{ account: 'central' }] } },
    }),
  );
  assert.deepEqual([readiness?.assumed, readiness?.read], [['dev/role/app'], {}]);
  assert.equal((await assumptions()).length - before, 2);
  const third = await world.apply(wantedOf({ ...definition, groups: { developers: { managed: ['ReadOnlyAccess'] } } }));
  assert.deepEqual(third.readiness?.assumed, ['dev/role/app'].slice(1));
});

test('while AWS spreads what was made it is tried again, and a later stage waits for it', async () => {
  await world.control('clock', { freeze: true });
  await world.control('propagation', { iam: '6s' });
  const events: RunEvent[] = [];
  const { readiness } = await world.apply(
    wantedOf({ roles: { open: definition.roles.open, late: definition.roles.late } }),
    {
      ...steppedTime(),
      onEvent: (event) => events.push(event),
    },
  );
  assert.deepEqual(readiness?.assumed, ['dev/role/open', 'prod/role/late']);
  const refused = (await assumptions()).filter(({ errorCode }) => errorCode === 'AccessDenied');
  assert.ok(refused.length >= 2, String(refused.length));
  const order = events.flatMap((event) => (event.type === 'step' || event.type === 'proved' ? [event.type] : []));
  assert.ok(order.indexOf('proved') < order.lastIndexOf('step'), order.join());
});

test('a role that is not ready within two minutes is told and stops later stages; nothing is undone', async () => {
  await world.control('clock', { freeze: true });
  await world.control('faults', {
    service: 'sts',
    operation: 'AssumeRole',
    when: 'before',
    account: central,
    nth: 3,
    count: 100_000,
    error: { code: 'AccessDenied', status: 403 },
  });
  const time = steppedTime();
  const begun = time.clock.now();
  const roles = { open: definition.roles.open, late: definition.roles.late };
  const failure = await world.apply(wantedOf({ roles }), time).catch((error: unknown) => error);
  assert.ok(isFailure(failure), String(failure));
  assert.equal(failure.code, 'role-not-ready');
  assert.match(failure.message, /^not ready: `dev\/role\/open` \(.*\)\n1 step was not started$/);
  assert.match(failure.hint ?? '', /nothing was undone/);
  const waited = time.clock.now() - begun;
  assert.ok(waited >= 120_000 && waited < 130_000, String(waited));
  const { iam } = await world.accounts.account(dev);
  assert.ok((await iam.getRole({ RoleName: 'open' })).Role !== undefined);
  const { iam: later } = await world.accounts.account(prod);
  await assert.rejects(later.getRole({ RoleName: 'late' }), { name: 'NoSuchEntityException' });
});

test('an explicit deny that nobody saw is no matter of time: the role is read back', async () => {
  const { iam } = await world.accounts.account(central);
  const deny = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: 'sts:AssumeRole', Resource: 'arn:aws:iam::*:role/open' }],
  };
  const time = steppedTime();
  const begun = time.clock.now();
  const { readiness } = await world.apply(wantedOf({ roles: { open: definition.roles.open } }), {
    ...time,
    // Between the look at the accounts and the proof.
    confirm: async () => {
      await iam.putUserPolicy({ UserName: 'admin', PolicyName: 'late', PolicyDocument: JSON.stringify(deny) });
    },
  });
  assert.deepEqual([readiness?.assumed, readiness?.read], [[], { denied: ['dev/role/open'] }]);
  assert.equal(time.clock.now(), begun);
});

test('stopped while it waits, a run says that every call was made', async () => {
  await world.control('faults', {
    service: 'sts',
    operation: 'AssumeRole',
    when: 'before',
    account: central,
    nth: 3,
    count: 100_000,
    error: { code: 'AccessDenied', status: 403 },
  });
  const stop = new AbortController();
  const failure = await world
    .apply(wantedOf({ roles: { open: definition.roles.open } }), {
      signal: stop.signal,
      sleep: async () => stop.abort(),
    })
    .catch((error: unknown) => error);
  assert.ok(isFailure(failure), String(failure));
  assert.deepEqual(
    [failure.code, failure.message],
    ['interrupted', 'stopped on request; every call was made, but 1 role was not waited for'],
  );
});
