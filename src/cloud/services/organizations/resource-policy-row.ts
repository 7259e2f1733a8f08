// The one resource-based policy an organisation may have: which member accounts may do what in it.
import { tableName, type World } from '../../world.ts';
import type { Tag } from '../iam/model.ts';
import { organizationArn } from './tree.ts';

export interface ResourcePolicyRow {
  /** `rp-` and 8 characters. */
  readonly id: string;
  readonly content: string;
  readonly tags: readonly Tag[];
}

export const resourcePolicies = tableName<ResourcePolicyRow>('organizations.resource-policy');
export const onlyResourcePolicy = 'only';

export function resourcePolicyArn(world: World, row: Pick<ResourcePolicyRow, 'id'>): string {
  return organizationArn(world, 'resourcepolicy', `/${row.id}`);
}
