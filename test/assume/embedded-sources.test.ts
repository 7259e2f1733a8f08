// The embedded AWS as judge of the places that credentials come from: its instances, its tasks, its test issuer.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { RunInstancesCommand } from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { adminOf, central, dev, policyText } from '../cloud/clients.ts';
import {
  childEnvironment,
  mainFile,
  runProgram,
  runStint,
  runStintHere,
  temporaryHome,
  type Ended,
} from './support.ts';

const github = 'https://token.actions.githubusercontent.com';
const subject = 'repo:acme/app:ref:refs/heads/main';
const target = `arn:aws:iam::${central}:role/target`;
let cloud: Cloud;
let folder: string;
let instanceId: string;

const trust = (Principal: object, Action = 'sts:AssumeRole', Condition?: object): string =>
  policyText({ Effect: 'Allow', Principal, Action, ...(Condition === undefined ? {} : { Condition }) });

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stint-sources-'));
  cloud = await startCloud({ credentialsFile: join(folder, 'credentials.json') });
  const { iam, ec2 } = adminOf(cloud, dev);
  const mayAssume = policyText({ Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: target });
  const trusts = {
    machine: trust({ Service: 'ec2.amazonaws.com' }),
    task: trust({ Service: 'ecs-tasks.amazonaws.com' }),
    ci: trust(
      { Federated: `arn:aws:iam::${dev}:oidc-provider/token.actions.githubusercontent.com` },
      'sts:AssumeRoleWithWebIdentity',
      {
        StringEquals: {
          'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
          'token.actions.githubusercontent.com:sub': subject,
        },
      },
    ),
  };
  await iam.send(new CreateOpenIDConnectProviderCommand({ Url: github, ClientIDList: ['sts.amazonaws.com'] }));
  for (const [RoleName, AssumeRolePolicyDocument] of Object.entries(trusts)) {
    await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument, MaxSessionDuration: 43_200 }));
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'chain', PolicyDocument: mayAssume }));
  }
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'machine' }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: 'machine', RoleName: 'machine' }));
  const launch = { ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1, IamInstanceProfile: { Name: 'machine' } };
  instanceId = (await ec2.send(new RunInstancesCommand(launch))).Instances![0]!.InstanceId!;
  const document = trust({ AWS: `arn:aws:iam::${dev}:root` }, undefined).replace(
    '"sts:AssumeRole"',
    '["sts:AssumeRole","sts:TagSession"]',
  );
  await adminOf(cloud, central).iam.send(
    new CreateRoleCommand({ RoleName: 'target', AssumeRolePolicyDocument: document }),
  );
});

after(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true });
});

/** `stint …` as if on the instance or in a task of the role `place`. */
async function at(t: TestContext, place: string, ...args: readonly string[]): Promise<Ended> {
  const { AWS_EC2_METADATA_DISABLED: _, ...env } = childEnvironment(temporaryHome(t, '', ''));
  const file = join(folder, 'credentials.json');
  const own = [mainFile, 'cloud', 'exec', '--credentials-file', file, place, '--', process.execPath, mainFile, ...args];
  // The usual second is a busy machine's too.
  return runProgram(process.execPath, own, { ...env, AWS_METADATA_SERVICE_TIMEOUT: '60' });
}

function arnOf({ stdout, stderr }: Ended): string {
  assert.equal(stderr, '');
  return (JSON.parse(stdout) as { arn: string }).arn;
}

test('on an instance the credentials are those of its role, and roles are assumed from it', async (t) => {
  assert.equal(
    arnOf(await at(t, instanceId, 'whoami', '--json')),
    `arn:aws:sts::${dev}:assumed-role/machine/${instanceId}`,
  );
  assert.equal(
    arnOf(await at(t, instanceId, 'whoami', target, '--json')),
    `arn:aws:sts::${central}:assumed-role/target/alice`,
  );
});

test('in a task the credentials are those of its role, and roles are assumed from it', async (t) => {
  const place = `arn:aws:iam::${dev}:role/task`;
  assert.match(
    arnOf(await at(t, place, 'whoami', '--json')),
    /^arn:aws:sts::222222222222:assumed-role\/task\/[0-9a-f]{32}$/,
  );
  assert.equal(
    arnOf(await at(t, place, 'whoami', target, '--json')),
    `arn:aws:sts::${central}:assumed-role/target/alice`,
  );
});

test('in a shell of a task one target is assumed after the other, each from the role of the task', async (t) => {
  const place = `arn:aws:iam::${dev}:role/task`;
  const { AWS_EC2_METADATA_DISABLED: _, ...env } = childEnvironment(temporaryHome(t, '', ''));
  const stint = `'${process.execPath}' '${mainFile}'`;
  const turn = `eval "$(${stint} assume ${target} --quiet)" && ${stint} whoami`;
  const script = `${turn} && ${turn} --quiet && eval "$(${stint} assume --unset)" && ${stint} whoami`;
  const file = join(folder, 'credentials.json');
  const args = [mainFile, 'cloud', 'exec', '--credentials-file', file, place, '--', '/bin/sh', '-c', script];
  const { stdout, stderr } = await runProgram(process.execPath, args, env);
  assert.equal(stderr, '');
  const [first, second, last] = stdout.split('\n');
  const assumed = `arn:aws:sts::${central}:assumed-role/target/alice`;
  assert.deepEqual([first, second], [assumed, assumed]);
  assert.match(last ?? '', /assumed-role\/task\//);
});

test('a role of an instance lasts an hour by chaining, which is said', async (t) => {
  const { stderr } = await at(t, instanceId, 'credentials', target, '--duration', '2h', '--explain');
  assert.match(stderr, /note: 1h instead of 2h/);
  assert.match(
    stderr,
    /explain: AssumeRole arn:aws:iam::111111111111:role\/target as alice for 1h, from the instance metadata/,
  );
});

async function token(...more: readonly string[]): Promise<string> {
  const file = join(folder, 'credentials.json');
  const args = [
    'cloud',
    'token',
    '--credentials-file',
    file,
    '--issuer',
    github,
    '--subject',
    subject,
    '--audience',
    'sts.amazonaws.com',
  ];
  const { stdout, stderr } = await runStintHere([...args, ...more], childEnvironment(folder));
  assert.equal(stderr, '');
  return stdout;
}

interface Runner {
  readonly file: string;
  readonly run: (...args: readonly string[]) => Promise<Ended>;
  /** As a process of its own, which may be answered from the index of kept sessions. */
  readonly start: (...args: readonly string[]) => Promise<Ended>;
}

/** A runner of CI that has its token in a file, as the environment says. */
function runner(t: TestContext, given: string): Runner {
  const home = temporaryHome(t, '', '');
  const file = join(home, 'token');
  writeFileSync(file, given);
  const env = {
    ...childEnvironment(home),
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
    AWS_ROLE_ARN: `arn:aws:iam::${dev}:role/ci`,
    AWS_ROLE_SESSION_NAME: 'run-7',
  };
  return { file, run: (...args) => runStintHere(args, env), start: (...args) => runStint('main', args, env) };
}

test('a runner with a web identity token in its environment has the role the token is for, and assumes others from it', async (t) => {
  const { run } = runner(t, await token());
  assert.equal(arnOf(await run('whoami', '--json')), `arn:aws:sts::${dev}:assumed-role/ci/run-7`);
  assert.equal(arnOf(await run('whoami', target, '--json')), `arn:aws:sts::${central}:assumed-role/target/run-7`);
});

test('a role for a web identity token is no chaining: it lasts as long as the role allows', async (t) => {
  const home = temporaryHome(
    t,
    `[profile ci]\nrole_arn = arn:aws:iam::${dev}:role/ci\nweb_identity_token_file = ~/token\nduration_seconds = 43200\nrole_session_name = night\n`,
    '',
  );
  writeFileSync(join(home, 'token'), await token());
  const env = { ...childEnvironment(home), AWS_ENDPOINT_URL: cloud.endpoint };
  const { stdout, stderr } = await runStintHere(['credentials', 'ci', '--explain'], env);
  assert.match(
    stderr,
    /^explain: AssumeRoleWithWebIdentity arn:aws:iam::222222222222:role\/ci as night for 12h, from the web identity of profile `ci` \(the token stands for keys/,
  );
  const { Expiration } = JSON.parse(stdout) as { Expiration: string };
  assert.ok(Math.abs(Date.parse(Expiration) - Date.now() - 43_200_000) < 60_000);
});

test('a token of another subject does not get the session that is kept of the first', async (t) => {
  const { file, start } = runner(t, await token());
  assert.equal((await start('credentials', target)).code, 0);
  writeFileSync(file, await token('--subject', 'repo:mallory/app:ref:refs/heads/main'));
  const { code, stdout, stderr } = await start('credentials', target);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    /^error\[access-denied\]: AWS_ROLE_ARN: the web identity token may not assume `arn:aws:iam::222222222222:role\/ci`/,
  );
  assert.match(stderr, /hint: .*`aud` and `sub` must hold; `stint cloud explain \w+` says which policy decided/);
});

const spoilt: readonly { name: string; make: () => Promise<string>; says: RegExp }[] = [
  {
    name: 'for another audience',
    make: () => token('--audience', 'other'),
    says: /InvalidIdentityToken\): Incorrect token audience/,
  },
  { name: 'that is none', make: async () => 'not.a.token', says: /InvalidIdentityToken\)/ },
  {
    name: 'of an issuer that the account does not know',
    make: () => token('--issuer', 'https://gitlab.com'),
    says: /InvalidIdentityToken\): .*provider/,
  },
];

for (const { name, make, says } of spoilt) {
  test(`AWS's reason for refusing a token is told with the cure: a token ${name}`, async (t) => {
    const given = await make();
    const { code, stderr } = await runner(t, given).run('credentials', target);
    assert.equal(code, 1);
    assert.match(stderr, /^error\[token-refused\]: /);
    assert.match(stderr, says);
    assert.ok(!stderr.includes(given.trim()), 'the token is repeated');
  });
}

test('a token is in no file that Stint writes', async (t) => {
  const { file, run } = runner(t, await token());
  await run('credentials', target);
  const text = readFileSync(file, 'utf8').trim();
  // `-e`, for one signature in 64 begins with a dash.
  const search = ['-rlF', '-e', text.split('.')[2]!, join(file, '..')];
  const { stdout } = await runProgram('grep', search, childEnvironment(folder));
  assert.equal(stdout, `${file}\n`);
});
