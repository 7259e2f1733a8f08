// Where calls go: regions and endpoints as cases, and STS fallbacks over HTTP with endpoints that are dead.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import type { RootConfig } from '../../src/broker/engines/aws/config.ts';
import { iamTarget, stsTargets, type Target } from '../../src/broker/engines/aws/endpoints.ts';
import { account, configureAws, leasesOf, testCloud, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

interface Case {
  readonly name: string;
  readonly config: Partial<RootConfig>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly iam: readonly [string, string];
  readonly sts: readonly (readonly [string, string])[];
}

const { cases } = JSON.parse(readFileSync(new URL('../cases/broker/aws-endpoints.json', import.meta.url), 'utf8')) as {
  cases: readonly Case[];
};

const unset = {
  region: '',
  iamEndpoint: '',
  stsEndpoint: '',
  stsRegion: '',
  stsFallbackEndpoints: [],
  stsFallbackRegions: [],
} as const;

describe('calls go', () => {
  for (const { name, config, environment = {}, iam, sts } of cases) {
    test(name, () => {
      const whole = { ...unset, ...config } as RootConfig;
      const pair = ({ endpoint, region }: Target): readonly [string, string] => [endpoint, region];
      assert.deepEqual(pair(iamTarget(whole, environment)), iam);
      assert.deepEqual(stsTargets(whole, environment).map(pair), sts);
    });
  }
});

interface World extends TestCloud {
  readonly call: TestBroker['call'];
  readonly configure: (endpoint: string, ...fallbacks: string[]) => Promise<Reply>;
  readonly lend: () => Promise<Reply>;
}

async function lending(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud.cloud);
  const { call } = broker;
  await call('POST', '/v1/aws/roles/s', { body: { credential_type: 'session_token' } });
  return {
    ...cloud,
    call,
    configure: (sts_endpoint, ...fallbacks) =>
      call('POST', '/v1/aws/config/root', {
        body: {
          sts_endpoint,
          sts_fallback_endpoints: fallbacks,
          sts_fallback_regions: fallbacks.map(() => 'us-east-1'),
        },
      }),
    lend: () => call('GET', '/v1/aws/sts/s'),
  };
}

/** An endpoint that answers everything with this status, counts, and can be let go. */
async function failing(
  t: TestContext,
  status: number,
): Promise<{ address: string; seen: () => number; server: Server }> {
  let seen = 0;
  const server = createServer((_, response) => {
    seen++;
    response.writeHead(status, { connection: 'close' }).end('<Error/>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen: () => seen, server };
}

/** Nobody listens there. */
const dead = 'http://127.0.0.1:1';

describe('with STS fallbacks', () => {
  test('a dead endpoint does not fail a request as long as another lives', async (t) => {
    const { cloud, configure, lend } = await lending(t);
    for (const endpoints of [
      [dead, cloud.endpoint],
      [dead, dead, cloud.endpoint],
      [cloud.endpoint, dead],
    ] as const) {
      await configure(...(endpoints as readonly [string, ...string[]]));
      const lent = await lend();
      assert.equal(lent.status, 200, JSON.stringify(lent.body));
    }
  });

  test('the choice is kept: the others are asked once, not for every request', async (t) => {
    const { cloud, configure, lend } = await lending(t);
    const bad = await failing(t, 503);
    await configure(bad.address, cloud.endpoint);
    for (let times = 0; times < 3; times++) assert.equal((await lend()).status, 200);
    assert.equal(bad.seen(), 1);
  });

  test('an endpoint that dies later is left for the next', async (t) => {
    const { cloud, configure, lend, control } = await lending(t);
    await configure(cloud.endpoint, cloud.endpoint);
    assert.equal((await lend()).status, 200);
    const error = { code: 'ServiceUnavailable', status: 503, message: 'as ordered' };
    const order = { service: 'sts', operation: 'GetSessionToken', when: 'before', count: 1, error, account };
    await control('POST', 'faults', order);
    assert.equal((await lend()).status, 200);
  });

  test('a refusal is told as it is: another endpoint would refuse too', async (t) => {
    const { cloud, configure, lend, control } = await lending(t);
    await configure(cloud.endpoint, dead);
    const error = { code: 'AccessDenied', status: 403, message: 'as ordered' };
    await control('POST', 'faults', {
      service: 'sts',
      operation: 'GetSessionToken',
      when: 'before',
      count: 1,
      error,
      account,
    });
    const refused = await lend();
    assert.equal(refused.status, 400);
    assert.match(refused.body.errors[0]!, /^Error generating STS keys: AccessDenied: as ordered\n\tstatus code: 403/);
  });

  test('when none answers, that is told, and asked again for the next request', async (t) => {
    const { cloud, configure, lend, control } = await lending(t);
    const bad = await failing(t, 503);
    await configure(dead, bad.address);
    const refused = await lend();
    assert.deepEqual([refused.status, refused.body.errors], [400, ['could not obtain sts client']]);
    await configure(bad.address, cloud.endpoint);
    const error = { code: 'ServiceUnavailable', status: 503, message: 'as ordered' };
    await control('POST', 'faults', {
      service: 'sts',
      operation: 'GetCallerIdentity',
      when: 'before',
      count: 1,
      error,
      account,
    });
    assert.equal((await lend()).status, 400);
    assert.equal((await lend()).status, 200);
  });
});

describe('a configuration that cannot work', () => {
  test('is told as that: no AWS at the endpoint, and nothing of the SDK', async (t) => {
    const { call } = await lending(t);
    const page = createServer((_, response) => {
      response
        .writeHead(404, { connection: 'close', 'content-type': 'text/html' })
        .end('<html><p>secret page<br></html>');
    });
    await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
    t.after(() => page.close());
    const iam_endpoint = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
    await call('POST', '/v1/aws/config/root', { body: { iam_endpoint } });
    const refused = await call('GET', '/v1/aws/creds/deploy');
    assert.deepEqual(
      [refused.status, refused.body.errors],
      [
        400,
        [
          'Error creating IAM user: SerializationError: failed to unmarshal error message\n\tstatus code: 404, request id: ',
        ],
      ],
    );
  });

  test('with a key or region that no header can hold, makes and keeps nothing', async (t) => {
    const { call } = await lending(t);
    for (const [body, text] of [
      [{ access_key: 'AKIA\u{1F600}', secret_key: 'x' }, /^`access_key` holds a character that cannot be sent/],
      [{ access_key: 'AKIA\nX: y' }, /^`access_key` holds/],
      [{ access_key: 'AKIA', region: '../x y' }, /^`..\/x y` is not the name of a region/],
    ] as const) {
      await call('POST', '/v1/aws/config/root', { body });
      const refused = await call('GET', '/v1/aws/creds/deploy');
      assert.equal(refused.status, 400);
      assert.match(refused.body.errors[0]!, text);
    }
    const unended = (await leasesOf({ call })).filter(({ state }) => state !== 'dead');
    assert.deepEqual(unended, []);
  });
});
