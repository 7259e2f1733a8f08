// States of before accounts and units had rows: nodes were named by their paths. What they hold is moved once.
import { tableName, type World } from '../../world.ts';
import type { Tag } from '../iam/model.ts';
import { attachments, nodeTags, organizationPolicies, pairId, policyNames, policyTargets } from './model.ts';
import { rootIdOf, unitIdOf } from './tree.ts';

/** Id: `root`, `ou/PATH` or `account/ID`, a space, policy type. */
const oldAttachments = tableName<{ readonly policies: readonly string[] }>('organizations.attachment');
/** Id: as above without the type. */
const oldTags = tableName<{ readonly tags: readonly Tag[] }>('organizations.tags');

/** Runs inside a transaction; does nothing where there is nothing old. */
export function migrateOrganization(world: World): void {
  for (const [key, row] of world.table(oldAttachments).list('')) {
    const space = key.lastIndexOf(' ');
    const node = nodeIdOf(world, key.slice(0, space));
    world.table(attachments).put('', pairId(key.slice(space + 1), node), row);
    for (const id of row.policies) world.table(policyTargets).put('', pairId(id, node), true);
    world.table(oldAttachments).delete('', key);
  }
  for (const [key, row] of world.table(oldTags).list('')) {
    world.table(nodeTags).put('', nodeIdOf(world, key), row);
    world.table(oldTags).delete('', key);
  }
  for (const [id, { type, name }] of world.table(organizationPolicies).list('')) {
    world.table(policyNames).put('', pairId(type, name), { id });
  }
}

function nodeIdOf(world: World, key: string): string {
  if (key === 'root') return rootIdOf(world);
  const [kind, rest] = [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)];
  return kind === 'ou' ? unitIdOf(world, rest) : rest;
}
