// The rows of `stint ls` that are kept from one time to the next, beside those that are computed: whatever happens in
// between, they are the same.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isoSeconds, Secret, systemClock } from '../../src/base/index.ts';
import { requestIdentity, SessionCache } from '../../src/assume/cache.ts';
import { KeptList } from '../../src/assume/kept-list.ts';
import { resolveTarget } from '../../src/assume/targets.ts';
import { targetContext } from '../../src/cli/assume-session.ts';
import type { Io } from '../../src/cli/command.ts';
import { processIo } from '../../src/cli/process-io.ts';
import { targetRows, type TargetRow } from '../../src/cli/target-rows.ts';
import { age } from './ready-support.ts';
import { temporaryHome } from './support.ts';

const many = Array.from(
  { length: 600 },
  (_, index) =>
    `[profile account${index}]\nrole_arn = arn:aws:iam::${200_000_000_000 + index}:role/admin\nsource_profile = central\n`,
).join('');

const config = `# a comment
[default]
region = eu-west-1
[profile "with blanks"]
role_arn = arn:aws:iam::222222222222:role/team/admin
source_profile = central
region = eu-west-1 # here
[profile twice]
role_arn = arn:aws:iam::222222222222:role/admin
[profile "twice"]
source_profile = central
[profile elsewhere]
role_arn = arn:aws:iam::222222222222:role/admin
source_profile = other
[profile mfa]
source_profile = central
mfa_serial = arn:aws:iam::111111111111:mfa/alice
role_arn = arn:aws:iam::222222222222:role/mfa
[profile reader]
sso_start_url = https://x.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 333333333333
sso_role_name = reader
[profile environment]
role_arn = arn:aws:iam::222222222222:role/env
credential_source = Environment
[profile container]
role_arn = arn:aws:iam::222222222222:role/ecs
credential_source = EcsContainer
[profile token]
role_arn = arn:aws:iam::222222222222:role/web
web_identity_token_file = ~/token
[profile including]
include_profile = twice
[profile circle]
role_arn = arn:aws:iam::222222222222:role/x
source_profile = circle-too
[profile circle-too]
role_arn = arn:aws:iam::222222222222:role/x
source_profile = circle
[profile nothing]
[profile broken]
this is no setting
[profile tab	and 'quotes']
role_arn = arn:aws-us-gov:iam::222222222222:role/admin
source_profile = central
[profile Übung]
region = ü
[services x]
sts =
  endpoint_url = http://127.0.0.1:1
[sso-session y]
sso_region = eu-west-1
[stray]
region = x
${many}`;

const pair = (id: string): string => `aws_access_key_id = ${id}\naws_secret_access_key = s\n`;
const credentials = `[central]\n${pair('AKIACENTRAL')}[other]\n${pair('AKIAOTHER')}`;

const definition = (role: string, more = ''): string =>
  `version: 1\naccounts: { dev: { id: "222222222222", stage: dev }, central: { id: "111111111111", stage: central, central: true } }\nstages: [central, dev]\ngroups: { developers: {} }\nroles: { ${role}: { ${more}in: [dev], trust: [{ group: developers }] } }\n`;

const process_ = processIo();

class Home {
  readonly path: string;
  readonly sessions: string;
  env: Record<string, string>;

  constructor(t: TestContext) {
    this.path = temporaryHome(t, config, credentials);
    this.sessions = join(this.path, '.cache/stint/sessions');
    this.env = { HOME: this.path, USER: 'alice', AWS_REGION: 'eu-west-1' };
    this.rest();
  }

  file(name: string): string {
    return join(this.path, '.aws', name);
  }

  get io(): Io {
    return Object.create(process_, { env: { value: this.env }, cwd: { value: this.path } }) as Io;
  }

  /** Lets the files rest: what was changed a moment ago is never kept. */
  rest(): void {
    age(this.path);
    const { ctimeMs } = statSync(this.path);
    while (Date.now() <= ctimeMs) continue;
  }

  /** Whether the list that is kept would be used here and now. */
  get holds(): boolean {
    const defined = existsSync(join(this.path, 'stint.config.yaml')) ? this.path : undefined;
    return new KeptList(this.sessions, 'rows', defined).read(this.env, this.path, Date.now()) !== undefined;
  }

  /** What is kept and what is computed are the same; gives them. */
  async same(): Promise<readonly TargetRow[]> {
    const { rows: computed } = await targetRows(this.io, undefined, false);
    assert.deepEqual((await targetRows(this.io, undefined, true)).rows, computed);
    return computed;
  }

  async begin(target: string, seconds = 3600, env = this.env): Promise<void> {
    const request = await resolveTarget(target, {}, targetContext(this.io, env, undefined));
    const keys = { accessKeyId: 'ASIA', secretAccessKey: new Secret('s'), sessionToken: new Secret('t') };
    const expiration = Date.now() + seconds * 1000;
    new SessionCache(this.sessions, systemClock).write(requestIdentity(request), request, { ...keys, expiration });
  }
}

const marked = (rows: readonly TargetRow[]): readonly string[] =>
  rows.filter(({ session }) => session !== null).map(({ target }) => target);

async function keptHome(t: TestContext): Promise<Home> {
  const home = new Home(t);
  await home.same();
  assert.equal(home.holds, true);
  return home;
}

const edit = (file: string, from: string, to: string): void =>
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));

/** What happens between two lists, by which the kept one ends. */
const ends: Readonly<Record<string, (home: Home) => void>> = {
  'a section is edited': (home) => edit(home.file('config'), 'region = eu-west-1 # here', 'region = us-east-1'),
  'a section is edited, its length and the time of the file put back': (home) => {
    const { atime, mtime } = statSync(home.file('config'));
    edit(home.file('config'), 'region = eu-west-1 # here', 'region = eu-west-2 # here');
    utimesSync(home.file('config'), atime, mtime);
  },
  'the file is touched': (home) => utimesSync(home.file('config'), new Date(), new Date()),
  'a profile is added': (home) => appendFileSync(home.file('config'), '[profile new]\nregion = eu-west-1\n'),
  'an older file is moved into its place': (home) => {
    writeFileSync(join(home.path, 'old'), `[profile old]\n${pair('AKIAOLD')}`);
    utimesSync(join(home.path, 'old'), 1_000_000_000, 1_000_000_000);
    renameSync(join(home.path, 'old'), home.file('config'));
  },
  'the config is removed': (home) => rmSync(home.file('config')),
  'the credentials lose a source': (home) => writeFileSync(home.file('credentials'), `[central]\n${pair('AKIANEW')}`),
  'the credentials are removed': (home) => rmSync(home.file('credentials')),
  'the credentials file may not be read by others any more': (home) => chmodSync(home.file('credentials'), 0o400),
  'the folder becomes a link': (home) => {
    renameSync(join(home.path, '.aws'), join(home.path, 'elsewhere'));
    symlinkSync('elsewhere', join(home.path, '.aws'));
  },
  'another config is named': (home) => {
    home.env = { ...home.env, AWS_CONFIG_FILE: home.file('credentials') };
  },
  'a container is there': (home) => {
    home.env = { ...home.env, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' };
  },
  'keys are in the environment': (home) => {
    home.env = { ...home.env, AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 's' };
  },
  'half a key pair is in the environment': (home) => {
    home.env = { ...home.env, AWS_ACCESS_KEY_ID: 'AKIAENV' };
  },
  'a definition is there': (home) => writeFileSync(join(home.path, 'stint.config.yaml'), definition('test_role')),
  'the list is cut short': (home) => {
    const file = join(home.sessions, 'ready/rows');
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, -100));
  },
  'the list is of another Stint': (home) => edit(join(home.sessions, 'ready/rows'), 'stint-list 1', 'stint-list 2'),
  'others may read the list': (home) => chmodSync(join(home.sessions, 'ready/rows'), 0o644),
  'the list is a link': (home) => {
    renameSync(join(home.sessions, 'ready/rows'), join(home.path, 'list'));
    symlinkSync(join(home.path, 'list'), join(home.sessions, 'ready/rows'));
  },
  'everything is forgotten': (home) => void new SessionCache(home.sessions, systemClock).removeAll(),
};

for (const [what, change] of Object.entries(ends)) {
  test(`rows that were kept are not used once ${what}`, async (t) => {
    const home = await keptHome(t);
    change(home);
    assert.equal(home.holds, false);
    await home.same();
    home.rest();
    await home.same();
    await home.same();
  });
}

test('a list is kept again after a change, and for a definition in its folder as long as that is as it was', async (t) => {
  const home = await keptHome(t);
  appendFileSync(home.file('config'), '[profile new]\nregion = eu-west-1\n');
  home.rest();
  await home.same();
  assert.equal(home.holds, true);
  const file = join(home.path, 'stint.config.yaml');
  writeFileSync(file, definition('test_role'));
  home.rest();
  assert.equal(home.holds, false);
  const rows = await home.same();
  assert.equal(home.holds, true);
  assert.deepEqual(rows.at(-1)?.target, 'dev/test_role');
  const device = { AWS_MFA_SERIAL: 'arn:aws:iam::111111111111:mfa/alice' };
  await home.begin('dev/test_role', 3600, { ...home.env, ...device, AWS_PROFILE: 'central' });
  home.env = { ...home.env, ...device, AWS_PROFILE: 'other' };
  assert.deepEqual(marked(await home.same()), [], 'of another source');
  home.env = { ...home.env, AWS_PROFILE: 'central' };
  assert.deepEqual(marked(await home.same()), ['dev/test_role']);
  writeFileSync(file, definition('other_role'));
  assert.equal((await home.same()).at(-1)?.target, 'dev/other_role');
  rmSync(file);
  await home.same();
});

test('sessions are looked up anew beside rows that were kept', async (t) => {
  const home = await keptHome(t);
  assert.deepEqual(marked(await home.same()), []);
  await home.begin('twice');
  assert.deepEqual(marked(await home.same()), ['twice', 'including']);
  await home.begin('elsewhere');
  await home.begin('reader');
  await home.begin('account7');
  assert.deepEqual(marked(await home.same()), ['twice', 'elsewhere', 'reader', 'including', 'account7']);
  home.env = { ...home.env, USER: 'bob' };
  assert.deepEqual(marked(await home.same()), ['reader'], 'sessions of roles are named after the person');
  home.env = { ...home.env, USER: 'alice' };
  const cache = new SessionCache(home.sessions, systemClock);
  cache.remove(cache.list().filter(({ target }) => target === 'twice'));
  assert.deepEqual(marked(await home.same()), ['elsewhere', 'reader', 'account7']);
  assert.equal(home.holds, true, 'no session ends the list');
  for (const { file } of cache.list()) edit(file, '"expiration":"2', '"expiration":"1');
  assert.deepEqual(marked(await home.same()), [], 'they have ended');
});

test('a list ends when something of the definition does', async (t) => {
  const home = await keptHome(t);
  const soon = isoSeconds(Date.now() + 3_600_000);
  writeFileSync(join(home.path, 'stint.config.yaml'), definition('test_role', `expires: "${soon}", `));
  home.rest();
  assert.equal((await home.same()).at(-1)?.target, 'dev/test_role');
  const list = new KeptList(home.sessions, 'rows', home.path);
  assert.notEqual(list.read(home.env, home.path, Date.parse(soon) - 1), undefined);
  assert.equal(list.read(home.env, home.path, Date.parse(soon)), undefined);
});

test('the list is private, holds no secret, and is not written for a few rows or a file of this moment', async (t) => {
  const home = await keptHome(t);
  const file = join(home.sessions, 'ready/rows');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.doesNotMatch(readFileSync(file, 'utf8'), /AKIA|aws_secret/);
  assert.deepEqual(
    readdirSync(join(home.sessions, 'ready')).filter((name) => name.endsWith('.tmp')),
    [],
  );
  rmSync(file);
  appendFileSync(home.file('config'), '# now\n');
  await home.same();
  assert.equal(existsSync(file), false);
  writeFileSync(home.file('config'), '[profile a]\nregion = eu-west-1\n');
  home.rest();
  await home.same();
  assert.equal(existsSync(file), false);
});

test('a folder that cannot be written, or that is in the way, is no reason not to list', async (t) => {
  const home = new Home(t);
  mkdirSync(join(home.sessions, 'ready', 'rows'), { recursive: true, mode: 0o700 });
  assert.equal((await home.same()).length > 600, true);
});
