// How management policies merge, as data, and over the wire.
import * as Org from '@aws-sdk/client-organizations';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { effectivePolicy } from '../../../src/cloud/services/organizations/management-policy.ts';
import { central, clientsOf, dev, refused } from '../iam/clients.ts';

interface Data {
  readonly cases: readonly { readonly name: string; readonly levels: object[][]; readonly effective: object | null }[];
  readonly malformed: readonly { readonly name: string; readonly type: Org.PolicyType; readonly text: string }[];
}

const path = new URL('../../cases/cloud/organizations/effective-policies.json', import.meta.url);
const { cases, malformed } = JSON.parse(readFileSync(path, 'utf8')) as Data;

describe('effective policies', () => {
  for (const { name, levels, effective } of cases) {
    test(name, () => {
      const text = effectivePolicy(levels.map((policies) => policies.map((policy) => JSON.stringify(policy))));
      assert.deepEqual(text === undefined ? null : JSON.parse(text), effective);
    });
  }
});

let cloud: Cloud;
before(async () => void (cloud = await startCloud()));
after(() => cloud.stop());

describe('a management policy is refused', () => {
  for (const { name, type, text } of malformed) {
    test(`with ${name}`, async () => {
      const input = { Name: 'broken', Description: '', Type: type, Content: text };
      const { organizations } = clientsOf(cloud, central);
      await refused(organizations.send(new Org.CreatePolicyCommand(input)), 'MalformedPolicyDocument');
    });
  }
});

test('an account reads its effective tag policy, the management account everyone’s', async () => {
  const { organizations } = clientsOf(cloud, central);
  const RootId = (await organizations.send(new Org.ListRootsCommand({}))).Roots![0]!.Id!;
  const PolicyType = 'TAG_POLICY';
  const read = (account: string, TargetId?: string) =>
    clientsOf(cloud, account).organizations.send(new Org.DescribeEffectivePolicyCommand({ PolicyType, TargetId }));
  const Content = JSON.stringify({ tags: { env: { tag_key: { '@@assign': 'Env' } } } });
  const { Policy } = await organizations.send(
    new Org.CreatePolicyCommand({ Name: 'env', Description: '', Type: PolicyType, Content }),
  );
  const PolicyId = Policy!.PolicySummary!.Id;
  const attach = new Org.AttachPolicyCommand({ PolicyId, TargetId: dev });
  await refused(organizations.send(attach), 'PolicyTypeNotEnabled');
  await organizations.send(new Org.EnablePolicyTypeCommand({ RootId, PolicyType }));
  await refused(read(dev), 'EffectivePolicyNotFound');
  await organizations.send(attach);
  for (const { EffectivePolicy } of [await read(dev), await read(central, dev)]) {
    assert.deepEqual(JSON.parse(EffectivePolicy!.PolicyContent!), { tags: { env: { tag_key: 'Env' } } });
    assert.deepEqual([EffectivePolicy!.TargetId, EffectivePolicy!.PolicyType], [dev, PolicyType]);
  }
  await refused(read('333333333333', dev), 'AccessDenied');
  await refused(read(central, RootId), 'InvalidInput');
  // The last one of a management type may go.
  await organizations.send(new Org.DetachPolicyCommand({ PolicyId, TargetId: dev }));
  await refused(read(dev), 'EffectivePolicyNotFound');
});
