// What the AWS SDK for Go v2 demands of the answers, by its rules: feature/ec2/imds (token, identity document, IAM
// info), credentials/ec2rolecreds and credentials/endpointcreds. Its parsers are strict where others guess.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Failure, Secret } from '../../../src/base/index.ts';
import { loadMetadata } from '../../../src/assume/index.ts';
import { askPort, keep, minute, type Kept, type Reply } from './support.ts';

/** `time.Time` in JSON is RFC 3339: a `T`, seconds, at most a fraction, and a zone. Others want `Z` and no fraction. */
function goTime(value: unknown): number {
  assert.match(String(value), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  return Date.parse(String(value));
}

/** `encoding/json` puts only a JSON string, or null, into a Go string. */
function goString(value: unknown): string {
  assert.ok(value === undefined || value === null || typeof value === 'string');
  return value ?? '';
}

async function open(t: TestContext, kind: 'ecs' | 'imds') {
  const kept = await keep(t);
  const { startMetadata } = await loadMetadata();
  const roles = [{ roleArn: 'arn:aws:iam::222222222222:role/app', sessionName: 'alice' }];
  const credentials = { accessKeyId: 'AKIA1', secretAccessKey: new Secret('s') };
  const source = { kind: 'keys', from: 'x', credentials } as const;
  const tools = { clock: kept.stage.clock, read: () => undefined, user: undefined };
  const server = await startMetadata(kind, { roles, source, region: 'eu-west-1' }, kept.keeper, tools);
  t.after(() => server.close());
  return { ...kept, kept, ...server };
}

/** As `imds.Client`: a token of five minutes, then one page with it. */
async function goImds(port: number, path: string): Promise<Reply> {
  const headers = {
    'x-aws-ec2-metadata-token-ttl-seconds': '300',
    'user-agent': 'aws-sdk-go-v2/1.48.0 ua/2.1 os/linux',
  };
  const token = await askPort(port, '/latest/api/token', { method: 'PUT', headers });
  assert.equal(token.status, 200);
  // strconv.ParseInt(resp.Header.Get(tokenTTLHeader), 10, 64): an empty header is an error.
  assert.match(String(token.headers['x-aws-ec2-metadata-token-ttl-seconds']), /^-?\d+$/);
  assert.notEqual(token.body, '');
  return askPort(port, path, { headers: { 'x-aws-ec2-metadata-token': token.body } });
}

test('Go finds the role by its first line, and reads the session of it', async (t) => {
  const { port } = await open(t, 'imds');
  const list = await goImds(port, '/latest/meta-data/iam/security-credentials/');
  const [name] = list.body.split('\n');
  assert.equal(name, 'app');
  // path.Join drops a slash at the end.
  const { status, body } = await goImds(port, `/latest/meta-data/iam/security-credentials/${name}`);
  const found = JSON.parse(body) as Record<string, unknown>;
  assert.deepEqual([status, goString(found['Code']).toLowerCase()], [200, 'success']);
  for (const member of ['AccessKeyId', 'SecretAccessKey', 'Token']) assert.notEqual(goString(found[member]), '');
  assert.ok(goTime(found['Expiration']) > goTime(found['LastUpdated']));
});

test('Go reads the region from the identity document, which has texts, lists or nothing, and a time', async (t) => {
  const { port } = await open(t, 'imds');
  const { body } = await goImds(port, '/latest/dynamic/instance-identity/document');
  const { pendingTime, devpayProductCodes, marketplaceProductCodes, billingProducts, ...texts } = JSON.parse(
    body,
  ) as Record<string, unknown>;
  goTime(pendingTime);
  for (const list of [devpayProductCodes, marketplaceProductCodes, billingProducts])
    assert.ok(list === null || Array.isArray(list));
  for (const value of Object.values(texts)) goString(value);
  assert.equal(texts['region'], 'eu-west-1');
});

test('Go reads the IAM info only with the code of a success', async (t) => {
  const { port } = await open(t, 'imds');
  const found = JSON.parse((await goImds(port, '/latest/meta-data/iam/info')).body) as Record<string, unknown>;
  assert.equal(goString(found['Code']).toLowerCase(), 'success');
  goTime(found['LastUpdated']);
  assert.match(goString(found['InstanceProfileArn']), /^arn:aws:iam::222222222222:instance-profile\/app$/);
  assert.match(goString(found['InstanceProfileId']), /^AIPA[A-Z0-9]{17}$/);
});

/** As `endpointcreds`: loopback only, the token as it is, JSON by its exact content type. */
async function goEndpoint({ variables }: { readonly variables: Readonly<Record<string, string>> }): Promise<Reply> {
  const uri = new URL(variables['AWS_CONTAINER_CREDENTIALS_FULL_URI']!);
  assert.ok(uri.protocol === 'http:' && uri.hostname === '127.0.0.1');
  const authorization = variables['AWS_CONTAINER_AUTHORIZATION_TOKEN']!;
  // Go refuses a token that would begin another header.
  assert.doesNotMatch(authorization, /[\r\n]/);
  return askPort(Number(uri.port), uri.pathname, { headers: { accept: 'application/json', authorization } });
}

test('Go reads the session of a container endpoint', async (t) => {
  const { status, body } = await goEndpoint(await open(t, 'ecs'));
  assert.equal(status, 200);
  const found = JSON.parse(body) as Record<string, unknown>;
  for (const member of ['AccessKeyId', 'SecretAccessKey', 'Token']) assert.notEqual(goString(found[member]), '');
  assert.equal(goString(found['AccountId']), '222222222222');
  goTime(found['Expiration']);
});

test('Go shows Code and Message of a refusal, for it comes as application/json without parameters', async (t) => {
  const opened = await open(t, 'ecs');
  failRenewals(opened.kept);
  await opened.stage.pass(61 * minute);
  const { status, headers, body } = await goEndpoint(opened);
  assert.deepEqual([status, headers['content-type']], [403, 'application/json']);
  assert.deepEqual(JSON.parse(body), { Code: 'mfa-needed', Message: 'a code is needed (type it)' });
});

function failRenewals(kept: Kept): void {
  kept.renew = async () =>
    Promise.reject(new Failure('mfa-needed', 'a code is needed', { status: 401, hint: 'type it' }));
}
