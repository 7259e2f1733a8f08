// What the page says, decided by functions that know neither browser nor clock.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { WireLease, WireLeasePage } from '../../src/broker/http/wire.ts';
import type { Outcome } from '../../ui/api.ts';
import { readLeases, shownAtOnce } from '../../ui/lease-reader.ts';
import {
  actionsOf,
  endedText,
  filters,
  inReadingOrder,
  revokeTexts,
  stateTexts,
  stuckText,
  thingText,
  type LeaseState,
} from '../../ui/view/leases.ts';
import { canBeToken, leasesPath } from '../../ui/view/paths.ts';
import { readRefusal } from '../../ui/view/refusals.ts';
import { auditText, keyAge, sealText, type AuditState, type RootKey, type SealStatus } from '../../ui/view/server.ts';
import { exactTime, relativeTime, span } from '../../ui/view/time.ts';

interface Cases {
  readonly spans: readonly (readonly [seconds: number, text: string])[];
  readonly relative: readonly (readonly [iso: string, text: string])[];
  readonly paths: readonly (readonly [typed: string, path: string | null])[];
  readonly tokens: readonly (readonly [text: string, can: boolean])[];
  readonly refusals: readonly {
    readonly status: number;
    readonly body: unknown;
    readonly header?: string;
    readonly errors: readonly string[];
    readonly hint?: string;
  }[];
  readonly actions: readonly (readonly [state: LeaseState, strength: WireLease['strength'], can: string])[];
  readonly keys: readonly (readonly [key: RootKey, text: string, old: boolean])[];
  readonly audit: readonly (readonly [state: AuditState['state'], waiting: number, text: string])[];
  readonly seals: readonly (readonly [change: Partial<SealStatus>, text: string])[];
}

const cases = JSON.parse(readFileSync(new URL('../cases/ui/view.json', import.meta.url), 'utf8')) as Cases;
const now = Date.parse('2026-06-01T12:00:00Z');

function leaseOf(id: string, change: Partial<WireLease> = {}): WireLease {
  return {
    id,
    state: 'active',
    strength: 'deletes',
    mount: 'aws',
    role: 'deploy',
    kind: 'iam_user',
    display_name: 'token',
    started_at: '2026-06-01T11:00:00.000Z',
    expires_at: '2026-06-01T13:00:00.000Z',
    renewable: true,
    aws: { user: 'vault-x', session: null, role_arn: null, account: '', access_key: null },
    end_reason: null,
    attempts: 0,
    last_error: null,
    next_look_at: null,
    steps: [],
    ...change,
  };
}

describe('times', () => {
  for (const [seconds, text] of cases.spans) {
    test(`${seconds} s are \`${text}\``, () => assert.equal(span(seconds * 1000), text));
  }
  for (const [iso, text] of cases.relative) {
    test(`${iso} is \`${text}\``, () => assert.equal(relativeTime(iso, now), text));
  }
  test('are told in the zone of the reader, with its name', () => {
    const iso = '2026-01-01T00:30:00Z';
    assert.match(exactTime(iso, 'en-GB', 'Asia/Tokyo'), /^1 Jan 2026, 09:30:00 (?:JST|GMT\+9)$/);
    assert.match(exactTime(iso, 'en-GB', 'America/New_York'), /^31 Dec 2025, 19:30:00 (?:EST|GMT-5)$/);
    assert.equal(exactTime('soon'), 'soon');
  });
});

describe('leases', () => {
  test('are shown with the stuck ones first, then by their end; those that have ended last, the latest first', () => {
    const at = (minute: number): string => `2026-06-01T13:${minute}:00.000Z`;
    const leases = [
      leaseOf('dead-early', { state: 'dead', expires_at: at(10) }),
      leaseOf('late', { expires_at: at(30) }),
      leaseOf('stuck-late', { state: 'stuck', expires_at: at(40) }),
      leaseOf('dead-late', { state: 'expired', expires_at: at(20) }),
      leaseOf('soon-b', { expires_at: at(15) }),
      leaseOf('soon-a', { state: 'revoking', expires_at: at(15) }),
      leaseOf('stuck-soon', { state: 'stuck', expires_at: at(11) }),
      leaseOf('late', { expires_at: at(30), state: 'unverified' }),
    ];
    const order = inReadingOrder(leases);
    assert.deepEqual(
      order.map(({ id }) => id),
      ['stuck-soon', 'stuck-late', 'soon-a', 'soon-b', 'late', 'dead-late', 'dead-early'],
    );
    assert.equal(order[4]?.state, 'unverified', 'of two records of one lease the one that came last');
  });

  test('can be asked for in every state', () => {
    const states = Object.keys(stateTexts).toSorted();
    assert.deepEqual([...new Set(filters.flatMap((filter) => filter.states))].toSorted(), states);
    assert.equal(new Set(filters.map(({ name }) => name)).size, filters.length);
  });

  for (const [state, strength, can] of cases.actions) {
    test(`${state}, ${strength}: ${can || 'nothing'} can be done`, () => {
      const actions = Object.entries(actionsOf(leaseOf('x', { state, strength })));
      assert.equal(actions.flatMap(([name, may]) => (may ? [name] : [])).join(' '), can);
    });
  }
  test('that are not renewable are not renewed', () => {
    assert.equal(actionsOf(leaseOf('x', { renewable: false })).renew, false);
  });

  test('say what they are in AWS', () => {
    const aws = { user: null, session: 'vault-s', role_arn: 'arn:aws:iam::1:role/r', account: '', access_key: null };
    assert.equal(thingText(leaseOf('x')), 'IAM user vault-x');
    assert.equal(thingText({ kind: 'assumed_role', aws }), 'session vault-s of arn:aws:iam::1:role/r');
    assert.equal(
      thingText({ kind: 'session_token', aws: { ...aws, session: null, role_arn: null } }),
      'session (session_token)',
    );
  });

  test('say before a revoke what it does, and of a session that nothing ends how long it lives on', () => {
    const texts = (change: Partial<WireLease>): string => revokeTexts(leaseOf('x', change), now).join(' ');
    assert.match(texts({}), /^Deletes the IAM user vault-x with its keys\./);
    assert.match(texts({ strength: 'denies' }), /AWS refuses everything it asks.*Other sessions of that role go on/);
    assert.match(texts({ strength: 'expires' }), /cannot end.*go on working for 1 h\./);
    assert.match(texts({ state: 'granting' }), /broken off/);
  });

  test('say what came of an end, with the last error', () => {
    assert.equal(endedText({ state: 'dead', last_error: null }), stateTexts.dead.text);
    assert.match(endedText({ state: 'stuck', last_error: 'no' }), /goes on trying\. Last error: no$/);
  });

  test('that are stuck are counted as far as the server counts', () => {
    assert.deepEqual([0, 1, 9999, 10_000].map(stuckText), ['', '1 stuck', '9999 stuck', '10,000 or more stuck']);
  });
});

for (const [typed, path] of cases.paths) {
  test(`leases below \`${typed}\` are at ${path ?? 'no path'}`, () => assert.equal(leasesPath(typed) ?? null, path));
}
for (const [text, can] of cases.tokens) {
  test(`${JSON.stringify(text)} ${can ? 'may' : 'cannot'} be a token`, () => assert.equal(canBeToken(text), can));
}
for (const { status, body, header, errors, hint } of cases.refusals) {
  test(`a refusal with ${status} and ${JSON.stringify(body)} says ${errors.join()}`, () => {
    assert.deepEqual(readRefusal(status, body, header ?? null), { status, errors, hint });
  });
}

describe('the server', () => {
  for (const [key, text, old] of cases.keys) {
    test(`a key is \`${text}\``, () => assert.deepEqual(keyAge(key), { text, old }));
  }
  for (const [state, waiting, text] of cases.audit) {
    test(`an audit device \`${text}\``, () =>
      assert.equal(auditText({ path: 'a/', type: 'file', state, waiting }), text));
  }
  for (const [change, text] of cases.seals) {
    test(`is \`${text}\``, () => {
      const open = { type: 'shamir', initialized: true, sealed: false, t: 3, n: 5, progress: 0, version: '1' };
      assert.equal(sealText({ ...open, recovery_seal: false, ...change }), text);
    });
  }
});

describe('a page of leases is read', () => {
  interface Answered {
    readonly leases: number;
    readonly next: string | null;
  }

  /** A server that answers these one after the other, the last for ever. */
  function serverOf(answers: readonly Answered[]) {
    const queries: Readonly<Record<string, string>>[] = [];
    const askPage = async (query: Readonly<Record<string, string>>): Promise<Outcome<WireLeasePage>> => {
      const { leases, next } = answers[Math.min(queries.length, answers.length - 1)]!;
      const first = queries.push(query) * 1000;
      const page = Array.from({ length: leases }, (_, at) => leaseOf(String(first + at)));
      const value = { leases: page, next, stuck: 2, looked_at: 5000, now: '2026-06-01T12:00:00.000Z' };
      return { ok: true, value, warnings: [] };
    };
    return { queries, askPage };
  }
  const going = (): boolean => true;

  test('with one call where that fills it, and what follows is kept for the next', async () => {
    const { queries, askPage } = serverOf([{ leases: shownAtOnce, next: 'live:x' }]);
    const outcome = await readLeases(askPage, { text: 'a' }, null, going);
    assert.ok(outcome.ok && outcome.value.next === 'live:x' && outcome.value.leases.length === shownAtOnce);
    assert.deepEqual(queries, [{ text: 'a', limit: '50' }]);
  });

  test('with more calls, each for what is missing, until it is full', async () => {
    const { queries, askPage } = serverOf([
      { leases: 20, next: 'live:a' },
      { leases: 0, next: 'live:b' },
      { leases: 30, next: 'live:c' },
    ]);
    const seen: number[] = [];
    const outcome = await readLeases(askPage, {}, 'stuck:z', ({ leases }) => seen.push(leases.length) > 0);
    assert.ok(outcome.ok && outcome.value.lookedAt === 15_000);
    assert.deepEqual(queries, [
      { limit: '50', after: 'stuck:z' },
      { limit: '30', after: 'live:a' },
      { limit: '30', after: 'live:b' },
    ]);
    assert.deepEqual(seen, [20, 20]);
  });

  test('no further than 100,000 leases before the reader is asked, nor when nobody waits for it', async () => {
    const endless = serverOf([{ leases: 0, next: 'live:a' }]);
    const outcome = await readLeases(endless.askPage, {}, null, going);
    assert.ok(outcome.ok && outcome.value.lookedAt === 100_000 && outcome.value.next === 'live:a');
    const left = serverOf([{ leases: 0, next: 'live:a' }]);
    await readLeases(left.askPage, {}, null, () => false);
    assert.equal(left.queries.length, 1);
  });

  test('until a refusal, which is told', async () => {
    const refusal = { status: 403, errors: ['permission denied'], hint: undefined };
    const outcome = await readLeases(async () => ({ ok: false, refusal }), {}, null, going);
    assert.deepEqual(outcome, { ok: false, refusal });
  });
});
