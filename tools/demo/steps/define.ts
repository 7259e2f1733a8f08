// Tutorial 0 and 1.1: one definition for all accounts, planned and applied.
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  GetAccountPasswordPolicyCommand,
  GetGroupCommand,
  GetRoleCommand,
  ListAttachedGroupPoliciesCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam';
import { hold, refusal, type Step } from '../story.ts';
import type { Clients, World } from '../world.ts';

/** An access key for a person, made by the central administrator. */
async function introduce(world: World, name: string): Promise<Clients> {
  const { AccessKey } = await world.admin('central').iam.send(new CreateAccessKeyCommand({ UserName: name }));
  const clients = world.clients({
    accessKeyId: AccessKey?.AccessKeyId ?? '',
    secretAccessKey: AccessKey?.SecretAccessKey ?? '',
  });
  world.people.set(name, clients);
  return clients;
}

async function stint(world: World, ...args: readonly string[]): Promise<{ code: number | null; stdout: string }> {
  const done = await world.processes.stint(
    [...args, '--config', world.definition],
    world.environment(world.admin('central').keys),
  );
  hold(done.code === 0 || done.code === 3, `\`stint ${args.join(' ')}\` ended with ${done.code}: ${done.stderr}`);
  return done;
}

const guardRails: Step<World> = {
  number: '0',
  title: 'One definition for central, dev, test and prod: stint plan, stint apply; and the guard rails it set',
  async tell(world, teller) {
    const planned = await stint(world, 'plan', '--detailed-exitcode');
    hold(planned.code === 3, 'the first plan must have changes');
    await stint(world, 'apply', '--yes');
    teller.seen(`${planned.stdout.trim().split('\n').at(-1)}: applied`);
    const { iam } = world.admin('central');
    const { Users = [] } = await iam.send(new GetGroupCommand({ GroupName: 'Administrators' }));
    hold(
      Users.some(({ UserName }) => UserName === 'Administrator'),
      'Administrator is in Administrators',
    );
    const { AttachedPolicies = [] } = await iam.send(
      new ListAttachedGroupPoliciesCommand({ GroupName: 'Administrators' }),
    );
    const names = AttachedPolicies.map(({ PolicyName }) => PolicyName ?? '');
    hold(names.includes('AdministratorAccess'), 'the group has AdministratorAccess');
    teller.seen(`Administrator is in Administrators, which has ${names.join(' and ')}`);
    const { PasswordPolicy } = await iam.send(new GetAccountPasswordPolicyCommand({}));
    hold(PasswordPolicy?.MinimumPasswordLength === 10, 'passwords have 10 characters');
    hold(PasswordPolicy.PasswordReusePrevention === 3, 'the last 3 passwords are refused');
    teller.seen(`passwords: ${PasswordPolicy.MinimumPasswordLength} characters, ${PasswordPolicy.MaxPasswordAge} days`);

    const administrator = await introduce(world, 'Administrator');
    const words = await refusal(administrator.iam.send(new CreateUserCommand({ UserName: 'eve' })), 'AccessDenied');
    teller.refused('Administrator without MFA: iam:CreateUser', words);
    const { Users: listed = [] } = await iam.send(new ListUsersCommand({}));
    hold(!listed.some(({ UserName }) => UserName === 'eve'), 'nothing was created');
    teller.allowed('the account’s own admin: iam:ListUsers', `${listed.length} users`);
    await introduce(world, 'alice');
  },
};

const role: Step<World> = {
  number: '1.1',
  title: 'In dev, test and prod: test_role, which trusts the central account',
  async tell(world, teller) {
    const again = await stint(world, 'plan', '--detailed-exitcode');
    hold(again.code === 0, `the second plan must be empty: ${again.stdout}`);
    teller.seen('the second plan is empty');
    const arn = (await stint(world, 'output', 'test_role_arn')).stdout.trim();
    hold(arn === `arn:aws:iam::${world.accountId('dev')}:role/test_role`, `test_role_arn is ${arn}`);
    for (const account of ['dev', 'test', 'prod']) {
      const { Role } = await world.admin(account).iam.send(new GetRoleCommand({ RoleName: 'test_role' }));
      hold(Role?.Arn === arn.replace(world.accountId('dev'), world.accountId(account)), `${account} has test_role`);
    }
    teller.seen(`output test_role_arn = ${arn}`);
  },
};

export const defineSteps: readonly Step<World>[] = [guardRails, role];
