import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { test } from 'node:test';
import {
  AdjustableClock,
  canonicalJson,
  formatGoDuration,
  formatDuration,
  isFailure,
  nearestName,
  parseDuration,
  randomText,
  Secret,
  systemRandom,
  uuid,
  version,
  visible,
} from '../../src/base/index.ts';

test('a secret prints as [secret] on every implicit way to text', () => {
  const secret = new Secret('hunter2');
  for (const text of [String(secret), JSON.stringify({ secret }), inspect({ secret })]) {
    assert.ok(text.includes('[secret]') && !text.includes('hunter2'));
  }
  assert.equal(secret.reveal(), 'hunter2');
});

test('what would move a cursor or turn a line is told, and nothing else is changed', () => {
  const plain = 'a\tb\n  ü 漢 \u{1F600} | ^';
  assert.equal(visible(plain), plain);
  assert.equal(
    visible('a\u001B[31m\r\u0000\u007F\u009B\u2066b'),
    String.raw`a\u001b[31m\u000d\u0000\u007f\u009b\u2066b`,
  );
});

test('durations are read as Go and Vault write them', () => {
  const cases: [string | number, number][] = [
    [900, 900],
    ['900', 900],
    ['30m', 1800],
    ['1h30m', 5400],
    ['2d', 172_800],
    ['1.5h', 5400],
  ];
  for (const [text, seconds] of cases) assert.equal(parseDuration(text), seconds);
  for (const text of ['', '-5m', 'soon', '5 m', '1w', 'NaN']) {
    assert.throws(
      () => parseDuration(text),
      (error) => isFailure(error) && error.code === 'invalid-duration',
    );
  }
});

test('durations are printed as Vault prints leases, and shorter for people', () => {
  assert.deepEqual([1800, 3600, 5].map(formatGoDuration), ['30m0s', '1h0m0s', '5s']);
  assert.deepEqual([1800, 5400, 86_400, 0].map(formatDuration), ['30m', '1h30m', '1d', '0s']);
});

test('canonical JSON does not depend on the order of keys', () => {
  assert.equal(canonicalJson({ b: [1, { d: 1, c: 2 }], a: undefined }), canonicalJson({ b: [1, { c: 2, d: 1 }] }));
});

test('an adjustable clock freezes, advances, and tells its listeners', () => {
  let wall = 1000;
  let moves = 0;
  const clock = new AdjustableClock({ now: () => wall });
  clock.onMove(() => moves++);
  clock.advance(500);
  clock.freeze(true);
  wall += 10_000;
  assert.equal(clock.now(), 1500);
  clock.advance(1);
  clock.freeze(false);
  wall += 9;
  assert.equal(clock.now(), 1510);
  assert.equal(moves, 4);
});

test('random texts have the asked length and alphabet', () => {
  assert.match(randomText(systemRandom, 24), /^[0-9A-Za-z]{24}$/);
  assert.match(uuid(systemRandom), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the nearest name is suggested, and none when nothing is near', () => {
  const names = ['RolesPerAccount', 'UsersPerAccount', 'propagation'];
  assert.equal(nearestName('rolesPerAcount', names), 'RolesPerAccount');
  assert.equal(nearestName('prop', names), undefined);
  assert.equal(nearestName('x'.repeat(1_000_000), names), undefined);
});

test('the version that servers tell is that of the package', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  assert.equal(version, (JSON.parse(text) as { version: string }).version);
});
