// Tutorial 1.2 and 1.3: becoming a role of another account, by hand and with one command.
import { CreateVirtualMFADeviceCommand, EnableMFADeviceCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { Finished } from '../processes.ts';
import { hold, refusal, type Step } from '../story.ts';
import { oneTimeCode } from '../totp.ts';
import type { Clients, World } from '../world.ts';

async function becomes(world: World, who: Clients, account: string): Promise<Clients> {
  const { Credentials } = await who.sts.send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${world.accountId(account)}:role/test_role`,
      RoleSessionName: 'alice',
    }),
  );
  return world.clients({
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  });
}

const byHand: Step<World> = {
  number: '1.2',
  title: 'alice becomes dev/test_role, which may list buckets and nothing else',
  async tell(world, teller) {
    await world.admin('dev').s3.send(new CreateBucketCommand({ Bucket: 'dev-artifacts' }));
    const session = await becomes(world, world.person('alice'), 'dev');
    const { Arn } = await session.sts.send(new GetCallerIdentityCommand({}));
    hold(Arn === `arn:aws:sts::${world.accountId('dev')}:assumed-role/test_role/alice`, `alice became ${Arn}`);
    teller.allowed('alice: sts:AssumeRole', Arn);
    const { Buckets = [] } = await session.s3.send(new ListBucketsCommand({}));
    hold(
      Buckets.some(({ Name }) => Name === 'dev-artifacts'),
      'dev’s buckets are listed',
    );
    teller.allowed('the role: s3:ListAllMyBuckets', Buckets.map(({ Name }) => Name).join(', '));
    const create = session.s3.send(new CreateBucketCommand({ Bucket: 'not-for-alice' }));
    teller.refused('the role: s3:CreateBucket', await refusal(create, 'AccessDenied'));
    const other = becomes(world, world.person('Administrator'), 'dev');
    teller.refused('Administrator without MFA: sts:AssumeRole', await refusal(other, 'AccessDenied'));
    const prod = becomes(world, world.person('alice'), 'prod');
    teller.refused('alice without MFA, in prod: sts:AssumeRole', await refusal(prod, 'AccessDenied'));
  },
};

const oneCommand: Step<World> = {
  number: '1.3',
  title: 'The same with one command: stint assume dev/test_role, stint exec',
  async tell(world, teller) {
    const env = world.environment(world.person('alice').keys);
    const target = ['dev/test_role', '--config', world.definition];
    const who = await world.processes.stint(
      ['exec', ...target, '--', process.execPath, '-p', 'process.env.AWS_ACCESS_KEY_ID.slice(0, 4)'],
      env,
    );
    hold(who.code === 0 && who.stdout.trim() === 'ASIA', `stint exec: ${who.stderr}`);
    teller.allowed('stint exec dev/test_role -- program', 'the program has the session, and its exit code passes');
    const assumed = await world.processes.stint(['assume', ...target], env);
    hold(assumed.code === 0 && assumed.stdout.includes('AWS_SESSION_TOKEN'), `stint assume: ${assumed.stderr}`);
    hold(!assumed.stderr.includes(env['AWS_SECRET_ACCESS_KEY'] ?? '-'), 'no secret stands on stderr');
    teller.seen('stint assume prints export lines for the shell; the second time from the cache');
  },
};

/** Gives alice a virtual MFA device; returns its serial number and its seed. */
async function giveDevice(world: World): Promise<{ serial: string; seed: Uint8Array }> {
  const { iam } = world.admin('central');
  const { VirtualMFADevice } = await iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: 'alice' }));
  const serial = VirtualMFADevice?.SerialNumber ?? '';
  const now = Date.now();
  const seed = VirtualMFADevice?.Base32StringSeed ?? new Uint8Array();
  await iam.send(
    new EnableMFADeviceCommand({
      UserName: 'alice',
      SerialNumber: serial,
      AuthenticationCode1: oneTimeCode(seed, now - 30_000),
      AuthenticationCode2: oneTimeCode(seed, now),
    }),
  );
  return { serial, seed };
}

const withMfa: Step<World> = {
  number: '1.3',
  title: 'In prod the role demands MFA, which the definition switched off in dev with a written reason',
  async tell(world, teller) {
    const env = world.environment(world.person('alice').keys);
    const become = (...options: readonly string[]): Promise<Finished> =>
      world.processes.stint(
        ['exec', 'prod/test_role', '--config', world.definition, ...options, '--', process.execPath, '-p', '"in prod"'],
        env,
      );
    const refused = await become();
    hold(refused.code !== 0, 'prod wants MFA');
    teller.refused('stint exec prod/test_role', refused.stderr.trim());
    const { serial, seed } = await giveDevice(world);
    // A code counts once, and enabling the device used the present one: the next step's is within the window.
    const code = oneTimeCode(seed, Date.now() + 30_000);
    const allowed = await become('--mfa-serial', serial, '--mfa-code', code);
    hold(allowed.code === 0, `with MFA: ${allowed.stderr}`);
    teller.allowed('stint exec prod/test_role --mfa-code …', `${allowed.stdout.trim()}, by ${serial}`);
  },
};

/** A sign-in link of a session, as identity brokers make them. */
async function signinLink(world: World, { keys }: Clients): Promise<URL> {
  const { accessKeyId: sessionId, secretAccessKey: sessionKey, sessionToken } = keys;
  const url = new URL('/federation', world.endpoint);
  const Session = JSON.stringify({ sessionId, sessionKey, sessionToken });
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams({ Action: 'getSigninToken', Session }) });
  hold(answer.ok, `a session gets a sign-in token: ${answer.status}`);
  const { SigninToken } = (await answer.json()) as { SigninToken: string };
  const Destination = 'https://console.aws.amazon.com/s3/home';
  url.search = new URLSearchParams({ Action: 'login', Issuer: world.endpoint, Destination, SigninToken }).toString();
  return url;
}

const inConsole: Step<World> = {
  number: '1.4',
  title: 'The same role in the console: a sign-in link, and a link to switch roles',
  async tell(world, teller) {
    const link = await signinLink(world, await becomes(world, world.person('alice'), 'dev'));
    const opened = await fetch(link);
    const arn = `arn:aws:sts::${world.accountId('dev')}:assumed-role/test_role/alice`;
    hold(opened.ok && (await opened.text()).includes(arn), 'the link says whose console it opens');
    teller.allowed('the sign-in link', `opens the console as ${arn}`);
    const again = await fetch(link);
    hold(again.status === 400, 'a link opens once');
    teller.refused('the same link again', '400: a sign-in token serves once, within 15 minutes');
    const role = new URL(
      `/switchrole?account=${world.accountId('dev')}&roleName=test_role&displayName=dev`,
      world.endpoint,
    );
    const shown = await fetch(role);
    hold(shown.ok && (await shown.text()).includes(':role/test_role'), 'the switch-role link names the role');
    teller.seen(`${role.href} names the role that would be assumed`);
  },
};

export const assumeSteps: readonly Step<World>[] = [byHand, oneCommand, withMfa, inConsole];
