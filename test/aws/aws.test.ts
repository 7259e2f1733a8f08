import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { iamArn, policyArnProblem, rootArn, type Partition } from '../../src/aws/arn.ts';
import { Bucket } from '../../src/aws/budget.ts';
import { caBundle, clientSettings, isLoopback } from '../../src/aws/environment.ts';
import { classifyError, retryDelay, type RetryClass } from '../../src/aws/retry.ts';
import { isFailure, type Millis, type Random } from '../../src/base/index.ts';

interface Cases {
  readonly policyArns: readonly {
    readonly text: string;
    readonly partition: Partition;
    readonly suggestion?: string;
    readonly good?: true;
  }[];
  readonly retries: readonly {
    readonly name: string;
    readonly error: object;
    readonly operation: string;
    readonly input: object;
    readonly made?: readonly string[];
    readonly emptied?: readonly string[];
    readonly class: RetryClass;
  }[];
  readonly settings: readonly {
    readonly name: string;
    readonly env: Record<string, string>;
    readonly expected: object;
  }[];
}

const cases = JSON.parse(readFileSync(new URL('../cases/aws/aws.json', import.meta.url), 'utf8')) as Cases;

const certain = (byte: number): Random => ({ bytes: (length) => new Uint8Array(length).fill(byte) });

/** Time that passes only by sleeping. */
function sleepingTime(): { clock: { now(): Millis }; sleep: (millis: Millis) => Promise<void> } {
  let now = 0;
  return {
    clock: { now: () => now },
    sleep: async (millis) => {
      now += millis;
    },
  };
}

test('ARNs are made in every partition', () => {
  assert.equal(iamArn('aws', '111111111111', 'role', 'r'), 'arn:aws:iam::111111111111:role/r');
  assert.equal(iamArn('aws-cn', '1', 'group', 'g', '/a/b/'), 'arn:aws-cn:iam::1:group/a/b/g');
  assert.equal(rootArn('aws-us-gov', '111111111111'), 'arn:aws-us-gov:iam::111111111111:root');
});

describe('ARNs of managed policies', () => {
  for (const { text, partition, suggestion, good } of cases.policyArns) {
    test(`${text} in ${partition} is ${good === true ? 'taken' : 'refused'}`, () => {
      const problem = policyArnProblem(text, partition);
      if (good === true) assert.equal(problem, undefined);
      else assert.equal(problem?.suggestion, suggestion);
    });
  }
});

describe('refusals', () => {
  for (const it of cases.retries) {
    test(it.name, () => {
      const memory = { made: new Set(it.made), emptied: new Set(it.emptied) };
      assert.equal(classifyError(it.error, it.operation, it.input, memory), it.class);
    });
  }
});

test('waiting grows with the tries, is jittered down to nothing, and ends', () => {
  assert.equal(retryDelay('final', 1, 0, certain(255)), undefined);
  assert.equal(retryDelay('throttling', 1, 0, certain(0)), 0);
  const longest = [1, 2, 3, 4].map((attempt) => retryDelay('throttling', attempt, 0, certain(255)));
  assert.deepEqual(longest, [500, 1000, 2000, 4000]);
  assert.equal(retryDelay('throttling', 60, 0, certain(255)), 20_000);
  assert.equal(retryDelay('propagation', 9, 119_999, certain(255)), 1000);
  assert.equal(retryDelay('propagation', 9, 120_000, certain(255)), undefined);
});

test('a bucket lets a burst through and then keeps to its rate', async () => {
  const { clock, sleep } = sleepingTime();
  const bucket = new Bucket(10, clock, sleep);
  for (let call = 0; call < 80; call++) await bucket.take();
  assert.equal(clock.now(), 0);
  for (let call = 0; call < 20; call++) await bucket.take();
  assert.equal(clock.now(), 2000);
});

test('a throttled bucket halves its rate, forgets what it saved, and recovers slowly', async () => {
  const { clock, sleep } = sleepingTime();
  const bucket = new Bucket(8, clock, sleep);
  bucket.throttled();
  assert.equal(bucket.rate, 4);
  await bucket.take();
  assert.equal(clock.now(), 250);
  for (let call = 0; call < 40; call++) bucket.throttled();
  assert.ok(bucket.rate > 0);
  bucket.succeeded();
  assert.ok(bucket.rate < 1);
  for (let call = 0; call < 200; call++) bucket.succeeded();
  assert.equal(bucket.rate, 8);
});

test('takes of a bucket are served in the order in which they were asked', async () => {
  const { clock, sleep } = sleepingTime();
  const bucket = new Bucket(1, clock, sleep);
  const served: number[] = [];
  await Promise.all(Array.from({ length: 20 }, async (_, call) => bucket.take().then(() => served.push(call))));
  assert.deepEqual(
    served,
    Array.from({ length: 20 }, (_, call) => call),
  );
  assert.equal(clock.now(), 12_000);
});

describe('the AWS environment', () => {
  for (const { name, env, expected } of cases.settings) {
    test(name, () => {
      const { requestHandler: _, ...settings } = clientSettings(env, 'IAM');
      assert.deepEqual(settings, expected);
    });
  }

  test('an endpoint that is no address of a service is refused by the name of its variable', () => {
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_IAM']) {
      for (const endpoint of ['foo', 'localhost:4566', 'ftp://127.0.0.1']) {
        assert.throws(
          () => clientSettings({ [name]: endpoint }, 'IAM'),
          (error) => isFailure(error) && error.code === 'invalid-aws-setting' && error.message.includes(`\`${name}\``),
        );
      }
    }
  });

  test('a CA bundle that cannot be read is refused', () => {
    assert.throws(
      () => clientSettings({ AWS_CA_BUNDLE: '/does/not/exist.pem' }, 'STS'),
      (error) => isFailure(error) && error.code === 'invalid-aws-setting',
    );
  });

  test('a CA bundle that has changed is read anew, and one that cannot be seen any more is refused', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'stint-bundle-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const env = { AWS_CA_BUNDLE: join(folder, 'ca.pem') };
    writeFileSync(env.AWS_CA_BUNDLE, 'one');
    assert.equal(caBundle(env), 'one');
    // Replaced by another of the same length, as certificates are renewed.
    writeFileSync(`${env.AWS_CA_BUNDLE}.new`, 'two');
    renameSync(`${env.AWS_CA_BUNDLE}.new`, env.AWS_CA_BUNDLE);
    assert.equal(caBundle(env), 'two');
    rmSync(env.AWS_CA_BUNDLE);
    assert.throws(
      () => caBundle(env),
      (error) => isFailure(error) && error.code === 'invalid-aws-setting',
    );
  });

  test('an AWS on this machine is known by its endpoint', () => {
    assert.equal(isLoopback({ AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' }), true);
    assert.equal(isLoopback({ AWS_ENDPOINT_URL: 'https://aws.example.com' }), false);
    assert.equal(isLoopback({}), false);
  });
});
