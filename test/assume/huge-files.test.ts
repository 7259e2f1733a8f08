import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import { profileChain } from '../../src/assume/profile-chain.ts';
import { loadProfiles, type ProfileSet } from '../../src/assume/profiles.ts';

// A reader that is slower than the file is long takes minutes for these, and runs into the limit.
const timeout = 30_000;
const central = '[central]\naws_access_key_id = AKIAC\naws_secret_access_key = s\n';
const env = { HOME: '/h' };

function load(config: string): ProfileSet {
  return loadProfiles(env, (path) => (path === '/h/.aws/config' ? config : central));
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(isFailure(error), String(error));
    return `${error.code} ${error.message}`;
  }
  throw new Error('it did not fail');
}

test('100,000 profiles in 12 MB are read, each with its place, and every one is followed', { timeout }, () => {
  const count = 100_000;
  const lines = Array.from(
    { length: count },
    (_, index) =>
      `[profile account-${index}-admin]\nrole_arn = arn:aws:iam::${100_000_000_000 + index}:role/admin\nsource_profile = central\nregion = eu-west-1\n\n`,
  );
  const set = load(lines.join(''));
  assert.equal(set.profiles.size, count + 1);
  for (const name of set.profiles.keys()) profileChain(name, set, env);
  const last = profileChain(`account-${count - 1}-admin`, set, env);
  assert.equal(last.roles[0]?.place, `/h/.aws/config:${(count - 1) * 5 + 2}`);
});

test('a section of 10 MB, and a value of 10 MB', { timeout }, () => {
  const many = Array.from({ length: 400_000 }, (_, index) => `key_${index} = some value\n`).join('');
  const role = 'role_arn = arn:aws:iam::222222222222:role/x\nsource_profile = central\n';
  const set = load(`[profile wide]\n${many}${role}[profile long]\nregion = ${'x'.repeat(10_000_000)}\n${role}`);
  for (const name of ['wide', 'long']) assert.equal(profileChain(name, set, env).roles.length, 1);
});

test('a million nested settings, and a value of a million lines', { timeout }, () => {
  const role = 'role_arn = arn:aws:iam::222222222222:role/x\nsource_profile = central\n';
  const nested = Array.from({ length: 1_000_000 }, (_, index) => `  k${index} = v\n`).join('');
  const set = load(`[profile a]\ns3 =\n${nested}${role}[profile b]\nregion = x\n${nested}${role}`);
  for (const name of ['a', 'b']) assert.equal(profileChain(name, set, env).roles.length, 1);
  assert.equal(set.profiles.get('a')!.settings.get('s3')!.nested!.size, 1_000_000);
});

test('a section of 400,000 lines with a colon, and none with an equals sign', { timeout }, () => {
  const many = Array.from({ length: 400_000 }, (_, index) => `key_${index}: some value\n`).join('');
  const set = load(`[profile wide]\n${many}role_arn: arn:aws:iam::222222222222:role/x\nsource_profile: central\n`);
  assert.equal(profileChain('wide', set, env).roles.length, 1);
});

test('a heading of blanks without an end is refused at once', { timeout }, () => {
  assert.match(
    codeOf(() => load(`[profile a]\n[${' '.repeat(1_000_000)}x\n`)),
    /^config-syntax .*config:2/,
  );
});

test(
  'a chain without an end, and one without a circle but of 100,000 profiles, are refused with their place',
  { timeout },
  () => {
    const link = (from: number, to: number): string =>
      `[profile p${from}]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = p${to}\n`;
    const chain = Array.from({ length: 100_000 }, (_, index) => link(index, index + 1)).join('');
    assert.match(
      codeOf(() => profileChain('p0', load(chain), env)),
      /^profile-conflict .*config:3003: more than 1000 profiles/,
    );
    const included = Array.from(
      { length: 100_000 },
      (_, index) => `[profile p${index}]\ninclude_profile = p${index + 1}\n`,
    );
    assert.match(
      codeOf(() => profileChain('p0', load(included.join('')), env)),
      /^profile-conflict .*config:200: more than 100 profiles include/,
    );
  },
);

test('100,000 sections of one profile are one', { timeout }, () => {
  const parts = Array.from(
    { length: 100_000 },
    (_, index) => `[profile ${index % 2 === 0 ? 'a' : '"a"'}]\nkey_${index} = ${index}\n`,
  );
  const { settings } = load(parts.join('')).profiles.get('a')!;
  assert.deepEqual([settings.size, settings.get('key_99999')?.place], [100_000, '/h/.aws/config:200000']);
});
