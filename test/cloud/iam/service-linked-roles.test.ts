// Service-linked roles over the wire.
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  CreateServiceLinkedRoleCommand,
  DeleteRoleCommand,
  DeleteServiceLinkedRoleCommand,
  GetRoleCommand,
  GetServiceLinkedRoleDeletionStatusCommand,
  ListAttachedRolePoliciesCommand,
  PutRolePolicyCommand,
  UpdateRoleCommand,
} from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { adminOf, policyText, userWith } from '../clients.ts';
import { central, trustOf } from '../support.ts';

let cloud: Cloud;
before(async () => {
  cloud = await startCloud({ port: 0 });
});
after(() => cloud.stop());

const refused = (name: string, message: string | RegExp) => ({ name, message });

test('a service-linked role has the name, path, trust and policy that AWS gives it, and is gone after its deletion', async () => {
  const { iam } = adminOf(cloud, central);
  const { Role } = await iam.send(
    new CreateServiceLinkedRoleCommand({ AWSServiceName: 'batch.amazonaws.com', Description: 'for batch' }),
  );
  const RoleName = 'AWSServiceRoleForBatch';
  assert.equal(Role?.Arn, `arn:aws:iam::${central}:role/aws-service-role/batch.amazonaws.com/${RoleName}`);
  assert.equal(Role.Path, '/aws-service-role/batch.amazonaws.com/');
  const { Role: read } = await iam.send(new GetRoleCommand({ RoleName }));
  assert.deepEqual(JSON.parse(decodeURIComponent(read!.AssumeRolePolicyDocument!)), {
    Version: '2012-10-17',
    Statement: [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'batch.amazonaws.com' } }],
  });
  assert.equal(read!.Description, 'for batch');
  const { AttachedPolicies } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  assert.deepEqual(AttachedPolicies, [
    {
      PolicyName: 'BatchServiceRolePolicy',
      PolicyArn: 'arn:aws:iam::aws:policy/aws-service-role/BatchServiceRolePolicy',
    },
  ]);
  const { DeletionTaskId } = await iam.send(new DeleteServiceLinkedRoleCommand({ RoleName }));
  assert.match(
    DeletionTaskId!,
    /^task\/aws-service-role\/batch\.amazonaws\.com\/AWSServiceRoleForBatch\/[0-9a-f-]{36}$/,
  );
  const { Status } = await iam.send(new GetServiceLinkedRoleDeletionStatusCommand({ DeletionTaskId }));
  assert.equal(Status, 'SUCCEEDED');
  await assert.rejects(
    iam.send(new GetRoleCommand({ RoleName })),
    refused('NoSuchEntityException', `The role with name ${RoleName} cannot be found.`),
  );
});

test('a second one needs a suffix, which only some services take', async () => {
  const { iam } = adminOf(cloud, central);
  const create = (AWSServiceName: string, CustomSuffix?: string) =>
    iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName, CustomSuffix }));
  await create('autoscaling.amazonaws.com');
  await assert.rejects(
    create('autoscaling.amazonaws.com'),
    refused(
      'InvalidInputException',
      'Service role name AWSServiceRoleForAutoScaling has been taken in this account, please try a different suffix.',
    ),
  );
  const { Role } = await create('autoscaling.amazonaws.com', 'Web');
  assert.equal(Role?.RoleName, 'AWSServiceRoleForAutoScaling_Web');
  await assert.rejects(
    create('ecs.amazonaws.com', 'Web'),
    refused('InvalidInputException', 'Custom suffix is not allowed for ecs.amazonaws.com'),
  );
  await assert.rejects(create('nothing.example.com'), refused('InvalidInputException', /nothing\.example\.com/));
});

test('its owner changes nothing of it but the description', async () => {
  const { iam } = adminOf(cloud, central);
  await iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName: 'rds.amazonaws.com' }));
  const RoleName = 'AWSServiceRoleForRDS';
  const PolicyDocument = policyText({ Effect: 'Allow', Action: '*', Resource: '*' });
  const words = refused(
    'UnmodifiableEntityException',
    `Cannot perform the operation on the protected role '${RoleName}' - this role is only modifiable by AWS`,
  );
  const changes = [
    new DeleteRoleCommand({ RoleName }),
    new PutRolePolicyCommand({ RoleName, PolicyName: 'own', PolicyDocument }),
    new AttachRolePolicyCommand({ RoleName, PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }),
    new UpdateRoleCommand({ RoleName, MaxSessionDuration: 7200 }),
  ];
  for (const change of changes) await assert.rejects(iam.send(change as DeleteRoleCommand), words);
  await iam.send(new UpdateRoleCommand({ RoleName, Description: 'databases' }));
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  assert.equal(Role?.Description, 'databases');
});

test('an ordinary role is not deleted as a service-linked one, and an unknown task is none', async () => {
  const { iam } = adminOf(cloud, central);
  await iam.send(new CreateRoleCommand({ RoleName: 'own', AssumeRolePolicyDocument: trustOf(central) }));
  const missing = { name: 'NoSuchEntityException' };
  await assert.rejects(iam.send(new DeleteServiceLinkedRoleCommand({ RoleName: 'own' })), missing);
  const DeletionTaskId = 'task/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS/none';
  await assert.rejects(iam.send(new GetServiceLinkedRoleDeletionStatusCommand({ DeletionTaskId })), missing);
});

test('iam:AWSServiceName limits which services a role may be made for', async () => {
  const { iam } = await userWith(cloud, central, 'maker', {
    Effect: 'Allow',
    Action: 'iam:CreateServiceLinkedRole',
    Resource: `arn:aws:iam::${central}:role/aws-service-role/*`,
    Condition: { StringEquals: { 'iam:AWSServiceName': 'shield.amazonaws.com' } },
  });
  await iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName: 'shield.amazonaws.com' }));
  const resource = `arn:aws:iam::${central}:role/aws-service-role/waf.amazonaws.com/AWSServiceRoleForWAFLogging`;
  await assert.rejects(
    iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName: 'waf.amazonaws.com' })),
    refused(
      'AccessDenied',
      `User: arn:aws:iam::${central}:user/maker is not authorized to perform: iam:CreateServiceLinkedRole on resource: ${resource} because no identity-based policy allows the iam:CreateServiceLinkedRole action`,
    ),
  );
});
