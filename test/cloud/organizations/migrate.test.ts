// A state of before accounts and units had rows keeps its guard rails and tags.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdjustableClock, systemRandom } from '../../../src/base/index.ts';
import { defaultOrganization } from '../../../src/cloud/organization.ts';
import { attachedIds } from '../../../src/cloud/services/organizations/in-force.ts';
import { nodeTags } from '../../../src/cloud/services/organizations/model.ts';
import { organizationPath, unitIdOf } from '../../../src/cloud/services/organizations/tree.ts';
import { setUp, worldOf } from '../../../src/cloud/setup.ts';
import { State } from '../../../src/cloud/state.ts';
import { tableName } from '../../../src/cloud/world.ts';

test('attachments and tags under paths move to the nodes with those paths', async () => {
  const state = new State();
  const type = 'SERVICE_CONTROL_POLICY';
  const old = tableName<object>('organizations.attachment');
  await state.transaction(() => {
    state.table(old).put('', `ou/Workloads/Dev ${type}`, { policies: ['p-FullAWSAccess', 'p-own12345'] });
    state
      .table(tableName<object>('organizations.tags'))
      .put('', 'account/222222222222', { tags: [{ Key: 'a', Value: 'b' }] });
  });
  const options = {
    fallback: defaultOrganization,
    region: 'us-east-1',
    clock: new AdjustableClock(),
    random: systemRandom,
  };
  const world = worldOf(state, await setUp(state, options), 'us-east-1');
  const unit = unitIdOf(world, 'Workloads/Dev');
  assert.deepEqual(attachedIds(world, unit, type), ['p-FullAWSAccess', 'p-own12345']);
  assert.deepEqual(world.table(nodeTags).get('', '222222222222')?.tags, [{ Key: 'a', Value: 'b' }]);
  assert.equal(state.table(old).count(''), 0);
  assert.match(organizationPath(world, '222222222222')!, new RegExp(`^o-stintlocal/r-[a-z0-9]{4}/ou-[^/]*/${unit}/$`));
});
