// Every operation of every service, judged by the SDK's own clients: what they write we read back
// equal, and what we write they read back equal, with the least and with every member.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInput, routeRequest, writeFailure, writeOutput } from '../../../src/cloud/protocol/index.ts';
import { serviceModel } from '../../../src/cloud/protocol/models.ts';
import { awsFailure } from '../../../src/cloud/failures.ts';
import type { ServiceId } from '../../../src/cloud/call.ts';
import { modules, type Exports } from '../sdk-modules.ts';
import { sampleOf, type Fullness } from './sample.ts';
import { clientOf, type SdkClient } from './sdk.ts';

type CommandClass = new (input: object) => object;

// What S3's client computes itself, or takes as an order to compute.
const computedByClient: readonly string[] = [
  'ChecksumAlgorithm',
  'SSECustomerKey',
  'SSECustomerKeyMD5',
  'CopySourceSSECustomerKey',
  'CopySourceSSECustomerKeyMD5',
];

// What the client puts into a request when the caller did not.
const addedByClient: Readonly<Record<string, readonly string[]>> = {
  PutObject: ['ContentType'],
  RunInstances: ['ClientToken'],
  CreateLaunchTemplate: ['ClientToken'],
  CreateLaunchTemplateVersion: ['ClientToken'],
  CreateVolume: ['ClientToken'],
  ModifyLaunchTemplate: ['ClientToken'],
  TransactWriteItems: ['ClientRequestToken'],
};

for (const service of Object.keys(modules) as ServiceId[]) {
  const exports = modules[service];
  const offered = Object.entries(serviceModel(service).operations).filter(([, one]) => one.unoffered !== true);

  for (const fullness of ['minimal', 'full'] as const) {
    test(`${service}: every operation's ${fullness} input and output survive the wire`, async () => {
      const problems: string[] = [];
      for (const [name] of offered) {
        const problem = await roundTrip(service, exports, name, fullness);
        if (problem !== undefined) problems.push(`${name}: ${problem}`);
      }
      assert.deepEqual(problems, []);
    });
  }
}

for (const service of Object.keys(modules) as ServiceId[]) {
  test(`${service}: every error of the model reaches the client as itself, with its status`, async () => {
    const exports = modules[service];
    const name = Object.entries(serviceModel(service).operations).find(([, one]) => one.unoffered !== true)![0];
    const input = sampleOf((exports[`${name}$`] as readonly unknown[])[4], 'minimal');
    if ('Bucket' in input) input['Bucket'] = 'bucket-name';
    for (const [code, { status, shape }] of Object.entries(serviceModel(service).errors)) {
      const refuse = awsFailure(code, 'said so', { fields: { Reason: 'BECAUSE' } });
      const client = clientOf(service, (request) => writeFailure(routeRequest(request), refuse, 'request-1'));
      const error: unknown = await client.send(new (exports[`${name}Command`] as CommandClass)(input)).then(
        () => assert.fail('accepted'),
        (one: unknown) => one,
      );
      const { message, $metadata } = error as {
        message: string;
        $metadata: { httpStatusCode: number; requestId: string };
      };
      assert.ok(error instanceof (exports[shape] as typeof Error), `${code} arrives as ${String(error)}`);
      assert.deepEqual([message, $metadata.requestId], ['said so', 'request-1']);
      // S3's model leaves the status of most of its errors out; its page of error codes has them.
      if (service !== 's3') assert.equal($metadata.httpStatusCode, status, code);
    }
  });
}

async function roundTrip(
  service: ServiceId,
  exports: Exports,
  name: string,
  fullness: Fullness,
): Promise<string | undefined> {
  const schema = exports[`${name}$`] as readonly unknown[];
  const input = without(sampleOf(schema[4], fullness), computedByClient);
  if ('Bucket' in input) input['Bucket'] = 'bucket-name';
  // ExpiresString is the client's own second form of Expires.
  const output = without(sampleOf(schema[5], fullness), ['ExpiresString']);
  let seen: object | undefined;
  let problem: string | undefined;
  const client: SdkClient = clientOf(service, (request) => {
    const route = routeRequest(request);
    if (route.operation !== name) problem = `routed to ${route.operation}`;
    seen = parseInput(route, request);
    return writeOutput(route, output, 'request-1');
  });
  try {
    const answer = await client.send(new (exports[`${name}Command`] as CommandClass)(input));
    assert.deepEqual(
      await plain(
        without(
          seen,
          addedByClient[name]?.filter((added) => !(added in input)),
        ),
      ),
      await plain(input),
      'input',
    );
    const { $metadata, ...values } = answer as { $metadata: { requestId?: string } };
    assert.equal($metadata.requestId, 'request-1');
    assert.deepEqual(await plain(decoded(without(values, ['ExpiresString']))), await plain(output), 'output');
  } catch (error) {
    return `${problem ?? ''} ${(error as Error).message.slice(0, 1500)}`;
  }
  return problem;
}

function without(values: object | undefined, names: readonly string[] = []): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values ?? {}).filter(([name]) => !names.includes(name)));
}

/** Streams as bytes, times as numbers; what is empty counts as absent, as S3's headers and bodies cannot tell. */
async function plain(value: unknown): Promise<unknown> {
  if (value instanceof Uint8Array) return [...value];
  if (value instanceof Date) return value.getTime();
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if (typeof value !== 'object' || value === null) return value;
  if ('transformToByteArray' in value) return plain(await (value.transformToByteArray as () => Promise<Uint8Array>)());
  const entries = await Promise.all(
    Object.entries(value).map(async ([key, one]): Promise<[string, unknown]> => [key, await plain(one)]),
  );
  return Object.fromEntries(entries.filter(([, one]) => !isEmpty(one)));
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

/** IAM's documents come back percent-encoded, as from AWS. */
function decoded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decoded);
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  if ('transformToByteArray' in value) return value;
  const entries = Object.entries(value).map(([key, one]): [string, unknown] => [
    key,
    typeof one === 'string' && /^%?[\w.~%-]+$/.test(one) && one.includes('%3C')
      ? decodeURIComponent(one)
      : decoded(one),
  ]);
  return Object.fromEntries(entries);
}
