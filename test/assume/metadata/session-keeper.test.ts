import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/base/index.ts';
import { given, keep, minute, rest, session, start } from './support.ts';

const hour = 60 * minute;
const mfaNeeded = new Failure('mfa-needed', 'an MFA code is needed', { status: 401, hint: 'type it' });
const unreachable = new Failure('sts-unreachable', 'no answer', { status: 502 });

test('a session of an hour is renewed 20 minutes before its end, without anybody asking', async (t) => {
  const kept = await keep(t);
  await kept.stage.pass(39 * minute);
  assert.deepEqual([await given(kept), kept.renewals], ['1', 0]);
  await kept.stage.pass(2 * minute);
  assert.deepEqual([await given(kept), kept.renewals], ['2', 1]);
  await kept.stage.pass(41 * minute);
  assert.deepEqual([await given(kept), kept.renewals], ['3', 2]);
});

test('a session of a quarter of an hour is renewed at half of its life, and not before', async (t) => {
  const kept = await keep(t, 15 * minute);
  await kept.stage.pass(7 * minute);
  assert.equal(kept.renewals, 0);
  await kept.stage.pass(minute);
  assert.deepEqual([await given(kept), kept.renewals], ['2', 1]);
});

test('a kept session is renewed by its own age: what is left of an hour is no short session', async (t) => {
  const kept = await keep(t, hour, 44 * minute);
  assert.equal(await given(kept), '1');
  await rest();
  assert.deepEqual([await given(kept), kept.renewals], ['2', 1]);
});

test('at any time no client finds less than 19 minutes of an hour left', async (t) => {
  const kept = await keep(t);
  for (let step = 0; step < 40; step++) {
    await kept.stage.pass(7 * minute);
    const found = await kept.keeper.current();
    assert.ok('expiration' in found && found.expiration - kept.stage.clock.now() >= 19 * minute);
  }
});

test('a thousand questions at once are answered from memory, with one renewal', async (t) => {
  const kept = await keep(t);
  kept.stage.clock.advance(45 * minute);
  const answers = await Promise.all(Array.from({ length: 1000 }, () => given(kept)));
  assert.deepEqual([new Set(answers), kept.renewals], [new Set(['1']), 1]);
});

test('after the machine slept past the end, the first question waits for the new session and does not get the old one', async (t) => {
  const kept = await keep(t);
  kept.stage.sleep(8 * hour);
  const answers = await Promise.all([given(kept), given(kept)]);
  assert.deepEqual([answers, kept.renewals], [['2', '2'], 1]);
});

test('after a sleep the session is renewed within half a minute, asked or not', async (t) => {
  const kept = await keep(t);
  kept.stage.sleep(8 * hour);
  await kept.stage.pass(minute / 2);
  assert.equal(kept.renewals, 1);
});

test('a clock that is set back renews nothing twice and forgets no pause', async (t) => {
  const kept = await keep(t);
  kept.renew = async () => Promise.reject(unreachable);
  await kept.stage.pass(41 * minute);
  const before = kept.renewals;
  kept.stage.clock.advance(-30 * minute);
  assert.equal(await given(kept), '1');
  await kept.stage.pass(5 * minute);
  assert.equal(kept.renewals, before);
});

test('a question does not wait longer than SDKs do', async (t) => {
  const kept = await keep(t);
  kept.renew = () => new Promise(() => undefined);
  kept.stage.sleep(2 * hour);
  const answer = given(kept);
  await rest();
  await kept.stage.pass(800);
  assert.equal(await answer, 'session-renewing');
});

test('45 (99designs/aws-vault#779): a server whose session needs MFA serves the last one while it lives, and asks AWS and people once', async (t) => {
  const kept = await keep(t);
  kept.renew = async () => Promise.reject(mfaNeeded);
  await kept.stage.pass(59 * minute);
  assert.equal(await given(kept), '1');
  await kept.stage.pass(2 * minute);
  for (let question = 0; question < 5000; question++) assert.equal(await given(kept), 'mfa-needed');
  await kept.stage.pass(24 * hour);
  assert.deepEqual(kept.told, [
    'warning[mfa-needed]: the session cannot be renewed, the present one serves for 20m more: an MFA code is needed (type it)',
    'hint: do this',
  ]);
  // A pause of 5 minutes, once the first ones are over.
  assert.ok(kept.renewals < 24 * 12 + 10, `${kept.renewals} renewals`);
});

test('a session that a person fetched elsewhere is taken at the next question, and said so', async (t) => {
  const kept = await keep(t);
  kept.renew = async () => Promise.reject(mfaNeeded);
  await kept.stage.pass(70 * minute);
  assert.equal(await given(kept), 'mfa-needed');
  kept.elsewhere = () => session(7, start + 3 * hour);
  await kept.stage.pass(1000);
  assert.equal(await given(kept), '7');
  assert.equal(kept.told.at(-1), 'note: the session is renewed, until 2026-03-01T15:00:00Z');
  kept.renew = async (serial) => session(serial, start + 9 * hour);
  await kept.stage.pass(95 * minute);
  assert.notEqual(await given(kept), '7');
});

test('who replaces a revoked session by hand replaces it in the server, half a minute later', async (t) => {
  const kept = await keep(t);
  kept.elsewhere = () => session(9, start + hour + minute);
  await kept.stage.pass(minute / 2);
  assert.deepEqual([await given(kept), kept.renewals, kept.told], ['9', 0, []]);
});

test('an outage of AWS is said once, tried again with growing pauses, and its end is said', async (t) => {
  const kept = await keep(t);
  kept.renew = async () => Promise.reject(unreachable);
  await kept.stage.pass(45 * minute);
  assert.equal(await given(kept), '1');
  assert.ok(kept.renewals >= 3 && kept.renewals <= 6, `${kept.renewals} renewals`);
  kept.renew = async (serial) => session(serial, kept.stage.clock.now() + hour);
  await kept.stage.pass(6 * minute);
  assert.notEqual(await given(kept), '1');
  assert.equal(kept.told.length, 3);
  assert.match(kept.told[1]!, /^hint: it is tried again by itself$/);
  assert.match(kept.told[2]!, /^note: the session is renewed, until /);
});

test('a renewal that hangs is not started twice, and it is said', async (t) => {
  const kept = await keep(t);
  kept.renew = () => new Promise(() => undefined);
  await kept.stage.pass(59 * minute);
  assert.deepEqual([await given(kept), kept.renewals], ['1', 1]);
  assert.match(kept.told[0]!, /^warning\[session-renewing\]: .* has not come to an end within a minute$/);
  assert.equal(kept.told.length, 2);
});

test('a source that gives the same session again is not asked in a circle', async (t) => {
  const kept = await keep(t);
  kept.renew = async () => session(1, start + hour);
  await kept.stage.pass(59 * minute);
  for (let question = 0; question < 100; question++) assert.equal(await given(kept), '1');
  assert.ok(kept.renewals < 12, `${kept.renewals} renewals`);
  await kept.stage.pass(2 * minute);
  assert.equal(await given(kept), 'credentials-expired');
});

test('an unknown end is looked at again after minutes, and never answered as for ever', async (t) => {
  const kept = await keep(t);
  kept.renew = async (serial) => session(serial, undefined);
  await kept.stage.pass(41 * minute);
  kept.elsewhere = () => undefined;
  await kept.stage.pass(20 * minute);
  const found = await kept.keeper.current();
  assert.ok('expiration' in found);
  assert.ok(found.expiration <= kept.stage.clock.now() + 15 * minute);
  assert.ok(found.expiration > kept.stage.clock.now() + 5 * minute);
});

test('a defect while renewing tells nothing of its text to who asks', async (t) => {
  const kept = await keep(t);
  kept.renew = async () => Promise.reject(new Error('secret-1 in a stack'));
  await kept.stage.pass(61 * minute);
  const found = await kept.keeper.current();
  assert.ok(!JSON.stringify([found, kept.told]).includes('secret-1'));
});

test('after stop no timer is left and nothing is renewed', async (t) => {
  const kept = await keep(t);
  kept.keeper.stop();
  assert.equal(kept.stage.timers, 0);
  await kept.stage.pass(3 * hour);
  assert.equal(kept.renewals, 0);
});
