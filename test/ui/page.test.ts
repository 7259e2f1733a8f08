// The page as an operator uses it: the built files, loaded from a real server that lends in the embedded AWS.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { buildPage } from '../../tools/page.ts';
import { configureAws, leasesOf, testCloud, until, type TestCloud } from '../broker/aws-support.ts';
import { testBroker, type TestBroker } from '../broker/support.ts';
import { openReader, type Reader } from './browser.ts';

let built = '';
before(async () => {
  built = mkdtempSync(join(tmpdir(), 'stint-page-'));
  await buildPage(join(built, 'ui'));
});
after(() => rmSync(built, { recursive: true, force: true }));

interface World {
  readonly broker: TestBroker;
  readonly cloud: TestCloud;
  readonly reader: Reader;
  readonly lend: () => Promise<string>;
}

async function world(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end), { page: join(built, 'ui') });
  await configureAws(broker, cloud.cloud);
  const reader = await openReader(`${broker.broker.address}/ui/`, (end) => t.after(end));
  const lend = async (): Promise<string> => String((await broker.call('GET', '/v1/aws/creds/deploy')).body['lease_id']);
  return { broker, cloud, reader, lend };
}

async function signIn({ type, submit, sees }: Reader, token = 'root'): Promise<void> {
  await type('Token', token);
  await submit('Token');
  await sees(/Sign out/);
}

/** AWS refuses to delete users from now on, until the faults are taken back. */
async function breakRemoval({ control }: TestCloud): Promise<void> {
  await control('POST', 'faults', {
    service: 'iam',
    operation: 'DeleteAccessKey',
    when: 'before',
    count: 1000,
    error: { code: 'ServiceFailure', status: 500 },
  });
}

/** Ends a lease in vain until it counts as stuck. */
async function makeStuck({ broker, cloud }: World, id: string): Promise<void> {
  await breakRemoval(cloud);
  await until('it is stuck', async () => {
    await broker.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: id } });
    return (await leasesOf(broker)).find((lease) => lease.id === id)?.state === 'stuck';
  });
}

test('an operator signs in, sees a lease and what it is in AWS, and revokes it after being told what that does', async (t) => {
  const all = await world(t);
  const { reader, lend, cloud } = all;
  const id = await lend();
  const [user] = await cloud.lentUsers();
  await signIn(reader);
  const text = await reader.sees(/1 lease shown/);
  assert.ok(text.includes(id) && text.includes(`IAM user ${user}`) && /active/.test(text), text);
  assert.match(text, /ends in (?:30 min|29 min \d+ s)/);
  await reader.press(id);
  const details = await reader.sees(/What happened/);
  assert.match(details, /deletes: its IAM user is deleted/);
  await reader.press('Revoke…');
  const warned = await reader.sees(/Revoke this lease\?/);
  assert.ok(warned.includes(`Deletes the IAM user ${user} with its keys.`), warned);
  assert.deepEqual(await cloud.lentUsers(), [user], 'nothing was done yet');
  await reader.press('Revoke');
  await reader.sees(/Revoked: .*Ended and proved: AWS refuses the credentials\./);
  await reader.sees(/0 leases shown/);
  assert.deepEqual(await cloud.lentUsers(), []);
  await reader.choose('State', 'ended');
  await reader.sees(/dead.*was to end/);
});

test('who changes their mind revokes nothing', async (t) => {
  const { reader, lend, broker } = await world(t);
  const id = await lend();
  await signIn(reader);
  await reader.press(id);
  await reader.press('Revoke…');
  await reader.sees(/Revoke this lease\?/);
  await reader.press('Keep it');
  await reader.seesNo(/Revoke this lease\?/);
  assert.equal((await leasesOf(broker))[0]?.state, 'active');
});

test('a stuck lease stands first, is counted in the head, says why and when, and is tried again on demand', async (t) => {
  const all = await world(t);
  const { reader, lend, cloud, broker } = all;
  const [stuck, fine] = [await lend(), await lend()];
  await makeStuck(all, stuck);
  await signIn(reader);
  const text = await reader.sees(/1 stuck/);
  await until('the title says it', async () => reader.page().mainFrame.document.title === '(1 stuck) Stint');
  assert.ok(text.indexOf(stuck) < text.indexOf(fine), text);
  const shown = await reader.sees(/Stuck: .*ServiceFailure.*Next try in \d/);
  assert.match(shown, /2 leases shown/);
  await reader.press('1 stuck');
  await reader.sees(/1 lease shown/);
  await reader.press(stuck);
  await reader.press('Try again now');
  await reader.sees(/failed to revoke entry:.*What to do: nothing is given up/);
  await cloud.control('DELETE', 'faults');
  await reader.press('Try again now');
  await reader.sees(/Revoked: .*Ended and proved/);
  await reader.sees(/0 leases shown/);
  assert.equal((await leasesOf(broker)).find(({ id }) => id === stuck)?.state, 'dead');
  await reader.choose('State', 'not ended');
  await reader.sees(/1 lease shown/);
  assert.equal(reader.page().mainFrame.document.title, 'Stint');
});

test('a lease is renewed for as long as was chosen, and what the server adds to that is told', async (t) => {
  const { reader, lend, broker } = await world(t);
  const id = await lend();
  await signIn(reader);
  await reader.press(id);
  await reader.choose('Renew for', '8 hours');
  await reader.press('Renew');
  await reader.sees(/Renewed: .* ends in (?:1 h|59 min \d+ s)\..*exceeded the effective max_ttl/);
  const [lease] = (await broker.call('GET', `/v1/stint/leases/${id}`)).body.data['leases'] as [{ expires_at: string }];
  assert.ok(Date.parse(lease.expires_at) > Date.now() + 50 * 60_000);
});

describe('filters', () => {
  test('show leases by state, text and path, and a path that can be none is told', async (t) => {
    const { reader, lend, broker, cloud } = await world(t);
    await configureAws(broker, cloud.cloud, { mount: 'other' });
    const id = await lend();
    const other = String((await broker.call('GET', '/v1/other/creds/deploy')).body['lease_id']);
    await signIn(reader);
    await reader.sees(/2 leases shown/);
    await reader.type('Text', other.slice(-8));
    await reader.submit('Text');
    assert.equal((await reader.sees(/1 lease shown/)).includes(id), false);
    await reader.type('Text', '');
    await reader.type('Below the path', '/aws/creds/');
    await reader.submit('Below the path');
    await reader.seesNo(new RegExp(other));
    assert.ok((await reader.sees(/1 lease shown/)).includes(id));
    await reader.press('Server');
    await reader.sees(/Audit devices/);
    await reader.press('Leases');
    assert.ok((await reader.sees(/1 lease shown/)).includes(id), 'what was asked for outlives a look at the server');
    await reader.type('Below the path', 'aws/../../sys');
    await reader.submit('Below the path');
    await reader.sees(/Nothing can be below this path/);
    await reader.type('Below the path', '');
    await reader.submit('Below the path');
    await reader.sees(/2 leases shown/);
    await reader.choose('State', 'granting');
    await reader.sees(/0 leases shown/);
  });

  test('many leases come on pages, forth and back', async (t) => {
    const { reader, lend } = await world(t);
    await Promise.all(Array.from({ length: 53 }, lend));
    await signIn(reader);
    await reader.sees(/50 leases shown, more follow/);
    await reader.press('Next page');
    await reader.sees(/3 leases shown/);
    await reader.press('Page before');
    await reader.sees(/50 leases shown, more follow/);
  });
});

describe('the token', () => {
  test('is tried before it is taken, outlives a reload, is gone after signing out, and stands in no address', async (t) => {
    const { reader, broker } = await world(t);
    await reader.type('Token', 'wrong');
    await reader.submit('Token');
    await reader.sees(/permission denied.*What to do: send a token that lives/);
    await reader.type('Token', 'two words');
    await reader.submit('Token');
    await reader.sees(/This is no token/);
    await signIn(reader);
    assert.deepEqual(reader.stored(), { 'stint-token': 'root' });
    await reader.reload();
    await reader.sees(/Sign out/);
    await reader.press('Sign out');
    await reader.sees(/Sign in/);
    assert.deepEqual(reader.stored(), {});
    await reader.reload();
    await reader.sees(/Sign in/);
    assert.ok(reader.addresses.length > 3);
    for (const address of reader.addresses) {
      assert.ok(address.startsWith(`${broker.broker.address}/`), address);
      assert.equal(/root|wrong/.test(address.replace('/stint/root', '')), false, address);
    }
    assert.equal(reader.page().mainFrame.window.localStorage.length, 0);
    assert.equal(reader.page().mainFrame.document.cookie, '');
    assert.equal(JSON.stringify(broker.log).includes('wrong'), false);
    assert.doesNotMatch(reader.console(), /root|wrong|Error/);
  });

  test('that may not list leases gets the server’s reason, and sees those below a path it may', async (t) => {
    const { reader, broker, lend } = await world(t);
    const id = await lend();
    const policy = 'path "stint/leases/aws/*" { capabilities = ["read"] }';
    await broker.call('PUT', '/v1/sys/policies/acl/watch', { body: { policy } });
    const made = await broker.call('POST', '/v1/auth/token/create', { body: { policies: ['watch'] } });
    await signIn(reader, (made.body['auth'] as { client_token: string }).client_token);
    await reader.sees(/permission denied.*What to do: .*ask whoever writes policies for `read` on `stint\/leases`/);
    await reader.type('Below the path', 'aws/creds');
    await reader.submit('Below the path');
    assert.ok((await reader.sees(/1 lease shown/)).includes(id));
    await reader.press(id);
    await reader.press('Revoke…');
    await reader.press('Revoke');
    await reader.sees(/What to do: .*`update` on `sys\/leases\/revoke`/);
    await reader.press('Server');
    await reader.sees(/`read` on `stint\/audit`/);
  });

  test('with the policy of docs/page.md sees and does all that the page has', async (t) => {
    const { reader, broker, lend } = await world(t);
    const id = await lend();
    const [, policy] = /```hcl\n([^`]*)```/.exec(readFileSync(new URL('../../docs/page.md', import.meta.url), 'utf8'))!;
    assert.equal((await broker.call('PUT', '/v1/sys/policies/acl/operator', { body: { policy } })).status, 204);
    const made = await broker.call('POST', '/v1/auth/token/create', { body: { policies: ['operator'] } });
    await signIn(reader, (made.body['auth'] as { client_token: string }).client_token);
    await reader.press('Server');
    await reader.sees(/There is none: nobody records.*AKIA\w+, \d+ s old/);
    await reader.press('Leases');
    await reader.press(id);
    await reader.press('Renew');
    await reader.sees(/Renewed/);
    await reader.press('Revoke…');
    await reader.press('Revoke');
    await reader.sees(/Revoked: .*Ended and proved/);
  });

  test('with counted uses is spent by its holder alone', async (t) => {
    const { reader, broker, lend } = await world(t);
    await lend();
    const made = await broker.call('POST', '/v1/auth/token/create', { body: { policies: ['root'], num_uses: 3 } });
    const { client_token: token, accessor } = made.body['auth'] as { client_token: string; accessor: string };
    await signIn(reader, token);
    await reader.sees(/1 lease shown/);
    const seen = await broker.call('POST', '/v1/auth/token/lookup-accessor', { body: { accessor } });
    assert.equal(seen.body.data['num_uses'], 1, 'one for signing in, one for the list');
  });
});

describe('the server', () => {
  test('shows its seal, version, audit devices and the age of its keys', async (t) => {
    const { reader, broker } = await world(t);
    const device = { type: 'file', options: { file_path: '/dev/full', mode: '0000', skip_test: 'true' } };
    const good = { type: 'file', options: { file_path: join(broker.folder, '..', `${Date.now()}-audit.log`) } };
    t.after(() => rmSync(good.options.file_path, { force: true }));
    await broker.call('PUT', '/v1/sys/audit/good', { body: good });
    await broker.call('PUT', '/v1/sys/audit/full', { body: device });
    await broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '2400h' } });
    await signIn(reader);
    await reader.press('Server');
    const text = await reader.sees(/account 222222222222/);
    assert.match(text, /unsealed.*shamir, 1 of 1 shares.*Stint \d+\.\d+\.\d+, speaks the API of Vault 1\.21\.0/);
    assert.match(text, /failing full\/ \(file\): refuses records/);
    assert.match(text, /ok good\/ \(file\): takes records/);
    assert.match(text, /AKIA\w+, 100 d old: rotate it/);
  });

  test('is unsealed with a share while it is sealed, and then asks for a token', async (t) => {
    const { reader, broker } = await world(t);
    const { unsealKey } = broker.broker.development!;
    await signIn(reader);
    await reader.sees(/0 leases shown/);
    await broker.call('PUT', '/v1/sys/seal');
    await reader.press('Refresh');
    await reader.sees(/sealed, 0 of 1 shares given.*It opens when 1 of its 1 shares/);
    await reader.type('Share of the unseal key', Buffer.alloc(33, 7).toString('base64'));
    await reader.submit('Share of the unseal key');
    await reader.sees(/What to do|fail|invalid|wrong/i);
    await reader.type('Share of the unseal key', unsealKey.reveal());
    await reader.submit('Share of the unseal key');
    await reader.sees(/server unsealed.*Leases/);
  });

  test('that does not answer is told, and asked again on demand', async (t) => {
    const { reader, broker } = await world(t);
    await signIn(reader);
    await reader.sees(/0 leases shown/);
    await broker.broker.stop();
    await reader.press('Refresh');
    await reader.sees(/The server does not answer\.What to do: see whether it runs/);
  });
});
