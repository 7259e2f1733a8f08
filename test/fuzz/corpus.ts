// Requests as the SDK sends them: every offered operation with its least and its fullest input, and with names that
// exist, so that what is made of them reaches the handlers.
import type { ServiceId } from '../../src/cloud/call.ts';
import type { HttpRequest } from '../../src/cloud/http.ts';
import { serviceModel } from '../../src/cloud/protocol/models.ts';
import { modules, type Exports } from '../cloud/sdk-modules.ts';
import { sampleOf } from '../cloud/protocol/sample.ts';
import { clientOf, type SdkClient } from '../cloud/protocol/sdk.ts';

export interface Sample {
  readonly service: ServiceId;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Without those of the signature. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const document = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' },
});
const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Principal: { AWS: '111111111111' }, Action: 'sts:AssumeRole' },
});

/** What stands in a text member of this name; other texts are `fuzz`. */
const values: readonly (readonly [RegExp, string])[] = [
  [/^AssumeRolePolicyDocument$/, trust],
  [/(PolicyDocument|^Policy|^Content|PolicyInputList)$/, document],
  [/^RoleArn$/, 'arn:aws:iam::111111111111:role/fuzz'],
  [/^(PolicyArn|PermissionsBoundary)$/, 'arn:aws:iam::aws:policy/ReadOnlyAccess'],
  [/^Bucket$/, 'fuzz-bucket'],
  [/^(Path|PathPrefix)$/, '/fuzz/'],
  [/^(KeyId|DestinationKeyId)$/, 'alias/fuzz'],
  [/^(AccountId|TargetId|DelegatedAdministratorAccountId)$/, '222222222222'],
  [/^Password$/, 'Fuzz-Fuzz-1234'],
  [/^InstanceIds?$/, 'i-0123456789abcdef0'],
  [/(Type|Status|Format|Spec|Usage|Origin)$/, 'Active'],
];

function withNames(value: unknown, name: string): unknown {
  if (typeof value === 'string') return values.find(([pattern]) => pattern.test(name))?.[1] ?? 'fuzz';
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item) => withNames(item, name));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withNames(member, key)]));
}

const unsigned = /^(?:authorization|x-amz-date|x-amz-content-sha256|host|content-length|amz-sdk-.*|x-amz-user-agent)$/;

async function capture(
  service: ServiceId,
  operation: string,
  send: (client: SdkClient) => Promise<object>,
): Promise<Sample | undefined> {
  let seen: HttpRequest | undefined;
  const client = clientOf(service, (request) => ((seen = request), { status: 500, headers: {}, body: '' }));
  await send(client).catch(() => undefined);
  if (seen === undefined) return undefined;
  const { method, path, query, body } = seen;
  const headers = Object.fromEntries(Object.entries(seen.headers).filter(([name]) => !unsigned.test(name)));
  return { service, operation, method, path, query, headers, body };
}

/** The same list every time. */
export async function corpus(): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (const [service, exports] of Object.entries(modules) as [ServiceId, Exports][]) {
    for (const [operation, model] of Object.entries(serviceModel(service).operations)) {
      const schema = exports[`${operation}$`] as { 4?: unknown } | undefined;
      if (model.unoffered === true || schema === undefined) continue;
      for (const fullness of ['minimal', 'full'] as const) {
        const input = sampleOf(schema[4], fullness) as object;
        for (const one of [input, withNames(input, '') as object]) {
          const Command = exports[`${operation}Command`] as new (input: object) => object;
          const sample = await capture(service, operation, (client) => client.send(new Command(one)));
          if (sample !== undefined) samples.push(sample);
        }
      }
    }
  }
  return samples;
}
