import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { Secret } from '../../src/base/index.ts';
import { exportFormats, exportText } from '../../src/assume/export-formats.ts';
import type { SessionRequest } from '../../src/assume/model.ts';
import { parseIni } from '../../src/assume/ini.ts';
import { childEnvironment, runProgram, runStint, startSts, temporaryHome } from './support.ts';

const secret = `wJ/+=$HOME"\\ $(id) #x`;
const session = {
  accessKeyId: 'ASIA1',
  secretAccessKey: new Secret(secret),
  sessionToken: new Secret(`it's "both" \${x}`),
  expiration: Date.parse('2026-01-01T00:00:00.500Z'),
};
const request: SessionRequest = {
  target: 'dev/test_role',
  source: { kind: 'keys', from: 'x', credentials: session },
  roles: [],
  sts: { url: 'https://sts.amazonaws.com', signingRegion: 'us-east-1' },
  region: 'eu-west-1',
  settings: { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' },
};
const variables = {
  AWS_ACCESS_KEY_ID: 'ASIA1',
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_SESSION_TOKEN: `it's "both" \${x}`,
  AWS_CREDENTIAL_EXPIRATION: '2026-01-01T00:00:00Z',
  AWS_REGION: 'eu-west-1',
  AWS_DEFAULT_REGION: 'eu-west-1',
  AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
};
const exported = { request, session, shell: 'sh' } as const;

test('`dotenv` is read back by a reader of .env files as it was', () => {
  assert.deepEqual({ ...parseEnv(exportText('dotenv', exported)) }, variables);
});

test('`env` has one plain line for each variable', () => {
  const lines = exportText('env', exported).split('\n');
  assert.deepEqual(
    lines,
    Object.entries(variables).map(([name, value]) => `${name}=${value}`),
  );
});

test('`export` is read back by a shell as it was', async () => {
  const script = `${exportText('export', exported)}\nprintf '%s|' "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN"`;
  const { stdout } = await runProgram('sh', ['-c', script], {});
  assert.equal(stdout, `${secret}|it's "both" \${x}|`);
  assert.match(exportText('export', { ...exported, shell: 'fish' }), /^set -gx AWS_ACCESS_KEY_ID 'ASIA1';$/m);
});

test('`ini` is a section of the target’s name', () => {
  const [section, ...others] = parseIni(exportText('ini', exported).replace(' #x', ''), 'f');
  assert.equal(others.length, 0);
  assert.equal(section!.title, 'dev/test_role');
  assert.equal(section!.settings.get('region')?.value, 'eu-west-1');
  assert.equal(section!.settings.get('aws_session_token')?.value, `it's "both" \${x}`);
});

test('`json` is what STS names them, `process` what SDKs read', () => {
  const keys = { AccessKeyId: 'ASIA1', SecretAccessKey: secret, SessionToken: `it's "both" \${x}` };
  assert.deepEqual(JSON.parse(exportText('json', exported)), {
    ...keys,
    Expiration: '2026-01-01T00:00:00Z',
    Region: 'eu-west-1',
  });
  assert.deepEqual(JSON.parse(exportText('process', exported)), {
    Version: 1,
    ...keys,
    Expiration: '2026-01-01T00:00:00Z',
  });
});

const login = { kind: 'login', from: 'x', profile: 'p', place: 'x:1' } as const;
const ssoSession = {
  startUrl: 'https://x.awsapps.com/start',
  region: 'us-east-1',
  scopes: [],
  place: 'x:1',
  oidcUrl: 'https://oidc',
  portalUrl: 'https://portal',
};
const sso = { kind: 'sso', from: 'x', profile: 'p', session: ssoSession, roleName: 'r', place: 'x:1' } as const;
const role = (roleArn: string) => ({ roleArn, sessionName: 'alice' });

test('`json` and `process` name the account where the request tells it, and else none', () => {
  const cases: readonly (readonly [string | undefined, Pick<SessionRequest, 'roles' | 'source'>])[] = [
    [undefined, request],
    [
      '333333333333',
      { ...request, roles: [role('arn:aws:iam::222222222222:role/a'), role('arn:aws-cn:iam::333333333333:role/p/b')] },
    ],
    ['444444444444', { roles: [], source: { ...sso, accountId: '444444444444' } }],
    [
      '222222222222',
      { roles: [role('arn:aws:iam::222222222222:role/a')], source: { ...sso, accountId: '444444444444' } },
    ],
    [undefined, { roles: [], source: { ...sso, accountId: 'not one' } }],
    ['555555555555', { roles: [], source: { ...login, loginSession: 'arn:aws:iam::555555555555:user/alice' } }],
    [undefined, { roles: [], source: { ...login, loginSession: 'alice' } }],
  ];
  for (const [account, of] of cases) {
    for (const format of ['json', 'process'] as const) {
      const text = exportText(format, { ...exported, request: { ...request, ...of } });
      assert.equal((JSON.parse(text) as Record<string, unknown>)['AccountId'], account, text);
    }
  }
});

test('the command prints every format, process by default, and refuses others', async (t) => {
  const sts = await startSts(t);
  const config = '[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = central\n';
  const env = childEnvironment(temporaryHome(t, config), sts);
  const plain = await runStint('main', ['credentials', 'dev'], env);
  for (const format of exportFormats) {
    const { code, stdout, stderr } = await runStint('main', ['credentials', 'dev', '--format', format], env);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /ASIA0000000000000001/);
    assert.equal(stdout === plain.stdout, format === 'process');
  }
  for (const args of [['dev', '--format', 'xml'], ['dev', '--format', 'env', '--clean'], []]) {
    const { code, stdout } = await runStint('main', ['credentials', ...args], env);
    assert.deepEqual([code, stdout], [2, '']);
  }
  assert.equal(sts.calls.length, 1);
});
