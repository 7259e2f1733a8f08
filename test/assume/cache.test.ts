import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AdjustableClock, isFailure, Secret } from '../../src/base/index.ts';
import { refreshMargin, requestIdentity, SessionCache } from '../../src/assume/cache.ts';
import type { RoleLink, SessionRequest } from '../../src/assume/model.ts';
import { temporaryHome } from './support.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const hour = 3_600_000;
const role: RoleLink = { roleArn: 'arn:aws:iam::222222222222:role/x', sessionName: 'alice' };

function request(overrides: Partial<SessionRequest> = {}): SessionRequest {
  return {
    target: 'dev',
    source: {
      kind: 'keys',
      from: 'x',
      credentials: { accessKeyId: 'AKIA1', secretAccessKey: new Secret('long-term secret') },
    },
    roles: [role],
    sts: { url: 'https://sts.amazonaws.com', signingRegion: 'us-east-1' },
    region: 'eu-west-1',
    settings: {},
    ...overrides,
  };
}

const issued = {
  accessKeyId: 'ASIA1',
  secretAccessKey: new Secret('s'),
  sessionToken: new Secret('t'),
  expiration: start + hour,
};
const identity = requestIdentity(request());

const otherRoles: readonly Partial<RoleLink>[] = [
  { roleArn: 'arn:aws:iam::222222222222:role/y' },
  { sessionName: 'bob' },
  { durationSeconds: 900 },
  { externalId: 'x1' },
  { sourceIdentity: 'alice' },
  { callerIdentity: true },
  { policy: '{}' },
  { policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] },
  { tags: { team: 'x' } },
  { tags: { team: 'y' } },
  { tags: { team: 'x' }, transitiveTags: ['team'] },
];
const instance = {
  kind: 'instance',
  from: 'x',
  url: 'http://127.0.0.1:1',
  isChosen: true,
  allowsVersion1: true,
  patience: 1000,
  attempts: 1,
} as const;
const token = { kind: 'web-identity', from: 'x', token: { file: '/t' }, place: 'config:1' } as const;
const otherSources: readonly SessionRequest['source'][] = [
  { kind: 'keys', from: 'x', credentials: { accessKeyId: 'AKIA2', secretAccessKey: new Secret('s') } },
  { kind: 'process', from: 'x', profile: 'a', command: 'get', place: 'config:1' },
  { kind: 'process', from: 'x', profile: 'b', command: 'get', place: 'config:1' },
  instance,
  { ...instance, url: 'http://127.0.0.1:2' },
  { kind: 'container', from: 'x', url: 'http://127.0.0.1/a', place: 'X' },
  { kind: 'container', from: 'x', url: 'http://127.0.0.1/b', place: 'X' },
  { kind: 'container', from: 'x', url: 'http://127.0.0.1/b', place: 'X', subject: 'pod' },
  token,
  { ...token, token: { file: '/u' } },
  { ...token, subject: '["issuer","alice"]' },
  { ...token, subject: '["issuer","bob"]' },
  { ...token, token: { process: 'get', profile: 'a' } },
];

test('whatever AWS sees, or decides by, makes another session; what it does not see makes none', () => {
  const different = [
    ...otherRoles.map((other) => request({ roles: [{ ...role, ...other }] })),
    ...otherSources.map((source) => request({ source })),
    request({ roles: [role, role] }),
    request({ roles: [], durationSeconds: 900 }),
    request({ mfaSerial: 'arn:aws:iam::111111111111:mfa/alice' }),
    request({ sts: { url: 'https://sts.eu-west-1.amazonaws.com', signingRegion: 'us-east-1' } }),
    request({ sts: { url: 'https://sts.amazonaws.com', signingRegion: 'eu-west-1' } }),
  ].map(requestIdentity);
  assert.equal(new Set([identity, ...different]).size, different.length + 1);
  const same: readonly Partial<SessionRequest>[] = [
    { target: 'other' },
    { region: 'us-west-2' },
    { settings: { AWS_ENDPOINT_URL: 'http://127.0.0.1' } },
    { mfaCommand: { kind: 'ykman', place: 'config:3' } },
    { roles: [{ ...role, tags: undefined, externalId: undefined }] },
  ];
  for (const overrides of same) assert.equal(requestIdentity(request(overrides)), identity);
});

function open(t: TestContext): { cache: SessionCache; clock: AdjustableClock; folder: string; file: () => string } {
  const clock = new AdjustableClock({ now: () => start });
  const folder = join(temporaryHome(t, ''), 'sessions');
  const file = (): string =>
    join(
      folder,
      readdirSync(folder).find((name) => name.endsWith('.json'))!,
    );
  return { cache: new SessionCache(folder, clock), clock, folder, file };
}

test('a kept session comes back as it was, until the margin before its end', (t) => {
  const { cache, clock } = open(t);
  cache.write(identity, request(), issued);
  const kept = cache.read(identity);
  assert.deepEqual(
    [kept?.credentials.accessKeyId, kept?.credentials.secretAccessKey.reveal(), kept?.credentials.expiration],
    ['ASIA1', 's', issued.expiration],
  );
  clock.advance(hour - 15 * 60_000 - 1);
  assert.notEqual(cache.read(identity), undefined);
  clock.advance(1);
  assert.equal(cache.read(identity), undefined);
});

test('the margin is a quarter of a short life, and 15 minutes of a long one', () => {
  assert.deepEqual(
    [refreshMargin(900_000), refreshMargin(hour), refreshMargin(12 * hour)],
    [225_000, 900_000, 900_000],
  );
});

test('a clock that is set back makes no old session young again', (t) => {
  const { cache, clock } = open(t);
  cache.write(identity, request(), issued);
  clock.set(start - 30_000);
  assert.notEqual(cache.read(identity), undefined);
  clock.set(start - 61_000);
  assert.equal(cache.read(identity), undefined);
});

const others: Readonly<Record<string, SessionRequest>> = {
  source: request({
    source: { kind: 'keys', from: 'x', credentials: { accessKeyId: 'AKIA2', secretAccessKey: new Secret('s') } },
  }),
  process: request({ source: { kind: 'process', from: 'x', profile: 'p', command: 'AKIA1', place: '' } }),
  'role ARN': request({ roles: [{ ...role, roleArn: `${role.roleArn}y` }] }),
  'session name': request({ roles: [{ ...role, sessionName: 'bob' }] }),
  duration: request({ roles: [{ ...role, durationSeconds: 900 }] }),
  'external id': request({ roles: [{ ...role, externalId: 'e' }] }),
  policy: request({ roles: [{ ...role, policy: '{}' }] }),
  'policy ARNs': request({ roles: [{ ...role, policyArns: ['arn:aws:iam::aws:policy/A'] }] }),
  tags: request({ roles: [{ ...role, tags: { a: 'b' } }] }),
  'transitive tags': request({ roles: [{ ...role, transitiveTags: ['a'] }] }),
  'source identity': request({ roles: [{ ...role, sourceIdentity: 'alice' }] }),
  'a longer chain': request({ roles: [role, role] }),
  'MFA device': request({ mfaSerial: 'arn:aws:iam::111111111111:mfa/alice' }),
  endpoint: request({ sts: { url: 'http://127.0.0.1:4566', signingRegion: 'us-east-1' } }),
  'signing region': request({ sts: { url: 'https://sts.amazonaws.com', signingRegion: 'eu-west-1' } }),
};

for (const [what, other] of Object.entries(others)) {
  test(`a session is never served for another ${what}`, (t) => {
    const { cache } = open(t);
    cache.write(identity, request(), issued);
    assert.equal(cache.read(requestIdentity(other)), undefined);
  });
}

test('a session is shared by targets that ask for the same thing', () => {
  assert.equal(
    requestIdentity(request({ target: 'other', region: 'us-east-1', settings: { AWS_CA_BUNDLE: 'x' } })),
    identity,
  );
});

test('a file that another request left under the same name is not taken', (t) => {
  const { cache, file } = open(t);
  cache.write(identity, request(), issued);
  writeFileSync(file(), readFileSync(file(), 'utf8').replace('AKIA1', 'AKIA2'));
  assert.equal(cache.read(identity), undefined);
});

test('folder and files are private, also when the folder was not', (t) => {
  const { cache, folder, file } = open(t);
  mkdirSync(folder, { mode: 0o755 });
  chmodSync(folder, 0o755);
  cache.write(identity, request(), issued);
  assert.deepEqual([statSync(folder).mode & 0o777, statSync(file()).mode & 0o777], [0o700, 0o600]);
});

test("the source's own secret is never written", (t) => {
  const { cache, folder } = open(t);
  cache.write(identity, request(), issued);
  for (const name of readdirSync(folder))
    assert.ok(!readFileSync(join(folder, name), 'utf8').includes('long-term secret'));
});

for (const [what, text] of Object.entries({
  empty: '',
  'cut off': '{"version":1,"requ',
  'another JSON': '[1]',
  'JSON null': 'null',
  'without a token': '{"version":1}',
  'an older form': '{"version":0}',
})) {
  test(`a damaged file counts as none and is replaced: ${what}`, (t) => {
    const { cache, file } = open(t);
    cache.write(identity, request(), issued);
    writeFileSync(file(), text);
    assert.equal(cache.read(identity), undefined);
    assert.deepEqual(cache.list(), []);
    cache.write(identity, request(), issued);
    assert.notEqual(cache.read(identity), undefined);
  });
}

test('a file of a newer Stint is refused, not overwritten', (t) => {
  const { cache, file } = open(t);
  cache.write(identity, request(), issued);
  writeFileSync(file(), '{"version":2}');
  assert.throws(
    () => cache.read(identity),
    (error) => isFailure(error) && error.code === 'cache-version' && error.message.includes(file()),
  );
});

test('a symbolic link in place of a file is not followed', (t) => {
  const { cache, file, folder } = open(t);
  cache.write(identity, request(), issued);
  const real = join(folder, 'elsewhere');
  const name = file();
  writeFileSync(real, readFileSync(name, 'utf8'));
  cache.remove(cache.list());
  symlinkSync(real, name);
  assert.equal(cache.read(identity), undefined);
});

test('sessions that ended long ago are swept, and drafts of killed processes with them', (t) => {
  const { cache, folder } = open(t);
  mkdirSync(folder);
  const stale = ['0'.repeat(32) + '.json', '1'.repeat(32) + '.json.77.tmp', '2'.repeat(32) + '.lock'];
  for (const name of [...stale, 'foreign.txt']) {
    writeFileSync(join(folder, name), 'x');
    utimesSync(join(folder, name), new Date(0), new Date(0));
  }
  cache.write(identity, request(), issued);
  assert.deepEqual(
    stale.filter((name) => existsSync(join(folder, name))),
    [],
  );
  assert.ok(existsSync(join(folder, 'foreign.txt')));
});

test('removing all takes damaged files too and leaves what is not ours', (t) => {
  const { cache, folder, file } = open(t);
  cache.write(identity, request(), issued);
  writeFileSync(file(), 'damaged');
  writeFileSync(join(folder, 'foreign.txt'), 'x');
  assert.equal(cache.removeAll(), 1);
  assert.deepEqual(readdirSync(folder), ['foreign.txt']);
});
