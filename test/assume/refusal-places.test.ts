// What AWS refuses is told with the line of the file, or the variable, that asked for it.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { childEnvironment, keys, runStint, runStintHere, startSts, temporaryHome, type StsAnswer } from './support.ts';

const config = `[profile dev]
role_arn = arn:aws:iam::222222222222:role/dev
source_profile = central

[profile deep]
role_arn = arn:aws:iam::333333333333:role/deep
source_profile = dev

[profile safe]
role_arn = arn:aws:iam::222222222222:role/safe
source_profile = central
mfa_serial = arn:aws:iam::111111111111:mfa/alice

[profile pod]
role_arn = arn:aws:iam::222222222222:role/pod
web_identity_token_process = printf %s e30.eyJpc3MiOiJpIiwic3ViIjoicyJ9.c2ln
`;
const denied = {
  status: 403,
  code: 'AccessDenied',
  message: 'User: arn:aws:iam::111111111111:user/alice is not authorized to perform: sts:AssumeRole on resource: x',
};
const tooLong = { status: 400, code: 'ValidationError', message: 'exceeds the MaxSessionDuration set for this role.' };
const wrongCode = { status: 403, code: 'AccessDenied', message: 'MultiFactorAuthentication failed with invalid code' };
const wrongKeys = { status: 403, code: 'InvalidClientTokenId', message: 'The security token is invalid.' };
const badToken = { status: 400, code: 'InvalidIdentityToken', message: 'No OpenIDConnect provider found' };
const typedArn = 'arn:aws:iam::222222222222:role/typed';
const environmentKeys = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLF', AWS_SECRET_ACCESS_KEY: 'secret' };

interface Case {
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  readonly refused: StsAnswer;
  /** Which role is refused; every call unless given. */
  readonly role?: string;
  readonly says: RegExp;
}

const cases: Readonly<Record<string, Case>> = {
  'the role of a profile': { args: ['dev'], refused: denied, says: /^error\[access-denied\]: HOME\/config:2: `arn/ },
  'a role on the way': {
    args: ['deep'],
    refused: denied,
    role: 'dev',
    says: /^error\[access-denied\]: HOME\/config:2: /,
  },
  'the last of a chain': {
    args: ['deep'],
    refused: denied,
    role: 'deep',
    says: /^error\[access-denied\]: HOME\/config:6: /,
  },
  'a duration': {
    args: ['dev', '--duration', '2h'],
    refused: tooLong,
    says: /^error\[duration-refused\]: HOME\/config:2: /,
  },
  'a code': {
    args: ['safe', '--mfa-code', '111111'],
    refused: wrongCode,
    says: /^error\[mfa-refused\]: HOME\/config:12: AWS/,
  },
  'keys of a file': { args: ['dev'], refused: wrongKeys, says: /^error\[credentials-refused\]: HOME\/credentials:2: / },
  'keys of the environment': {
    args: [typedArn],
    env: environmentKeys,
    refused: wrongKeys,
    says: /^error\[credentials-refused\]: AWS_ACCESS_KEY_ID: /,
  },
  'a device that a variable names': {
    args: [typedArn, '--mfa-code', '111111'],
    env: { ...environmentKeys, AWS_MFA_SERIAL: 'arn:aws:iam::111111111111:mfa/env' },
    refused: wrongCode,
    says: /^error\[mfa-refused\]: AWS_MFA_SERIAL: /,
  },
  'an ARN that was typed has no line': {
    args: [typedArn],
    env: environmentKeys,
    refused: denied,
    says: /^error\[access-denied\]: `arn/,
  },
  'a token': { args: ['pod'], refused: badToken, says: /^error\[token-refused\]: HOME\/config:16: / },
};

for (const [name, { args, env = {}, refused, role, says }] of Object.entries(cases)) {
  test(`what AWS refuses is told with its place: ${name}`, async (t) => {
    const sts = await startSts(t);
    sts.refuse = ({ parameters }) =>
      role === undefined || parameters.get('RoleArn')?.endsWith(`/${role}`) === true ? refused : undefined;
    const home = temporaryHome(t, config, `[central]\n${keys}`);
    const { code, stderr } = await runStintHere(['credentials', ...args], { ...childEnvironment(home, sts), ...env });
    assert.equal(code, 1);
    assert.match(stderr.replaceAll(`${home}/.aws`, 'HOME'), says);
  });
}

test('what AWS refuses of a role of the definition is told with its line there', async (t) => {
  const sts = await startSts(t);
  sts.refuse = () => denied;
  const home = temporaryHome(t, config, `[central]\n${keys}`);
  const trust = '[{ group: developers, mfa: { off: true, reason: none here } }]';
  const definition = `version: 1
accounts: { dev: { id: "222222222222", stage: dev }, central: { id: "111111111111", stage: central, central: true } }
groups: { developers: {} }
roles:
  reader:
    in: [dev]
    name: reader-of-dev
    trust: ${trust}
`;
  writeFileSync(join(home, 'stint.config.yaml'), definition);
  const env = { ...childEnvironment(home, sts), AWS_PROFILE: 'central' };
  const { stderr } = await runStint('main', ['credentials', 'dev/reader'], env, home);
  assert.match(
    stderr,
    /^error\[access-denied\]: stint\.config\.yaml:5:3: `arn:aws:iam::111111111111:user\/alice` may not/,
  );
});

test('whoami with keys that AWS refuses names their line', async (t) => {
  const sts = await startSts(t);
  sts.refuse = () => wrongKeys;
  const home = temporaryHome(t, config, `[central]\n${keys}`);
  const { stderr } = await runStintHere(['whoami', 'central'], childEnvironment(home, sts));
  assert.ok(stderr.startsWith(`error[credentials-refused]: ${home}/.aws/credentials:2: `), stderr);
});
