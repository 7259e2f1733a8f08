import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { leaseTtl, transition, type LeaseEvent } from '../../src/broker/leases.ts';
import type { Lease } from '../../src/broker/model.ts';

interface Case {
  readonly name: string;
  readonly lease?: string;
  readonly events: readonly [number, { readonly type: string; readonly seconds?: number }][];
  readonly state: string | null;
  readonly effects: readonly string[];
  readonly dueAt?: number | null;
  readonly endReason?: string;
  readonly lastError?: string;
  readonly secret?: null | 'kept';
}

const start = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number): number => start + seconds * 1000;

const granting: Lease = {
  version: 1,
  id: 'aws/creds/deploy/aaaaaaaaaaaaaaaaaaaaaaaa',
  mountPath: 'aws',
  mountId: 'm',
  role: 'deploy',
  kind: 'iam_user',
  strength: 'deletes',
  state: 'granting',
  tokenName: 't',
  displayName: 'token',
  startedAt: start,
  expiresAt: at(2400),
  ttlSeconds: 1800,
  renewable: true,
  lastRenewedAt: null,
  confirmed: false,
  removed: false,
  endReason: null,
  attempts: 0,
  lastError: null,
  dueAt: at(600),
  claim: null,
  facts: {},
  secret: null,
  steps: [{ state: 'granting', at: start }],
};
const active: Lease = {
  ...granting,
  state: 'active',
  confirmed: true,
  expiresAt: at(1800),
  dueAt: at(1800),
  secret: { accessKeyId: 'AKIA' },
};
const bases: Readonly<Record<string, Lease>> = {
  granting,
  active,
  stuck: { ...active, state: 'stuck', attempts: 40, dueAt: at(5000), lastError: 'x', endReason: 'expired' },
  dead: { ...active, state: 'dead', dueAt: null, secret: null },
  session: { ...active, strength: 'expires', renewable: false, secret: null },
  deniable: { ...active, strength: 'denies', renewable: false },
  'deniable-granting': { ...granting, strength: 'denies', renewable: false },
  'session-granting': { ...granting, strength: 'expires', renewable: false },
};

function eventOf(now: number, given: Case['events'][number][1]): LeaseEvent {
  if (given.type === 'granted') {
    return {
      type: 'granted',
      expiresAt: now + 1_800_000,
      ttlSeconds: 1800,
      facts: {},
      secret: { accessKeyId: 'AKIA' },
    };
  }
  if (given.type === 'renewed') {
    return { type: 'renewed', expiresAt: now + given.seconds! * 1000, ttlSeconds: given.seconds! };
  }
  return given as LeaseEvent;
}

const { cases } = JSON.parse(readFileSync(new URL('../cases/broker/leases.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

for (const one of cases) {
  test(one.name, () => {
    let lease: Lease | undefined = bases[one.lease ?? 'granting'];
    let effects: readonly string[] = [];
    for (const [seconds, event] of one.events) {
      assert.ok(lease, 'the lease was dropped before its last event');
      ({ lease, effects } = transition(lease, eventOf(at(seconds), event), at(seconds)));
    }
    assert.equal(lease?.state ?? null, one.state);
    assert.deepEqual(effects, one.effects);
    if (one.dueAt !== undefined) assert.equal(lease?.dueAt, one.dueAt === null ? null : at(one.dueAt));
    if (one.endReason !== undefined) assert.equal(lease?.endReason, one.endReason);
    if (one.lastError !== undefined) assert.equal(lease?.lastError, one.lastError);
    if (one.secret === null) assert.equal(lease?.secret, null);
    if (one.secret === 'kept') assert.notEqual(lease?.secret, null);
  });
}

test('the time to live follows the rule of Vault', () => {
  const day = 86_400;
  const base = {
    incrementSeconds: 0,
    engineTtlSeconds: 0,
    engineMaxSeconds: 0,
    mountDefaultSeconds: 32 * day,
    mountMaxSeconds: 32 * day,
    issuedAt: start,
    now: start,
  };
  const ttl = (change: Partial<typeof base>): unknown => {
    const verdict = leaseTtl({ ...base, ...change });
    return verdict.allowed ? [verdict.ttlSeconds, verdict.warning !== undefined] : verdict.reason;
  };
  assert.deepEqual(ttl({}), [32 * day, false]);
  assert.deepEqual(ttl({ engineTtlSeconds: 1800 }), [1800, false]);
  assert.deepEqual(ttl({ engineTtlSeconds: 1800, incrementSeconds: 60 }), [60, false]);
  assert.deepEqual(ttl({ engineTtlSeconds: 1800, engineMaxSeconds: 900 }), [900, true]);
  assert.deepEqual(ttl({ engineTtlSeconds: 90 * day }), [32 * day, true]);
  assert.deepEqual(ttl({ incrementSeconds: 3600, engineMaxSeconds: 3600, now: at(1800) }), [1800, true]);
  assert.deepEqual(ttl({ engineMaxSeconds: 3600, now: at(3600) }), 'past the max TTL, cannot renew');
  assert.deepEqual(ttl({ engineTtlSeconds: 1800, engineMaxSeconds: 3600, now: at(-9999) }), [1800, false]);
});
