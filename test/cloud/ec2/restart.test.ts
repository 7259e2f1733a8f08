import assert from 'node:assert/strict';
import {
  CreateKeyPairCommand,
  CreateLaunchTemplateCommand,
  CreateSecurityGroupCommand,
  CreateVolumeCommand,
  DeleteSecurityGroupCommand,
  DescribeKeyPairsCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeSecurityGroupsCommand,
  DescribeVolumesCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { adminOf, central, dev } from '../clients.ts';

test('templates, groups, keys and volumes are there after a restart, in their account only', async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'stint-ec2-'));
  t.after(() => rmSync(state, { recursive: true }));
  const data = {
    ImageId: 'ami-12345678',
    InstanceMarketOptions: {
      MarketType: 'spot' as const,
      SpotOptions: { ValidUntil: new Date('2030-01-01T00:00:00Z') },
    },
  };
  let groupId: string | undefined;
  {
    await using first = await startCloud({ state });
    const { ec2 } = adminOf(first, dev);
    await ec2.send(new CreateKeyPairCommand({ KeyName: 'ops', KeyType: 'ed25519' }));
    await ec2.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: 'app', LaunchTemplateData: data }));
    await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 1 }));
    const made = await ec2.send(new CreateSecurityGroupCommand({ GroupName: 'web', Description: 'web' }));
    groupId = made.GroupId;
    await ec2.send(
      new RunInstancesCommand({
        ImageId: 'ami-12345678',
        MinCount: 1,
        MaxCount: 1,
        KeyName: 'ops',
        SecurityGroups: ['web'],
      }),
    );
  }
  await using second = await startCloud({ state });
  const { ec2 } = adminOf(second, dev);
  const { KeyPairs } = await ec2.send(new DescribeKeyPairsCommand({}));
  assert.equal(KeyPairs!.length, 1);
  const { LaunchTemplateVersions } = await ec2.send(
    new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateName: 'app' }),
  );
  assert.deepEqual(LaunchTemplateVersions![0]!.LaunchTemplateData, data);
  const { Volumes } = await ec2.send(new DescribeVolumesCommand({}));
  assert.deepEqual(new Set(Volumes!.map(({ State }) => State)), new Set(['available', 'in-use']));
  await assert.rejects(ec2.send(new DeleteSecurityGroupCommand({ GroupId: groupId })), { name: 'DependencyViolation' });
  const elsewhere = adminOf(second, central).ec2;
  await assert.rejects(elsewhere.send(new DescribeSecurityGroupsCommand({ GroupIds: [groupId!] })), {
    name: 'InvalidGroup.NotFound',
  });
  assert.equal((await elsewhere.send(new DescribeKeyPairsCommand({}))).KeyPairs!.length, 0);
});
