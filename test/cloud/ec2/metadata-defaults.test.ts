import assert from 'node:assert/strict';
import {
  DescribeInstancesCommand,
  GetInstanceMetadataDefaultsCommand,
  ModifyInstanceMetadataDefaultsCommand,
  RunInstancesCommand,
  type EC2Client,
  type RunInstancesCommandInput,
} from '@aws-sdk/client-ec2';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { adminOf, dev } from '../clients.ts';

async function optionsOf(ec2: EC2Client, more: Partial<RunInstancesCommandInput> = {}) {
  const launch = { ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1, ...more };
  const { Instances } = await ec2.send(new RunInstancesCommand(launch));
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }));
  const { HttpTokens, HttpPutResponseHopLimit } = Reservations![0]!.Instances![0]!.MetadataOptions!;
  return [HttpTokens, HttpPutResponseHopLimit];
}

test("the account's defaults hold where a launch says nothing, and can be taken back", async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  assert.deepEqual(await optionsOf(ec2), ['optional', 1]);
  await ec2.send(new ModifyInstanceMetadataDefaultsCommand({ HttpTokens: 'required', HttpPutResponseHopLimit: 4 }));
  const { AccountLevel } = await ec2.send(new GetInstanceMetadataDefaultsCommand({}));
  assert.deepEqual(AccountLevel, { HttpTokens: 'required', HttpPutResponseHopLimit: 4, ManagedBy: 'account' });
  assert.deepEqual(await optionsOf(ec2), ['required', 4]);
  assert.deepEqual(await optionsOf(ec2, { MetadataOptions: { HttpTokens: 'optional' } }), ['optional', 4]);
  await ec2.send(
    new ModifyInstanceMetadataDefaultsCommand({ HttpTokens: 'no-preference', HttpPutResponseHopLimit: -1 }),
  );
  assert.deepEqual(await optionsOf(ec2), ['optional', 1]);
  await assert.rejects(ec2.send(new ModifyInstanceMetadataDefaultsCommand({ HttpPutResponseHopLimit: 65 })), {
    name: 'InvalidParameterValue',
  });
});
