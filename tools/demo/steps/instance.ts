// Tutorial 2: a program on an instance, with the role's permissions and no key on disk.
import { DescribeImagesCommand, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { AttachRolePolicyCommand, DetachRolePolicyCommand } from '@aws-sdk/client-iam';
import type { Finished } from '../processes.ts';
import { hold, type Step } from '../story.ts';
import type { World } from '../world.ts';

const readOnly = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess';

/** Runs the program of this folder on the instance, as `stint cloud exec` lets a program run there. */
function onInstance(world: World): Promise<Finished> {
  const program = new URL('../instance-program.ts', import.meta.url).pathname;
  const args = ['cloud', 'exec', '--credentials-file', world.credentialsFile, world.instanceId];
  return world.processes.stint([...args, '--', process.execPath, program]);
}

const launch: Step<World> = {
  number: '2.1',
  title: 'An instance launched with test_profile, in dev',
  async tell(world, teller) {
    const { ec2 } = world.admin('dev');
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({}));
    const { Instances = [] } = await ec2.send(
      new RunInstancesCommand({
        ImageId: Images[0]?.ImageId ?? '',
        InstanceType: 't3.micro',
        MinCount: 1,
        MaxCount: 1,
        IamInstanceProfile: { Name: 'test_profile' },
        MetadataOptions: { HttpTokens: 'required' },
      }),
    );
    const instance = Instances[0];
    world.instanceId = instance?.InstanceId ?? '';
    hold(instance?.IamInstanceProfile?.Arn?.endsWith('/test_profile') === true, 'the instance holds the profile');
    teller.allowed(
      'dev’s admin: ec2:RunInstances and iam:PassRole',
      `${world.instanceId}, ${instance.IamInstanceProfile.Arn}`,
    );
  },
};

const program: Step<World> = {
  number: '2.2',
  title: 'A program on the instance gets the role from IMDSv2; take the policy away, and it may no more',
  async tell(world, teller) {
    const { iam } = world.admin('dev');
    const first = await onInstance(world);
    hold(first.code === 0, `the program may list buckets: ${first.stdout}${first.stderr}`);
    teller.allowed('the program: s3:ListAllMyBuckets', first.stdout.trim());
    await iam.send(new DetachRolePolicyCommand({ RoleName: 'app', PolicyArn: readOnly }));
    const without = await onInstance(world);
    hold(
      without.code === 3 && without.stdout.includes('AccessDenied'),
      `the program is refused: ${without.stdout}${without.stderr}`,
    );
    teller.refused('the program, policy taken away', without.stdout.trim());
    await iam.send(new AttachRolePolicyCommand({ RoleName: 'app', PolicyArn: readOnly }));
    hold((await onInstance(world)).code === 0, 'the program may again');
    teller.allowed('the program, policy given back', 'no key on disk, no restart');
  },
};

export const instanceSteps: readonly Step<World>[] = [launch, program];
