// `stint doctor`: the rights of the server's key, and what the server left in AWS.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateUserCommand } from '@aws-sdk/client-iam';
import { parsePolicy } from '../../src/policy/index.ts';
import { configureAws, testCloud } from '../broker/aws-support.ts';
import { terminal } from './terminal.ts';

test('the least policy of the server’s key is printed for the features and resources that are named', async (t) => {
  const { stint } = await terminal(t);
  const all = await stint('doctor --aws-policy');
  assert.deepEqual(parsePolicy(all.out, 'identity').problems, []);
  assert.match(all.out, /"iam:GetAccountAuthorizationDetails"/);
  const arn = 'arn:aws:iam::222222222222:role/deploy';
  const some = await stint(`doctor --aws-policy --feature assumed_role --feature denies --role-arn ${arn}`);
  const { Statement } = JSON.parse(some.out) as { Statement: { Action: string[]; Resource: string[] }[] };
  assert.deepEqual(
    Statement.map(({ Resource }) => Resource),
    [[arn]],
  );
  assert.ok(Statement[0]!.Action.includes('iam:PutRolePolicy') && !some.out.includes('iam:CreateUser'));
  const users = await stint('doctor --aws-policy --feature iam_user --account 222222222222 --user lent/vault-*');
  assert.match(users.out, /"arn:aws:iam::222222222222:user\/lent\/vault-\*"/);
  const wrong = await stint('doctor --aws-policy --feature iam_users');
  assert.deepEqual([wrong.code, wrong.failure?.code], [2, 'invalid-option']);
  assert.equal((await stint('doctor')).code, 2);
});

test('orphans are listed with exit code 1, removed when asked, and then there are none', async (t) => {
  const cloud = await testCloud((end) => t.after(end));
  const { stint, broker } = await terminal(t);
  await stint('login root');
  assert.match((await stint('doctor --orphans')).err, /no mount of the type aws/);
  await configureAws(broker, cloud.cloud);
  const mountId = String((await broker.call('GET', '/v1/sys/mounts/aws')).body.data['uuid']);
  const Tags = [
    { Key: 'stint:lease', Value: 'aws/creds/deploy/lost' },
    { Key: 'stint:mount', Value: mountId },
  ];
  await cloud.admin.send(new CreateUserCommand({ UserName: 'vault-lost', Tags }));
  const listed = await stint('doctor --orphans');
  assert.deepEqual([listed.code, listed.out], [1, 'aws/  user  vault-lost  aws/creds/deploy/lost\n']);
  const removed = await stint('doctor --orphans --remove');
  assert.deepEqual([removed.code, removed.out], [0, 'aws/  user  vault-lost  aws/creds/deploy/lost  removed\n']);
  const none = await stint('doctor --orphans');
  assert.deepEqual([none.code, none.out], [0, '']);
  assert.match(none.err, /aws\/: no orphans/);
  const json = await stint('doctor --orphans --json');
  assert.deepEqual(JSON.parse(json.out), { 'aws/': { orphans: [], errors: [] } });
});
