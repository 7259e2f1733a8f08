// What a server lends, as a target: the real verbs, a real server, the embedded AWS.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { configureAws, keyLives, leasesOf, testCloud, until, type TestCloud } from '../broker/aws-support.ts';
import { tokenWith } from '../broker/tokens/support.ts';
import { terminal, type Terminal } from './terminal.ts';

const anything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };

interface Lending extends Terminal {
  readonly aws: TestCloud;
  readonly sessions: () => readonly string[];
  /** True while names of what is lent are kept. */
  readonly listsNames: () => boolean;
}

async function lending(t: TestContext): Promise<Lending> {
  const aws = await testCloud((end) => t.after(end));
  const person = await terminal(t);
  await configureAws(person.broker, aws.cloud);
  await configureAws(person.broker, aws.cloud, { mount: 'team/aws' });
  await person.broker.call('POST', '/v1/aws/roles/session', {
    body: { credential_type: 'federation_token', policy_document: JSON.stringify(anything) },
  });
  Object.assign(person.env, { STINT_TOKEN: 'root', AWS_ENDPOINT_URL: aws.cloud.endpoint, AWS_REGION: 'us-east-1' });
  const folder = join(person.home, '.cache/stint/sessions');
  return {
    ...person,
    aws,
    sessions: () => readdirSync(folder).filter((name) => name.endsWith('.json')),
    listsNames: () => existsSync(join(folder, 'ready/lent')),
  };
}

interface Printed {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken?: string;
  readonly Expiration: string;
}

async function credentials({ stint }: Terminal, line: string): Promise<Printed> {
  const { out, failure } = await stint(`credentials ${line}`);
  assert.equal(failure, undefined, JSON.stringify(failure));
  return JSON.parse(out) as Printed;
}

test('a lent user: one lease for many calls, dead after `forget`', async (t) => {
  const person = await lending(t);
  const first = await credentials(person, 'lend:deploy');
  assert.deepEqual(await credentials(person, 'lend:deploy'), first);
  assert.deepEqual(await credentials(person, 'lend:aws/deploy'), first);
  assert.equal(first.SessionToken, undefined);
  const minutes = (Date.parse(first.Expiration) - Date.now()) / 60_000;
  assert.ok(minutes > 29 && minutes <= 30, first.Expiration);
  const leases = await leasesOf(person.broker);
  assert.equal(leases.length, 1);
  const client = person.aws.as(first.AccessKeyId, first.SecretAccessKey);
  assert.equal(await keyLives(client), true);
  assert.match((await person.stint('whoami lend:deploy')).out, /^arn:aws:iam::222222222222:user\/vault-/);
  const forgot = await person.stint('forget lend:aws/deploy');
  assert.deepEqual([forgot.code, forgot.out], [0, '']);
  assert.match(forgot.err, /^gave back the lease aws\/creds\/deploy\/\w+ of lend:deploy\nforgot 1 session/);
  await until('the key is dead', async () => !(await keyLives(client)));
  assert.deepEqual(person.sessions(), []);
  assert.notEqual((await credentials(person, 'lend:deploy')).AccessKeyId, first.AccessKeyId);
});

test('a lent session: its time is the lease’s, `--duration` is asked of the server', async (t) => {
  const person = await lending(t);
  const { SessionToken, Expiration } = await credentials(person, 'lend:session --duration 20m');
  assert.notEqual(SessionToken, undefined);
  const minutes = (Date.parse(Expiration) - Date.now()) / 60_000;
  assert.ok(minutes > 19 && minutes <= 20, Expiration);
  const other = await credentials(person, 'lend:session');
  assert.ok(Date.parse(other.Expiration) > Date.parse(Expiration));
  assert.match((await person.stint('whoami lend:session')).out, /:federated-user\/vault-/);
  assert.match((await person.stint('console lend:session --print')).out, /Action=login&Destination=/);
  const lines = (await person.stint('assume lend:session')).out;
  assert.match(lines, /^export AWS_SESSION_TOKEN='/m);
  assert.match(lines, /^export STINT_TARGET='lend:session'$/m);
  const forgot = await person.stint('forget --all');
  assert.equal(forgot.err.match(/^gave back/gm)?.length, 2);
});

test('a name that the server does not lend: the nearest is suggested', async (t) => {
  const person = await lending(t);
  const hints: Readonly<Record<string, string>> = {
    'lend:depoy': 'did you mean `lend:deploy`?',
    'lend:team/aw/deploy': 'did you mean `lend:team/aws/deploy`?',
    'lend:quite-another': '`stint ls` lists what is lent',
  };
  for (const [name, hint] of Object.entries(hints)) {
    const { failure } = await person.stint(`credentials ${name}`);
    assert.deepEqual([failure?.code, failure?.hint], ['server-refused', hint], failure?.message);
  }
});

test('a role on top of what is lent', async (t) => {
  const person = await lending(t);
  const arn = 'arn:aws:iam::222222222222:role/none';
  const { failure } = await person.stint(`credentials lend:deploy --role-arn ${arn}`);
  assert.equal(failure?.code, 'access-denied');
  assert.match(failure.message, /user\/vault-\S+` may not assume `arn:aws:iam::222222222222:role\/none`/);
});

test('`ls` lists what the token may see, and what is kept of it', async (t) => {
  const person = await lending(t);
  await person.stint('credentials lend:deploy');
  assert.deepEqual((await person.stint('ls --names')).out.trim().split('\n').toSorted(), [
    'lend:deploy',
    'lend:session',
    'lend:team/aws/deploy',
  ]);
  assert.ok(person.listsNames(), 'they are kept for completion');
  await person.stint('forget lend:deploy');
  assert.equal(person.listsNames(), false);
  await person.stint('credentials lend:deploy');
  const { targets } = JSON.parse((await person.stint('ls --json')).out) as {
    targets: { target: string; kind: string; source: string; session: object | null }[];
  };
  assert.deepEqual(
    targets.map(({ target, kind, source, session }) => [target, kind, source, session !== null]),
    [
      ['lend:deploy', 'lent', person.broker.broker.address, true],
      ['lend:session', 'lent', person.broker.broker.address, false],
      ['lend:team/aws/deploy', 'lent', person.broker.broker.address, false],
    ],
  );
  const policy =
    'path "team/aws/roles/*" { capabilities = ["list"] } path "team/aws/roles" { capabilities = ["list"] }';
  person.env['STINT_TOKEN'] = await tokenWith(person.broker, 'team', policy);
  assert.equal((await person.stint('ls --names')).out, 'lend:team/aws/deploy\n');
  person.env['STINT_TOKEN'] = '';
  assert.equal((await person.stint('ls --names')).out, '');
});

test('a token that may ask for sessions only is lent one', async (t) => {
  const person = await lending(t);
  person.env['STINT_TOKEN'] = await tokenWith(person.broker, 'x', 'path "aws/sts/session" { capabilities = ["read"] }');
  await credentials(person, 'lend:session');
  const { failure } = await person.stint('credentials lend:deploy');
  assert.equal(failure?.code, 'server-refused');
  assert.match(failure.message, /permission denied/);
});

test('what one token was lent is not served to another', async (t) => {
  const person = await lending(t);
  const mine = await credentials(person, 'lend:deploy');
  person.env['STINT_TOKEN'] = await tokenWith(
    person.broker,
    'x',
    'path "aws/creds/deploy" { capabilities = ["read"] }',
  );
  assert.notEqual((await credentials(person, 'lend:deploy')).AccessKeyId, mine.AccessKeyId);
});

test('a lease is given back to its own server only; without it, it is told and forgotten here', async (t) => {
  const person = await lending(t);
  const { AccessKeyId } = await credentials(person, 'lend:deploy');
  const { address } = person.broker.broker;
  person.env['STINT_ADDR'] = 'http://127.0.0.1:1';
  const elsewhere = await person.stint('forget --all');
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.err, /^error\[lease-elsewhere\]: the lease aws\/creds\/deploy\/\w+ goes on until \d{4}-/m);
  assert.ok(elsewhere.err.includes(`hint: STINT_ADDR=${address} stint lease revoke aws/creds/deploy/`));
  assert.deepEqual(person.sessions(), []);
  assert.equal(elsewhere.err.includes(AccessKeyId), false);
  person.env['STINT_ADDR'] = address;
  await credentials(person, 'lend:deploy');
  await person.broker.broker.stop();
  const gone = await person.stint('forget lend:deploy');
  assert.equal(gone.code, 1);
  assert.match(gone.err, /^error\[server-unreachable\]: the lease .* goes on until/m);
  assert.match(gone.err, /^hint: stint lease revoke aws\/creds\/deploy\//m);
  assert.deepEqual(person.sessions(), []);
  const listed = await person.stint('ls --names');
  assert.deepEqual([listed.code, listed.out], [0, '']);
  assert.match(listed.err, /^note: what `http:.*` lends is not listed: /);
});

test('what is missing or wrong is told with its cure', async (t) => {
  const person = await lending(t);
  const refused = async (line: string): Promise<readonly (string | undefined)[]> => {
    const { failure, out } = await person.stint(line);
    assert.equal(out, '');
    return [failure?.code, failure?.hint];
  };
  assert.deepEqual((await refused('credentials lend:none'))[0], 'server-refused');
  for (const name of ['lend:', 'lend:a//b', 'lend:../x', 'lend:a?b', 'lend:-']) {
    assert.equal((await refused(`credentials ${name}`))[0], 'invalid-option', name);
  }
  assert.deepEqual(await refused('credentials lend:deploy --external-id xx'), [
    'invalid-option',
    'leave them out, or name a role with `--role-arn`',
  ]);
  const words = ['credentials', 'lend:deploy', '--reason', 'to see'];
  const { failure } = await person.stint(words);
  assert.equal(failure?.code, 'request-unsupported');
  assert.match(failure.message, /^http:\S+ takes no requests/);
  const other = await person.stint(['credentials', 'arn:aws:iam::222222222222:role/x', '--reason', 'to see']);
  assert.equal(other.failure?.code, 'no-credentials');
  person.env['STINT_TOKEN'] = '';
  assert.match((await refused('credentials lend:deploy')).join(), /^token-missing,`stint login`/);
  person.env['STINT_ADDR'] = '';
  assert.match((await refused('credentials lend:deploy')).join(), /^address-invalid,set STINT_ADDR/);
  assert.equal((await leasesOf(person.broker)).length, 0);
});

test('no token and no secret stands in what is kept beside the session’s own', async (t) => {
  const person = await lending(t);
  person.env['VAULT_WRAP_TTL'] = '5m';
  await credentials(person, 'lend:deploy');
  const folder = join(person.home, '.cache/stint/sessions');
  for (const name of readdirSync(folder)) {
    assert.equal(statSync(join(folder, name)).mode & 0o077, 0);
    assert.doesNotMatch(readFileSync(join(folder, name), 'latin1'), /"root"/);
  }
});
