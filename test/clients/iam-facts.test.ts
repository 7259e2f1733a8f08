// What AWS's IAM and STS answer, as facts of test/clients/python/facts, asked with boto3. See facts.py for their form.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, skipUnless, startCloudProcess } from './support.ts';

interface Asked {
  readonly fact: string;
  readonly wrong: readonly string[];
}

test('boto3: IAM and STS answer as AWS does', { skip: skipUnless('python') }, async (t) => {
  const cloud = await startCloudProcess(t);
  const { code, stdout, stderr } = await run('python', ['test/clients/python/facts.py'], cloud.admin('dev'));
  assert.equal(code, 0, stderr);
  for (const { fact, wrong } of JSON.parse(stdout) as readonly Asked[]) {
    await t.test(fact, () => assert.deepEqual(wrong, []));
  }
});
