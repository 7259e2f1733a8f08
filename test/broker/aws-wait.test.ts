// A new key of IAM works when it is handed out, where a role or a request asks for that.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { configureAws, keyLives, testCloud, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

async function lateWorld(t: TestContext): Promise<TestCloud & Pick<TestBroker, 'call'>> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud.cloud);
  await cloud.control('POST', 'propagation', { iam: '1s' });
  return { ...cloud, call: broker.call };
}

const lives = ({ as }: TestCloud, { body }: Reply): Promise<boolean> =>
  keyLives(as(body.data['access_key'] as string, body.data['secret_key'] as string));

/** AWS's time stands still, so that it hears of nothing new, or goes on. */
const stopTime = ({ control }: TestCloud, freeze: boolean): Promise<unknown> => control('POST', 'clock', { freeze });

test('without a wait a key is handed out before AWS knows it, as Vault does', async (t) => {
  const world = await lateWorld(t);
  await stopTime(world, true);
  const lent = await world.call('GET', '/v1/aws/creds/deploy');
  assert.deepEqual([lent.status, lent.body['warnings'], await lives(world, lent)], [200, null, false]);
});

test('a request, a role or a mount that asks to wait gets keys that work', async (t) => {
  const world = await lateWorld(t);
  const asked = await world.call('GET', '/v1/aws/creds/deploy?wait_until_usable=20s');
  assert.deepEqual([asked.status, asked.body['warnings'], await lives(world, asked)], [200, null, true]);
  await world.call('POST', '/v1/aws/roles/deploy', { body: { wait_until_usable: '20s' } });
  assert.equal((await world.call('GET', '/v1/aws/roles/deploy')).body.data['wait_until_usable'], '20s');
  const byRole = await world.call('GET', '/v1/aws/creds/deploy');
  assert.equal(await lives(world, byRole), true);
  await stopTime(world, true);
  const unasked = await world.call('POST', '/v1/aws/creds/deploy', { body: { wait_until_usable: 0 } });
  assert.equal(await lives(world, unasked), false);
  await stopTime(world, false);
  await world.call('POST', '/v1/aws/config/stint', { body: { wait_until_usable: 20 } });
  const role = { credential_type: 'iam_user' };
  await world.call('POST', '/v1/aws/roles/plain', { body: role });
  assert.equal(await lives(world, await world.call('GET', '/v1/aws/creds/plain')), true);
});

test('a wait that does not suffice fails nothing and says so', async (t) => {
  const world = await lateWorld(t);
  await stopTime(world, true);
  const lent = await world.call('POST', '/v1/aws/creds/deploy', { body: { wait_until_usable: '1s' } });
  assert.equal(lent.status, 200);
  assert.match(String(lent.body['warnings']), /did not accept the new key everywhere within 1s/);
  assert.equal((await world.lentUsers()).length, 1);
  const tooLong = await world.call('GET', '/v1/aws/creds/deploy?wait_until_usable=5m');
  assert.deepEqual([tooLong.status, tooLong.body.errors[0]], [400, 'wait_until_usable is longer than 55 seconds']);
  assert.equal((await world.lentUsers()).length, 1);
});
