import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { DecodeAuthorizationMessageCommand } from '@aws-sdk/client-sts';
import { EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { Secret, systemRandom } from '../../src/base/index.ts';
import { Explanations } from '../../src/cloud/explain.ts';
import { startCloud } from '../../src/cloud/index.ts';
import {
  compilePolicy,
  contextOf,
  evaluate,
  preparePrincipal,
  type AuthorizationRequest,
} from '../../src/policy/index.ts';
import { adminOf, central, control, dev, iamOf, stsOf } from './support.ts';

function refusedRequest(action = 'iam:CreateUser'): AuthorizationRequest {
  const deny = { Version: '2012-10-17', Statement: [{ Sid: 'Never', Effect: 'Deny', Action: '*', Resource: '*' }] };
  const policy = compilePolicy(JSON.stringify(deny), 'identity');
  return {
    principal: { type: 'Root', account: dev, arn: `arn:aws:iam::${dev}:root` },
    policies: preparePrincipal({ identity: [{ policy, name: 'never' }], scps: [] }),
    action,
    resource: { arn: '*', rcps: [] },
    context: contextOf({ 'aws:userid': dev }),
  };
}

test('the newest refusals are kept, each under an id of its own', () => {
  const explanations = new Explanations(systemRandom, new Secret('s'));
  const ids = Array.from({ length: 2001 }, (_, index) => explanations.record(refusedRequest(`iam:A${index}`)));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(explanations.find(ids[0]!), undefined);
  assert.equal(explanations.find(ids[1]!)?.request.action, 'iam:A1');
  assert.equal(explanations.find(ids.at(-1)!)?.decidedBy.sid, 'Never');
  explanations.clear();
  assert.equal(explanations.find(ids.at(-1)!), undefined);
});

test('an encoded message is read by the server that made it, and by nobody else', () => {
  const explanations = new Explanations(systemRandom, new Secret('one'));
  const request = refusedRequest();
  const encoded = explanations.encode('id', request, evaluate(request));
  const message = JSON.parse(explanations.decode(encoded, dev)!) as Record<string, unknown>;
  assert.deepEqual([message['allowed'], message['explicitDeny'], message['explainId']], [false, true, 'id']);
  assert.equal(new Explanations(systemRandom, new Secret('two')).decode(encoded, dev), undefined);
  const flipped = `${encoded.slice(0, 40)}${encoded[40] === 'A' ? 'B' : 'A'}${encoded.slice(41)}`;
  for (const text of ['', 'x', '\u0000', 'A'.repeat(10_000), flipped, encoded.slice(0, -4), `${encoded}AAAA`]) {
    assert.equal(explanations.decode(text, dev), undefined, text.slice(0, 50));
  }
});

test("EC2's refusal carries a message that STS decodes for who may, with the explain id in it", async () => {
  await using cloud = await startCloud();
  const admin = iamOf(cloud, adminOf(cloud, dev));
  await admin.send(new CreateUserCommand({ UserName: 'alice' }));
  const document = {
    Version: '2012-10-17',
    Statement: [{ Sid: 'NoStart', Effect: 'Deny', Action: 'ec2:*', Resource: '*' }],
  };
  await admin.send(
    new PutUserPolicyCommand({ UserName: 'alice', PolicyName: 'never', PolicyDocument: JSON.stringify(document) }),
  );
  const { AccessKey } = await admin.send(new CreateAccessKeyCommand({ UserName: 'alice' }));
  const alice = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
  const ec2 = new EC2Client({ endpoint: cloud.endpoint, region: 'us-east-1', maxAttempts: 1, credentials: alice });
  const launch = new RunInstancesCommand({ ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1 });
  const refusal = await ec2.send(launch).then(
    () => assert.fail('it was not refused'),
    (error: Error) => error,
  );
  assert.equal(refusal.name, 'UnauthorizedOperation');
  const pattern =
    /^You are not authorized to perform this operation\. User: arn:aws:iam::222222222222:user\/alice is not authorized to perform: ec2:RunInstances on resource: \S+ with an explicit deny in an identity-based policy\. Encoded authorization failure message: ([\w-]+)$/;
  const [, EncodedMessage] = pattern.exec(refusal.message) ?? assert.fail(refusal.message);
  const decode = new DecodeAuthorizationMessageCommand({ EncodedMessage });
  await assert.rejects(stsOf(cloud, alice).send(decode), { name: 'AccessDenied' });
  const { DecodedMessage } = await stsOf(cloud, adminOf(cloud, dev)).send(decode);
  const message = JSON.parse(DecodedMessage!) as {
    explicitDeny: boolean;
    explainId: string;
    matchedStatements: {
      items: { statementId: string; effect: string; principalGroups: object; conditions: object }[];
    };
    context: { action: string; principal: { name: string; arn: string } };
  };
  const { context, explicitDeny } = message;
  assert.deepEqual([explicitDeny, context.action], [true, 'ec2:RunInstances']);
  const none = { items: [] };
  const statement = { statementId: 'NoStart', effect: 'DENY', principalGroups: none, conditions: none };
  assert.partialDeepStrictEqual(message.matchedStatements.items, [statement]);
  assert.partialDeepStrictEqual(context.principal, { name: 'alice', arn: 'arn:aws:iam::222222222222:user/alice' });
  await assert.rejects(stsOf(cloud, adminOf(cloud, central)).send(decode), {
    name: 'InvalidAuthorizationMessageException',
  });
  const { body } = await control(cloud, 'GET', `explain/${message.explainId}`);
  assert.equal((body['decidedBy'] as { sid: string }).sid, 'NoStart');
  const garbled = new DecodeAuthorizationMessageCommand({ EncodedMessage: `${EncodedMessage}AAAA` });
  await assert.rejects(stsOf(cloud, adminOf(cloud, dev)).send(garbled), {
    name: 'InvalidAuthorizationMessageException',
  });
});
