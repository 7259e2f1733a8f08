// Profiles for all accounts and roles, in a config file that is somebody's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFailure } from '../../../src/base/index.ts';
import type { SsoSession } from '../../../src/assume/model.ts';
import { writeProfiles, type ProfilesChange, type ProfilesWanted } from '../../../src/assume/sources/sso-profiles.ts';

const session: SsoSession = {
  name: 'corp',
  startUrl: 'https://corp.awsapps.com/start',
  region: 'eu-west-1',
  scopes: [],
  place: 'config:1',
  oidcUrl: 'http://127.0.0.1:1',
  portalUrl: 'http://127.0.0.1:1',
};

const account = (accountId: string, accountName: string, ...roles: string[]) => ({
  account: { accountId, accountName, emailAddress: '' },
  roles,
});
const found = [account('222222222222', 'dev', 'Admin', 'ReadOnly'), account('444444444444', 'prod', 'ReadOnly')];

function write(text: string, wanted: Partial<ProfilesWanted> = {}): ProfilesChange {
  return writeProfiles(text, 'config', { session, found, pattern: '{account}/{role}', ...wanted });
}

const theirs =
  '# mine\n[default]\nregion=eu-west-1   ; odd   spacing\n\n\n[sso-session corp]\nsso_region = eu-west-1\n';

test('what was in the file stays byte for byte, and the profiles come after it', () => {
  const { text, count } = write(theirs);
  assert.ok(text.startsWith(theirs));
  assert.equal(count, 3);
  assert.match(
    text.slice(theirs.length),
    /^\n# >>> stint sso profiles corp >>> .*\n\[profile dev\/Admin\]\nsso_session = corp\n/,
  );
  assert.match(text, /sso_account_id = 444444444444\nsso_role_name = ReadOnly\n# <<< stint sso profiles corp <<<\n$/);
});

test('written twice is written once', () => {
  const first = write(theirs).text;
  const second = write(first);
  assert.deepEqual([second.text, second.diff], [first, []]);
});

test('what follows the block stays behind it, also without a line end', () => {
  const after = '[profile late]\nregion = x';
  const { text } = write(write(theirs).text + after, { found: found.slice(1) });
  assert.ok(text.endsWith(`# <<< stint sso profiles corp <<<\n${after}`));
  assert.ok(!text.includes('Admin'));
});

test('the diff shows what comes, goes and changes, and what people add to a profile stays', () => {
  const before = write('').text.replace(
    '[profile dev/ReadOnly]\nsso_session = corp\n',
    '[profile dev/ReadOnly]\n# note\nregion = us-east-1\nsso_session = old\noutput = json\n',
  );
  const { text, diff } = write(before, {
    found: [account('222222222222', 'dev', 'ReadOnly'), account('444444444444', 'prod', 'Audit', 'ReadOnly')],
    region: 'eu-west-1',
  });
  assert.deepEqual(diff, [
    '-[profile dev/Admin]',
    '-sso_session = corp',
    '-sso_account_id = 222222222222',
    '-sso_role_name = Admin',
    ' [profile dev/ReadOnly]',
    ' # note',
    ' region = us-east-1',
    '-sso_session = old',
    ' output = json',
    ' sso_account_id = 222222222222',
    ' sso_role_name = ReadOnly',
    '+sso_session = corp',
    ' [profile prod/ReadOnly]',
    ' sso_session = corp',
    ' sso_account_id = 444444444444',
    ' sso_role_name = ReadOnly',
    '+region = eu-west-1',
    '+[profile prod/Audit]',
    '+sso_session = corp',
    '+sso_account_id = 444444444444',
    '+sso_role_name = Audit',
    '+region = eu-west-1',
  ]);
  assert.match(text, /# note\nregion = us-east-1\noutput = json\n/);
});

test('a profile of the same name that is not ours stays, and ours is left out', () => {
  const own = '[profile "dev/Admin"]\nregion = x\n';
  const { text, taken } = write(own);
  assert.deepEqual(taken, [{ name: 'dev/Admin', place: 'config:1' }]);
  assert.equal(text.match(/dev\/Admin/g)?.length, 1);
  assert.deepEqual(write(text + '[profile prod/ReadOnly]\n').taken[1], { name: 'prod/ReadOnly', place: 'config:15' });
});

test('two sessions have a block each', () => {
  const one = write('').text;
  const both = write(one, { session: { ...session, name: 'corp2' }, pattern: 'two/{id}-{role}' }).text;
  assert.ok(both.startsWith(one));
  assert.deepEqual(write(both).diff, []);
});

test('names are fit for the file and for shells, and accounts of one name are told apart by their ids', () => {
  const { text } = write('', {
    found: [
      account('111111111111', 'My Company [prod] $(id)', 'A'),
      account('222222222222', 'Zürich', 'A'),
      account('333333333333', 'same', 'A'),
      account('444444444444', 'same', 'A'),
    ],
  });
  assert.deepEqual(
    [...text.matchAll(/^\[profile (.*)\]$/gm)].map(([, name]) => name),
    ['My-Company-prod-id/A', 'Zürich/A', 'same-333333333333/A', 'same-444444444444/A'],
  );
});

test('a session without a section is written out in each profile', () => {
  assert.match(
    write('', { session: { ...session, name: undefined } }).text,
    /\[profile dev\/Admin\]\nsso_start_url = https:\/\/corp\.awsapps\.com\/start\nsso_region = eu-west-1\nsso_account_id/,
  );
});

const refusals: Readonly<
  Record<string, readonly [text: string, wanted: Partial<ProfilesWanted>, code: string, says: string]>
> = {
  'a name that two profiles would have': ['', { pattern: '{account}' }, 'invalid-option', 'the name `dev`'],
  'a placeholder that is not known': ['', { pattern: '{acount}-{role}' }, 'invalid-option', '{acount}'],
  'a name that would be a line of its own': ['', { pattern: '{role}]\n[x' }, 'invalid-option', 'does not take'],
  'a mark without its end': ['[default]\n# >>> stint sso profiles corp >>> x\n', {}, 'config-syntax', 'config:2'],
  'an end without its mark': ['# <<< stint sso profiles corp <<<\n', {}, 'config-syntax', 'config:1'],
  'a file that cannot be read': ['[default\n', {}, 'config-syntax', 'config:1'],
};

for (const [name, [text, wanted, code, says]] of Object.entries(refusals)) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => write(text, wanted),
      (error) => isFailure(error) && error.code === code && error.message.includes(says) && error.hint !== undefined,
    );
  });
}
