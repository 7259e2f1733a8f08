// Which targets `stint ls` marks with a kept session: those that would be answered with it, and no others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestIdentity, type KeptEntry } from '../../src/assume/cache.ts';
import { KeptMarks } from '../../src/assume/kept-marks.ts';
import type { SessionOptions } from '../../src/assume/options.ts';
import { chainOf } from '../../src/assume/profile-chain.ts';
import { loadProfiles } from '../../src/assume/profiles.ts';
import { resolveTarget, type DefinedTarget, type TargetContext } from '../../src/assume/targets.ts';

const now = 1_800_000_000_000;
const role = 'role_arn = arn:aws:iam::222222222222:role/admin\n';
const device = 'mfa_serial = arn:aws:iam::111111111111:mfa/alice\n';
const sso =
  'sso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 333333333333\nsso_role_name = ';

const config = `[default]
region = eu-west-1
source_profile = central
role_arn = arn:aws:iam::111111111111:role/begin
[profile one]
${role}source_profile = central
[profile same]
${role}source_profile = central
region = eu-west-1
[profile elsewhere]
${role}source_profile = other
[profile longer]
${role}source_profile = central
duration_seconds = 7200
[profile external]
${role}source_profile = central
external_id = x
[profile far]
${role}source_profile = central
region = us-gov-west-1
[profile chained]
${role}source_profile = one
[profile person]
${device}source_profile = central
[profile broken]
${role}source_profile = nowhere
[profile reader]
region = eu-west-1
${sso}reader
[profile reader-again]
region = eu-west-1
${sso}reader
[profile writer]
${sso}writer
`;
const pair = (id: string): string => `aws_access_key_id = ${id}\naws_secret_access_key = s\n`;
const credentials = `[central]\nregion = eu-west-1\n${pair('AKIACENTRAL')}[other]\n${pair('AKIAOTHER')}[person]\n${pair('AKIAPERSON')}`;

const borrow = async (): Promise<never> => assert.fail('nothing is asked');
const lent = (name: string, borrower: string): DefinedTarget => ({
  name,
  roleArn: '',
  mfa: false,
  lent: { server: 'http://127.0.0.1:8200', path: `aws/creds/${name.slice(5)}`, borrower, borrow },
});
const roleOf = (name: string, more: Partial<DefinedTarget> = {}): DefinedTarget => ({
  name,
  roleArn: `arn:aws:iam::444444444444:role/${name}`,
  mfa: false,
  ...more,
});
const defined: readonly DefinedTarget[] = [
  roleOf('dev/plain'),
  roleOf('dev/closed', { mfa: true }),
  lent('lend:x', 'alice'),
  lent('lend:y', 'alice'),
];

function contextOf(env: Readonly<Record<string, string>> = {}): TargetContext {
  const files: Readonly<Record<string, string>> = { '/h/.aws/config': config, '/h/.aws/credentials': credentials };
  const all = { HOME: '/h', USER: 'alice', ...env };
  const find = async (name: string): Promise<DefinedTarget | undefined> => defined.find((each) => each.name === name);
  const source = { label: 's', find, list: async () => defined };
  const server = { ...source, prefix: 'lend:' };
  return { env: all, profiles: loadProfiles(all, (file) => files[file]), sources: [source, server] };
}

interface Begun {
  readonly target: string;
  readonly options?: SessionOptions;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds from now on. */
  readonly ends?: number;
}

/** What is kept of a session that was begun so. */
async function keptOf({ target, options = {}, env = {}, ends = 60_000 }: Begun): Promise<KeptEntry> {
  const request = await resolveTarget(target, options, contextOf(env));
  return {
    credentials: { expiration: now + ends },
    issuedAt: now,
    target: request.target,
    roleArn: request.roles.at(-1)?.roleArn ?? '',
    file: '/f',
    request: requestIdentity(request),
  };
}

async function marked(begun: readonly Begun[], env: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const context = contextOf(env);
  const marks = new KeptMarks(await Promise.all(begun.map(keptOf)), context, now);
  const names: string[] = [];
  for (const profile of context.profiles.profiles.values()) {
    if (profile.name === 'broken') continue;
    const end = marks.ofProfile(profile.name, chainOf(profile, context.profiles, context.env));
    if (end !== undefined) names.push(profile.name);
  }
  return [...names, ...defined.filter((each) => marks.ofDefined(each) !== undefined).map(({ name }) => name)];
}

interface Row {
  readonly what: string;
  readonly begun: readonly Begun[];
  readonly env?: Readonly<Record<string, string>>;
  readonly marked: readonly string[];
}

const rows: readonly Row[] = [
  { what: 'no session', begun: [], marked: [] },
  {
    what: 'one of a role, for profiles that ask for the very same',
    begun: [{ target: 'one' }],
    marked: ['one', 'same'],
  },
  { what: 'one of the same role from another source', begun: [{ target: 'elsewhere' }], marked: ['elsewhere'] },
  { what: 'one with another duration', begun: [{ target: 'longer' }], marked: ['longer'] },
  { what: 'one with an external id', begun: [{ target: 'external' }], marked: ['external'] },
  { what: 'one from another region', begun: [{ target: 'far' }], marked: ['far'] },
  { what: 'one through another role', begun: [{ target: 'chained' }], marked: ['chained'] },
  {
    what: 'one with options, which the target alone does not ask for',
    begun: [{ target: 'one', options: { sessionName: 'other' } }],
    marked: [],
  },
  { what: 'one of another person', begun: [{ target: 'one', env: { USER: 'bob' } }], marked: [] },
  {
    what: 'one that another endpoint gave',
    begun: [{ target: 'one', env: { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' } }],
    marked: [],
  },
  { what: 'one that has ended', begun: [{ target: 'one', ends: 0 }], marked: [] },
  { what: 'one with MFA and without a role', begun: [{ target: 'person' }], marked: ['person'] },
  { what: 'one of IAM Identity Center', begun: [{ target: 'reader' }], marked: ['reader', 'reader-again'] },
  {
    what: 'one of keys as they are, of which none is kept',
    begun: [{ target: 'central' }],
    marked: [],
  },
  { what: 'one of a definition', begun: [{ target: 'dev/plain' }], marked: ['dev/plain'] },
  {
    what: 'one of a definition from the keys of the environment',
    begun: [{ target: 'dev/plain', env: { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 's' } }],
    marked: [],
  },
  {
    what: 'one of a definition, seen without the MFA device that it began with',
    begun: [{ target: 'dev/plain' }],
    env: { AWS_MFA_SERIAL: 'arn:aws:iam::111111111111:mfa/alice' },
    marked: [],
  },
  { what: 'one that a server lends', begun: [{ target: 'lend:x' }], marked: ['lend:x'] },
  {
    what: 'several',
    begun: [{ target: 'one' }, { target: 'elsewhere' }, { target: 'writer' }, { target: 'lend:y' }],
    marked: ['one', 'same', 'elsewhere', 'writer', 'lend:y'],
  },
];

for (const { what, begun, env, marked: expected } of rows) {
  test(`a kept session marks whose it is: ${what}`, async () => assert.deepEqual(await marked(begun, env), expected));
}

test('what one person was lent marks nothing of another, and a kept file of another kind marks nothing', async () => {
  const context = contextOf();
  const kept = await keptOf({ target: 'lend:x' });
  assert.equal(new KeptMarks([kept], context, now).ofDefined(lent('lend:x', 'bob')), undefined);
  const strange = { ...kept, request: 'no JSON' };
  assert.equal(new KeptMarks([strange], context, now).ofDefined(lent('lend:x', 'alice')), undefined);
  const { profiles } = context;
  const reader = chainOf(profiles.profiles.get('reader')!, profiles, context.env);
  assert.equal(new KeptMarks([strange], context, now).ofProfile('reader', reader), undefined);
});
