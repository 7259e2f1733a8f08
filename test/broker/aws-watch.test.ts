// The numbers of AWS calls, with every try and how it ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configureAws, testCloud } from './aws-support.ts';
import { testBroker } from './support.ts';

test('calls of AWS are counted by operation and outcome, throttled ones apart', async (t) => {
  const { cloud, control } = await testCloud((end) => t.after(end));
  const world = await testBroker((end) => t.after(end), { openMetrics: true });
  await configureAws(world, cloud);
  await world.call('GET', '/v1/aws/creds/deploy');
  const fault = {
    service: 'iam',
    operation: 'CreateUser',
    count: 1,
    when: 'before',
    error: { code: 'Throttling', status: 400 },
  };
  await control('POST', 'faults', fault);
  assert.equal((await world.call('GET', '/v1/aws/creds/deploy')).status, 502);
  const reply = await fetch(`${world.broker.address}/metrics`, { headers: { connection: 'close' } });
  const text = await reply.text();
  for (const outcome of ['ok', 'throttled']) {
    const line = `stint_aws_calls_total{service="iam",operation="CreateUser",outcome="${outcome}"} 1`;
    assert.ok(text.includes(line), line);
  }
  assert.match(text, /^stint_aws_call_seconds_count\{service="iam",operation="CreateUser"\} 2$/m);
});
