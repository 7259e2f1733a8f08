// Tutorial 3: a credential for half an hour, and its end.
import { GetUserCommand, ListAttachedUserPoliciesCommand, ListUsersCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, DeleteBucketCommand } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { hold, refusal, type Step } from '../story.ts';
import type { Clients, World } from '../world.ts';

const fullAccess = 'arn:aws:iam::aws:policy/AmazonS3FullAccess';

async function userCount(world: World): Promise<number> {
  return (await world.admin('dev').iam.send(new ListUsersCommand({}))).Users?.length ?? 0;
}

const signIn: Step<World> = {
  number: '3.1',
  title: 'The server in development mode, and its web page, which takes the token',
  async tell(world, teller) {
    const { address } = world.server;
    const page = await fetch(`${address}/ui/`);
    const script = /src="([^"]+)"/.exec(await page.text())?.[1] ?? '';
    hold(page.status === 200 && script !== '', `the web page answers ${page.status}: \`npm run build\` makes it`);
    hold((await fetch(`${address}${script}`)).status === 200, 'its script is there');
    const wrong = await fetch(`${address}/v1/auth/token/lookup-self`, { headers: { 'x-vault-token': 'wrong' } });
    const { errors = [] } = (await wrong.json()) as { errors?: readonly string[] };
    hold(wrong.status === 403, 'a wrong token does not sign in');
    teller.refused('signing in with a wrong token', errors.join());
    hold((await world.lend('GET', 'auth/token/lookup-self')).status === 200, 'the root token signs in');
    teller.allowed('signing in with the root token', `${address}/ui/`);
  },
};

const configure: Step<World> = {
  number: '3.2',
  title: 'The server’s AWS engine, its root credentials, and leases of 30 minutes',
  async tell(world, teller) {
    const { keys } = world.admin('dev');
    const enabled = await world.lend('POST', 'sys/mounts/aws', { type: 'aws' });
    hold(enabled.status === 204, `secrets enable aws: ${JSON.stringify(enabled.body)}`);
    const root = await world.lend('POST', 'aws/config/root', {
      access_key: keys.accessKeyId,
      secret_key: keys.secretAccessKey,
      region: world.region,
      iam_endpoint: world.endpoint,
      sts_endpoint: world.endpoint,
    });
    hold(root.status === 204, `config/root: ${JSON.stringify(root.body)}`);
    const lease = await world.lend('POST', 'aws/config/lease', { lease: '30m', lease_max: '30m' });
    hold(lease.status === 204, `config/lease: ${JSON.stringify(lease.body)}`);
    const read = await world.lend('GET', 'aws/config/root');
    hold(read.body.data?.['secret_key'] === undefined, 'the secret key is never read back');
    teller.seen('engine enabled at aws/; the secret key is written and never read back');
  },
};

const role: Step<World> = {
  number: '3.3',
  title: 'A role there: an IAM user with AmazonS3FullAccess; nothing appears in AWS yet',
  async tell(world, teller) {
    const before = await userCount(world);
    const misprint = await world.lend('POST', 'aws/roles/s3', {
      credential_type: 'iam_user',
      policy_arns: 'arn:aws:iam:aws:policy/AmazonS3FullAccess',
    });
    hold(
      misprint.status === 400 && (misprint.body.errors?.[0] ?? '').includes(fullAccess),
      'the misprinted ARN is refused',
    );
    teller.refused('arn:aws:iam:aws:policy/AmazonS3FullAccess', misprint.body.errors?.[0] ?? '');
    const made = await world.lend('POST', 'aws/roles/s3', { credential_type: 'iam_user', policy_arns: fullAccess });
    hold(made.status === 204 || made.status === 200, `roles/s3: ${JSON.stringify(made.body)}`);
    hold((await userCount(world)) === before, 'no user was made');
    teller.seen(`role s3 written; IAM has ${before} users, as before`);
  },
};

interface Lent {
  readonly clients: Clients;
  readonly leaseId: string;
  readonly userName: string;
}

async function lend(world: World): Promise<Lent> {
  const { status, body } = await world.lend('GET', 'aws/creds/s3');
  hold(status === 200 && body.lease_id !== undefined, `creds/s3: ${JSON.stringify(body.errors)}`);
  hold(body.lease_duration === 1800, `the lease lasts ${body.lease_duration} s`);
  const clients = world.clients({
    accessKeyId: String(body.data?.['access_key']),
    secretAccessKey: String(body.data?.['secret_key']),
  });
  const { Arn = '' } = await clients.sts.send(new GetCallerIdentityCommand({}));
  return { clients, leaseId: body.lease_id, userName: Arn.split('/').at(-1) ?? '' };
}

async function gone(world: World, lent: Lent): Promise<string> {
  const { iam } = world.admin('dev');
  await refusal(iam.send(new GetUserCommand({ UserName: lent.userName })), 'NoSuchEntity', 'NoSuchEntityException');
  return refusal(lent.clients.sts.send(new GetCallerIdentityCommand({})), 'InvalidClientTokenId');
}

const credential: Step<World> = {
  number: '3.4',
  title: 'A credential for 30 minutes',
  async tell(world, teller) {
    const lent = await lend(world);
    world.people.set('borrower', lent.clients);
    await lent.clients.s3.send(new CreateBucketCommand({ Bucket: 'borrowed' }));
    await lent.clients.s3.send(new DeleteBucketCommand({ Bucket: 'borrowed' }));
    teller.allowed('the borrower: s3:CreateBucket, s3:DeleteBucket', lent.leaseId);
    const { AttachedPolicies = [] } = await world
      .admin('dev')
      .iam.send(new ListAttachedUserPoliciesCommand({ UserName: lent.userName }));
    hold(AttachedPolicies[0]?.PolicyArn === fullAccess, 'the new user has that policy');
    teller.seen(`IAM has a new user ${lent.userName} with ${AttachedPolicies[0].PolicyName}`);
    teller.refused(
      'the borrower: iam:ListUsers',
      await refusal(lent.clients.iam.send(new ListUsersCommand({})), 'AccessDenied'),
    );
    await world.advance('31m');
    await leaseEnded(world, lent.leaseId);
    teller.refused('31 minutes later: the key', await gone(world, lent));
    teller.seen(`${lent.userName} is gone from IAM`);
  },
};

/** Resolves when the server no longer knows the lease as live. */
async function leaseEnded(world: World, leaseId: string): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    const { status } = await world.lend('PUT', 'sys/leases/lookup', { lease_id: leaseId });
    if (status === 400) return;
    await new Promise((later) => void setTimeout(later, 25));
  }
  hold(false, `lease ${leaseId} did not end`);
}

const revoke: Step<World> = {
  number: '3.5',
  title: 'Revoked before its time: dead at once',
  async tell(world, teller) {
    const lent = await lend(world);
    const revoked = await world.lend('PUT', 'sys/leases/revoke', { lease_id: lent.leaseId, sync: true });
    hold(revoked.status === 204, `revoke: ${JSON.stringify(revoked.body)}`);
    teller.refused('the revoked key', await gone(world, lent));
    hold((await world.lend('LIST', 'aws/roles')).status === 200, 'the role stays');
    teller.seen('the user is gone; the role stays for the next borrower');
  },
};

export const lendSteps: readonly Step<World>[] = [signIn, configure, role, credential, revoke];
