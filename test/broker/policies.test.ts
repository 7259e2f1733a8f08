// sys/policies, sys/policy, sys/capabilities and sys/internal/ui/resultant-acl over HTTP. Statuses,
// texts and shapes as OpenBao 2.7 answers them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testBroker, type Reply, type TestBroker } from './support.ts';

type Caller = TestBroker['call'];

async function tokenWith(call: Caller, policies: readonly string[]): Promise<string> {
  const { auth } = (await call('POST', '/v1/auth/token/create', { body: { policies } })).body;
  return (auth as { client_token: string }).client_token;
}

const read = 'path "a" { capabilities = ["read"] }';
const errors = ({ status, body }: Reply): unknown => [status, body.errors[0]];

test('a policy is written, read, listed, enforced and deleted', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  const policy = 'path "aws/roles/team-*" { capabilities = ["read", "update"] }';
  assert.equal((await call('PUT', '/v1/sys/policies/acl/team', { body: { policy } })).status, 204);
  assert.equal((await call('GET', '/v1/sys/policies/acl/team')).body.data['policy'], policy);
  assert.equal((await call('GET', '/v1/sys/policy/team')).body['rules'], policy);
  assert.deepEqual((await call('LINK', '/v1/sys/policies/acl')).body.data['keys'], ['default', 'team', 'root']);
  const token = await tokenWith(call, ['team']);
  const role = { credential_type: 'iam_user' };
  assert.equal((await call('POST', '/v1/aws/roles/team-a', { token, body: role })).status, 204);
  const refused = await call('POST', '/v1/aws/roles/other', { token, body: role });
  assert.deepEqual(errors(refused), [403, '1 error occurred:\n\t* permission denied\n\n']);
  assert.match(String(refused.body['hint']), /ask whoever writes policies for `update` on `aws\/roles\/other`/);
  assert.equal((await call('DELETE', '/v1/sys/policies/acl/team')).status, 204);
  assert.equal((await call('GET', '/v1/aws/roles/team-a', { token })).status, 403);
  assert.deepEqual((await call('GET', '/v1/sys/policies/acl/team')).body, { errors: [] });
});

test('a policy has a version, which `cas` is compared with', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const write = (body: object): Promise<Reply> =>
    call('PUT', '/v1/sys/policies/acl/p', { body: { policy: read, ...body } });
  assert.deepEqual(errors(await write({ cas: 3 })), [400, 'check-and-set parameter did not match the current version']);
  assert.equal((await write({ cas: -1 })).status, 204);
  assert.deepEqual(errors(await write({ cas: -1 })), [400, 'check-and-set parameter set to -1 on existing entry']);
  assert.equal((await write({ cas: 1, cas_required: true })).status, 204);
  assert.deepEqual(errors(await write({})), [400, 'check-and-set parameter required for this call']);
  const { data } = (await call('GET', '/v1/sys/policies/acl/p')).body;
  assert.deepEqual([data['version'], data['cas_required'], data['name']], [2, true, 'p']);
  assert.match(String(data['modified']), /^\d{4}-/);
});

test('a patch changes what it names', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const headers = { 'Content-Type': 'application/merge-patch+json' };
  const patch = (name: string, body: object): Promise<Reply> =>
    call('PATCH', `/v1/sys/policies/acl/${name}`, { headers, body });
  await call('PUT', '/v1/sys/policies/acl/p', { body: { policy: read } });
  assert.equal((await patch('p', { cas_required: true })).status, 200);
  const { data } = (await call('GET', '/v1/sys/policies/acl/p')).body;
  assert.deepEqual([data['policy'], data['cas_required'], data['version']], [read, true, 2]);
  assert.deepEqual(errors(await patch('nope', {})), [404, 'policy not found']);
});

test('names are in lower case, may have slashes and any letter, and are listed below a prefix', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const written = await call('PUT', '/v1/sys/policies/acl/Team', { body: { policy: read } });
  assert.deepEqual([written.status, written.body['warnings']], [200, ['policy name was converted to team']]);
  await call('PUT', '/v1/sys/policies/acl/a/b', { body: { policy: read } });
  assert.deepEqual((await call('LIST', '/v1/sys/policies/acl/a')).body.data['keys'], ['a/b']);
  assert.equal((await call('LIST', '/v1/sys/policies/acl/zzz')).status, 404);
  const { data } = (await call('LIST', '/v1/sys/policies/detailed/acl')).body;
  assert.deepEqual(data['keys'], ['a/b', 'default', 'team', 'root']);
  assert.equal((data['key_info'] as Record<string, { policy: string }>)['team']!.policy, read);
});

test('a policy that has expired is gone, and so is what it allowed', async (t) => {
  const { call, clock } = await testBroker((end) => t.after(end));
  const policy = 'path "sys/policies/acl/*" { capabilities = ["read"] }';
  await call('PUT', '/v1/sys/policies/acl/p', { body: { policy, ttl: '1h' } });
  const token = await tokenWith(call, ['p']);
  assert.equal((await call('GET', '/v1/sys/policies/acl/default', { token })).status, 200);
  clock.advance(3_600_000);
  assert.equal((await call('GET', '/v1/sys/policies/acl/default', { token })).status, 403);
  assert.equal((await call('GET', '/v1/sys/policies/acl/p')).status, 404);
  assert.deepEqual((await call('LIST', '/v1/sys/policies/acl')).body.data['keys'], ['default', 'root']);
  const both = { policy, ttl: '1h', expiration: '2030-01-01T00:00:00Z' };
  assert.deepEqual(errors(await call('PUT', '/v1/sys/policies/acl/p', { body: both })), [
    400,
    "cannot supply both 'expiration' and 'ttl' for policies",
  ]);
  const past = { policy, expiration: '2020-01-01T00:00:00Z' };
  assert.deepEqual(errors(await call('PUT', '/v1/sys/policies/acl/p', { body: past })), [
    400,
    'refusing to update policy as expiration time has already elapsed',
  ]);
});

test('a rule that expires stops allowing without another write', async (t) => {
  const { call, clock } = await testBroker((end) => t.after(end));
  const until = new Date(clock.now() + 60_000).toISOString();
  const policy = `path "sys/policies/acl" { capabilities = ["list"] expiration = "${until}" }`;
  await call('PUT', '/v1/sys/policies/acl/p', { body: { policy } });
  const token = await tokenWith(call, ['p']);
  assert.equal((await call('LIST', '/v1/sys/policies/acl', { token })).status, 200);
  clock.advance(61_000);
  assert.equal((await call('LIST', '/v1/sys/policies/acl', { token })).status, 403);
});

test('what cannot be a policy is refused with its place', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const put = (body: object, name = 'x'): Promise<Reply> => call('PUT', `/v1/sys/policies/acl/${name}`, { body });
  assert.deepEqual(errors(await put({})), [400, "'policy' parameter not supplied or empty"]);
  assert.deepEqual(errors(await put({ policy: '' })), [400, "'policy' parameter not supplied or empty"]);
  assert.deepEqual(errors(await put({ policy: 'path "a" { capabilities = ["x"] }' })), [
    400,
    'failed to parse policy: path "a": invalid capability "x"',
  ]);
  assert.deepEqual(errors(await put({ policy: read }, 'root')), [400, 'cannot update "root" policy']);
  assert.deepEqual(errors(await call('DELETE', '/v1/sys/policies/acl/root')), [400, 'cannot delete "root" policy']);
  assert.deepEqual(errors(await call('DELETE', '/v1/sys/policies/acl/default')), [400, 'cannot delete default policy']);
  assert.equal((await put({ policy: read }, 'response-wrapping')).status, 400);
  assert.equal((await call('GET', '/v1/sys/policies/acl/response-wrapping')).status, 200);
  assert.equal((await call('DELETE', '/v1/sys/policies/acl/nope')).status, 204);
  assert.equal((await call('GET', '/v1/sys/policies/acl')).status, 405);
});

test('the text may come in base64, and by the old path as `rules`', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const policy = Buffer.from(read).toString('base64');
  assert.equal((await call('PUT', '/v1/sys/policies/acl/p', { body: { policy } })).status, 204);
  assert.equal((await call('GET', '/v1/sys/policies/acl/p')).body.data['policy'], read);
  const old = await call('PUT', '/v1/sys/policy/q', { body: { rules: read } });
  assert.deepEqual(old.body['warnings'], ["'rules' is deprecated, please use 'policy' instead"]);
  assert.deepEqual((await call('GET', '/v1/sys/policy')).body['policies'], ['default', 'p', 'q', 'root']);
});

test('a star in the middle of a path is taken, with a warning', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const policy = 'path "a/*/b" { capabilities = ["read"] }';
  const written = await call('PUT', '/v1/sys/policies/acl/p', { body: { policy } });
  assert.match(String(written.body['warnings']), /"\*" is a wildcard only at the end/);
});

test('`default` lets a token care for itself, and can be rewritten', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const token = await tokenWith(call, ['default']);
  assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 200);
  assert.equal((await call('GET', '/v1/sys/internal/ui/resultant-acl', { token })).status, 200);
  assert.equal((await call('GET', '/v1/sys/mounts', { token })).status, 403);
  const policy = 'path "sys/mounts" { capabilities = ["read"] }';
  assert.equal((await call('PUT', '/v1/sys/policies/acl/default', { body: { policy } })).status, 204);
  assert.equal((await call('GET', '/v1/sys/mounts', { token })).status, 200);
  assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 403);
});

test('a rewritten `default` outlives a restart', async (t) => {
  const { call, restart } = await testBroker((end) => t.after(end));
  await call('PUT', '/v1/sys/policies/acl/default', { body: { policy: read } });
  await restart();
  assert.equal((await call('GET', '/v1/sys/policies/acl/default')).body.data['policy'], read);
});

test('parameter rules are judged by the body of a request', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const policy = 'path "sys/policies/acl/p" { capabilities = ["update"] allowed_parameters = { "policy" = [] } }';
  await call('PUT', '/v1/sys/policies/acl/maker', { body: { policy } });
  const token = await tokenWith(call, ['maker']);
  const put = async (body: object): Promise<number> =>
    (await call('PUT', '/v1/sys/policies/acl/p', { token, body })).status;
  assert.deepEqual([await put({ policy: read }), await put({ policy: read, ttl: 60 })], [204, 403]);
});

test('a rule may ask for a wrapped answer', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const policy = 'path "sys/mounts" { capabilities = ["read"] min_wrapping_ttl = "10s" max_wrapping_ttl = "60s" }';
  await call('PUT', '/v1/sys/policies/acl/wrapped', { body: { policy } });
  const token = await tokenWith(call, ['wrapped']);
  const get = async (ttl?: string): Promise<number> =>
    (await call('GET', '/v1/sys/mounts', { token, headers: ttl === undefined ? {} : { 'X-Vault-Wrap-TTL': ttl } }))
      .status;
  assert.deepEqual([await get(), await get('5s'), await get('30s'), await get('61s')], [403, 403, 200, 403]);
});

test('a rule may show only those keys of a list that the caller may read', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  for (const name of ['a', 'b', 'b/c']) await call('PUT', `/v1/sys/policies/acl/${name}`, { body: { policy: read } });
  const policy = `path "sys/policies/acl/" { capabilities = ["list"]
    list_scan_response_keys_filter_path = "{{ .path }}{{ .key }}" }
    path "sys/policies/acl/b*" { capabilities = ["read"] }`;
  await call('PUT', '/v1/sys/policies/acl/some', { body: { policy } });
  const token = await tokenWith(call, ['some']);
  assert.deepEqual((await call('LIST', '/v1/sys/policies/acl', { token })).body.data['keys'], ['b', 'b/c']);
});

test('a rule may set the page of a list', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const policy = 'path "sys/policies/acl/" { capabilities = ["list"] pagination_limit = 2 }';
  await call('PUT', '/v1/sys/policies/acl/few', { body: { policy } });
  const token = await tokenWith(call, ['few']);
  assert.equal((await call('GET', '/v1/sys/policies/acl?list=true&limit=3', { token })).status, 403);
  assert.equal((await call('GET', '/v1/sys/policies/acl?list=true&limit=2', { token })).status, 200);
});

test('capabilities of oneself, of a token and of an accessor', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('PUT', '/v1/sys/policies/acl/p', { body: { policy: read } });
  const made = (await call('POST', '/v1/auth/token/create', { body: { policies: ['p'] } })).body['auth'];
  const { client_token: token, accessor } = made as { client_token: string; accessor: string };
  const own = await call('POST', '/v1/sys/capabilities-self', { token, body: { paths: ['a', 'b'] } });
  assert.deepEqual([own.body.data, own.body['a']], [{ a: ['read'], b: ['deny'] }, ['read']]);
  const other = await call('POST', '/v1/sys/capabilities', { body: { token, path: 'a' } });
  assert.deepEqual(other.body.data, { a: ['read'], capabilities: ['read'] });
  const named = await call('POST', '/v1/sys/capabilities-accessor', { body: { accessor, paths: 'a,b' } });
  assert.deepEqual(named.body.data, { a: ['read'], b: ['deny'] });
  const root = await call('POST', '/v1/sys/capabilities-self', { body: { paths: ['a'] } });
  assert.deepEqual(root.body['capabilities'], ['root']);
});

test('what capabilities are not told of', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const ask = async (path: string, body: object): Promise<unknown> =>
    errors(await call('POST', `/v1/sys/${path}`, { body }));
  const paths = ['a'];
  assert.deepEqual(await ask('capabilities-self', {}), [400, 'paths must be supplied']);
  assert.deepEqual(await ask('capabilities', { paths }), [500, '1 error occurred:\n\t* no token found\n\n']);
  const nobody = { token: 'nope', paths };
  assert.deepEqual(await ask('capabilities', nobody), [400, '1 error occurred:\n\t* invalid token\n\n']);
  assert.deepEqual(await ask('capabilities-accessor', { paths }), [400, 'missing accessor']);
  const unknown = { accessor: 'nope', paths };
  assert.deepEqual(await ask('capabilities-accessor', unknown), [400, '1 error occurred:\n\t* invalid accessor\n\n']);
});

test('the resultant ACL shows every rule of the token', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const policy = `path "a/*" { capabilities = ["update", "create"] min_wrapping_ttl = 5
    allowed_parameters = { "x" = ["1"] } required_parameters = ["x"] }
    path "b" { capabilities = ["deny"] }`;
  await call('PUT', '/v1/sys/policies/acl/p', { body: { policy } });
  const token = await tokenWith(call, ['p']);
  const { data } = (await call('GET', '/v1/sys/internal/ui/resultant-acl', { token })).body;
  const { exact_paths: exact, glob_paths: glob, root } = data as Record<string, Record<string, unknown>>;
  assert.equal(root, false);
  assert.deepEqual(exact!['b'], { capabilities: ['deny'] });
  assert.deepEqual(glob!['a/'], {
    capabilities: ['create', 'update'],
    min_wrapping_ttl: 5,
    allowed_parameters: { x: ['1'] },
    required_parameters: ['x'],
  });
  assert.deepEqual((await call('GET', '/v1/sys/internal/ui/resultant-acl')).body.data, { root: true });
});

test('many writers of one policy: each write counts once', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const write = (): Promise<Reply> => call('PUT', '/v1/sys/policies/acl/p', { body: { policy: read } });
  await Promise.all(Array.from({ length: 12 }, write));
  assert.equal((await call('GET', '/v1/sys/policies/acl/p')).body.data['version'], 12);
});
