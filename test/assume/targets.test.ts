import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import { baseEnvironment } from '../../src/assume/environment.ts';
import type { SessionRequest } from '../../src/assume/model.ts';
import type { SessionOptions } from '../../src/assume/options.ts';
import { loadProfiles } from '../../src/assume/profiles.ts';
import { resolveTarget, type DefinedTarget, type TargetSource } from '../../src/assume/targets.ts';

interface TargetCase {
  readonly name: string;
  readonly config?: string;
  readonly credentials?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly target: string;
  readonly source?: string;
  readonly roles?: readonly string[];
  readonly mfa?: string;
  readonly region?: string;
  readonly refused?: string;
  /** A part of message or hint. */
  readonly says?: string;
}

const cases = JSON.parse(
  readFileSync(new URL('../cases/assume/profiles.json', import.meta.url), 'utf8'),
) as readonly TargetCase[];
const central =
  '[central]\naws_access_key_id = AKIAC\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n';

async function resolve(
  given: TargetCase,
  options: SessionOptions = {},
  sources: readonly TargetSource[] = [],
): Promise<SessionRequest> {
  const env = baseEnvironment({ HOME: '/h', USER: 'alice', ...given.env });
  const files: Readonly<Record<string, string>> = {
    '/h/.aws/config': given.config ?? '',
    '/h/.aws/credentials': `${central}${given.credentials ?? ''}`,
  };
  return resolveTarget(given.target, options, { env, profiles: loadProfiles(env, (path) => files[path]), sources });
}

function sourceText({ source }: SessionRequest): string {
  if (source.kind === 'process') return `process ${source.command}`;
  if (source.kind === 'web-identity')
    return `token ${'file' in source.token ? source.token.file : `of ${source.token.process}`}`;
  if (source.kind === 'instance') return `instance ${source.url}${source.allowsVersion1 ? '' : ' v2 only'}`;
  if (source.kind === 'container') return `container ${source.url}`;
  if (source.kind === 'sso') return `sso ${source.session.name ?? 'legacy'} ${source.accountId} ${source.roleName}`;
  if (source.kind === 'login') return `login ${source.loginSession}`;
  if (source.kind === 'lent') return source.kind;
  return `keys ${source.credentials.accessKeyId} ${source.credentials.sessionToken === undefined ? 'long-term' : 'temporary'}`;
}

for (const given of cases) {
  test(`target: ${given.name}`, async () => {
    if (given.refused !== undefined) {
      await assert.rejects(resolve(given), (error) => {
        assert.ok(isFailure(error), String(error));
        assert.equal(error.code, given.refused);
        const text = `${error.message}\n${error.hint ?? ''}`;
        // The credentials file begins with three lines of `central`.
        const placed = text.replaceAll(/credentials:(\d+)/g, (_, line: string) => `credentials:${Number(line) - 3}`);
        assert.ok(placed.includes(given.says ?? ''), placed);
        assert.ok(!text.includes('wJalr'), 'the message holds a secret');
        assert.notEqual(error.hint, undefined);
        return true;
      });
      return;
    }
    const request = await resolve(given);
    assert.equal(sourceText(request), given.source);
    const roles = request.roles.map(({ roleArn, sessionName, durationSeconds, externalId }) =>
      [roleArn, sessionName, durationSeconds ?? '-', externalId ?? '-'].join(' '),
    );
    assert.deepEqual(roles, given.roles);
    assert.equal(request.mfaSerial, given.mfa);
    if (given.region !== undefined) assert.equal(request.region, given.region);
  });
}

function definition(...targets: readonly DefinedTarget[]): TargetSource & { asked: number } {
  return {
    asked: 0,
    label: 'stint.config.ts',
    async find(name) {
      this.asked++;
      return targets.find((target) => target.name === name);
    },
    list: async () => targets,
  };
}

const devRole: DefinedTarget = {
  name: 'dev/test_role',
  roleArn: 'arn:aws:iam::222222222222:role/test_role',
  mfa: false,
};
const prodRole: DefinedTarget = {
  name: 'prod/test_role',
  roleArn: 'arn:aws:iam::444444444444:role/test_role',
  mfa: true,
  externalId: 'x-1',
};
const central2 = { name: '', env: { AWS_PROFILE: 'central' } };

test('a target of the definition is assumed from the current credentials', async () => {
  const { roles, source } = await resolve({ ...central2, target: 'dev/test_role' }, {}, [definition(devRole)]);
  assert.deepEqual([source.from, roles[0]?.roleArn], ['profile `central`', devRole.roleArn]);
});

test('a definition is not asked for a name that cannot be its target', async () => {
  const source = definition(devRole);
  await resolve({ ...central2, target: 'central' }, {}, [source]);
  await resolve({ ...central2, target: '222222222222:a/b' }, {}, [source]);
  await resolve({ ...central2, target: 'arn:aws:iam::222222222222:role/a/b' }, {}, [source]);
  assert.equal(source.asked, 0);
});

test('a name near to a target of the definition is suggested', async () => {
  await assert.rejects(
    resolve({ ...central2, target: 'dev/testrole' }, {}, [definition(devRole)]),
    (error) => isFailure(error) && error.code === 'unknown-target' && error.hint === 'did you mean `dev/test_role`?',
  );
});

test('a role that asks for MFA is refused early when no device is known, and taken with one', async () => {
  const given = { ...central2, target: 'prod/test_role' };
  await assert.rejects(
    resolve(given, {}, [definition(prodRole)]),
    (error) => isFailure(error) && error.code === 'mfa-needed',
  );
  const mfaSerial = 'arn:aws:iam::111111111111:mfa/alice';
  const request = await resolve(given, { mfaSerial }, [definition(prodRole)]);
  assert.deepEqual([request.mfaSerial, request.roles[0]?.externalId], [mfaSerial, 'x-1']);
});

const chain: TargetCase = {
  name: '',
  config: `[profile mid]\nrole_arn = arn:aws:iam::222222222222:role/mid\nsource_profile = central\n[profile end]\nrole_arn = arn:aws:iam::222222222222:role/end\nsource_profile = mid\n`,
  target: 'end',
};

test('options go to the last role, and the source identity to the first, where the chain begins', async () => {
  const options: SessionOptions = {
    sessionName: 'deploy',
    sourceIdentity: 'alice',
    tags: { team: 'a' },
    transitiveTags: ['team'],
    policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
    durationSeconds: 900,
  };
  const [first, last] = (await resolve(chain, options)).roles;
  assert.deepEqual(
    [first?.sessionName, first?.sourceIdentity, first?.tags, first?.durationSeconds],
    ['alice', 'alice', undefined, undefined],
  );
  assert.deepEqual(
    [
      last?.sessionName,
      last?.sourceIdentity,
      last?.tags,
      last?.transitiveTags,
      last?.policyArns,
      last?.durationSeconds,
    ],
    ['deploy', undefined, options.tags, options.transitiveTags, options.policyArns, 900],
  );
});

test('variables give tags and source identity to the last role, unless the person gives any', async () => {
  const env = { AWS_SESSION_TAGS: 'team=a,cost=1', AWS_TRANSITIVE_TAGS: 'team', AWS_SOURCE_IDENTITY: 'alice' };
  const [first, last] = (await resolve({ ...chain, env })).roles;
  assert.deepEqual(
    [first?.sourceIdentity, first?.tags, last?.tags, last?.transitiveTags],
    ['alice', undefined, { team: 'a', cost: '1' }, ['team']],
  );
  const [, other] = (await resolve({ ...chain, env }, { tags: { own: '1' } })).roles;
  assert.deepEqual([other?.tags, other?.transitiveTags], [{ own: '1' }, undefined]);
});

test('--role-arn adds one more role on top of the target', async () => {
  const { roles } = await resolve(chain, { roleArn: 'arn:aws:iam::333333333333:role/more' });
  assert.deepEqual(
    roles.map(({ roleArn }) => roleArn.slice(-4)),
    ['/mid', '/end', 'more'],
  );
});

test('an option that only a role can have is refused for a target without one, so that nobody gets more than was asked for', async () => {
  for (const options of [{ policy: '{}' }, { sessionName: 'ab' }, { tags: { a: 'b' } }, { externalId: 'ab' }]) {
    await assert.rejects(
      resolve({ ...chain, target: 'central' }, options),
      (error) => isFailure(error) && error.code === 'invalid-option',
    );
  }
});

const badOptions: readonly SessionOptions[] = [
  { sessionName: 'a b' },
  { sessionName: 'x' },
  { sourceIdentity: 'x'.repeat(65) },
  { externalId: 'a b' },
  { mfaSerial: 'short' },
  { region: 'eu-west-1.evil' },
  { policy: '[1]' },
  { policy: 'not json' },
  { policyArns: ['arn:aws:iam:aws:policy/AmazonS3FullAccess'] },
  { policyArns: Array.from({ length: 11 }, () => 'arn:aws:iam::aws:policy/ReadOnlyAccess') },
  { roleArn: 'role/x' },
  { tags: { 'a*': 'b' } },
  { tags: { A: '1', a: '2' } },
  { tags: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 'v'])) },
];

for (const options of badOptions) {
  test(`option refused before AWS is asked: ${JSON.stringify(options).slice(0, 70)}`, async () => {
    await assert.rejects(
      resolve(chain, options),
      (error) => isFailure(error) && error.code === 'invalid-option' && error.hint !== undefined,
    );
  });
}

test('the misprinted policy ARN of the tutorial is refused with the right one', async () => {
  await assert.rejects(
    resolve(chain, { policyArns: ['arn:aws:iam:aws:policy/AmazonS3FullAccess'] }),
    (error) => isFailure(error) && error.hint === 'did you mean `arn:aws:iam::aws:policy/AmazonS3FullAccess`?',
  );
});

test('a file that cannot be read is a coded error that names it', () => {
  const read = (): string => {
    throw Object.assign(new Error('no'), { code: 'EACCES' });
  };
  assert.throws(
    () => loadProfiles({ HOME: '/h' }, read),
    (error) => isFailure(error) && error.code === 'config-unreadable' && error.message.includes('/h/.aws/config'),
  );
});

test('AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name the files, with ~ for the home', () => {
  const { files } = loadProfiles(
    { HOME: '/h', AWS_CONFIG_FILE: '~/c', AWS_SHARED_CREDENTIALS_FILE: '/x/y' },
    () => undefined,
  );
  assert.deepEqual(files, { config: '/h/c', credentials: '/x/y' });
});

test('headings that mean the same are one section, and what stands later in the file counts, however they are spelt', () => {
  const config =
    '[profile a]\nregion = eu-west-1\noutput = json\n[profile "a"]\nregion = eu-west-2\n[services x]\nsts = 1\n[profile  a]\nregion = eu-west-3\n[services  x]\niam = 2\n';
  const set = loadProfiles({ HOME: '/h' }, (path) => (path === '/h/.aws/config' ? config : '[a]\nk = 1\n[a]\nk = 2\n'));
  const { settings, place } = set.profiles.get('a')!;
  assert.deepEqual(
    ['region', 'output', 'k'].map((key) => [settings.get(key)?.value, settings.get(key)?.place]),
    [
      ['eu-west-3', '/h/.aws/config:9'],
      ['json', '/h/.aws/config:3'],
      ['2', '/h/.aws/credentials:4'],
    ],
  );
  assert.equal(place, '/h/.aws/config:1');
  assert.deepEqual([...set.services.get('x')!.settings.keys()], ['sts', 'iam']);
});
