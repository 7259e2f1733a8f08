// Which groups may assume a role by what they carry: it tells apart groups whose people are the same.
import { iamArn } from '../../aws/index.ts';
import type { Document, RoleResource, SeenResource } from '../resources.ts';
import type { Found } from './found.ts';

export interface GroupGrants {
  /** Groups that a trust of the role may mean: those that may assume it, else all. */
  groupsOf(accountId: string, role: RoleResource): readonly string[];
  /** Groups that may assume the role. */
  grantedTo(accountId: string, role: RoleResource): readonly string[];
}

const assumedBy = ({ Statement }: Document): string[] =>
  Statement.filter(({ Effect, Action }) => Effect === 'Allow' && [Action].flat().includes('sts:AssumeRole')).flatMap(
    ({ Resource = [] }) => Resource,
  );

function documentsOf(group: Extract<SeenResource, { kind: 'group' }>, all: readonly SeenResource[]): Document[] {
  const attached = all.flatMap((it) =>
    it.kind === 'policy' && group.attached.includes(it.arn ?? '') ? [it.document] : [],
  );
  return [...Object.values(group.inline), ...attached];
}

/** Reads what the groups of the central account may assume. */
export function groupGrants(found: Found): GroupGrants {
  const central = found.accounts.find(({ name }) => name === found.central)?.resources ?? [];
  const groups = central.filter((it) => it.kind === 'group');
  const byArn = new Map<string, string[]>();
  for (const group of groups) {
    for (const arn of new Set(documentsOf(group, central).flatMap(assumedBy))) {
      byArn.set(arn, [...(byArn.get(arn) ?? []), group.name]);
    }
  }
  const all = groups.map(({ name }) => name);
  const grantedTo = (accountId: string, { name, path }: RoleResource): readonly string[] =>
    byArn.get(iamArn(found.partition, accountId, 'role', name, path)) ?? [];
  return {
    grantedTo,
    groupsOf: (accountId, role) => {
      const granted = grantedTo(accountId, role);
      return granted.length > 0 ? granted : all;
    },
  };
}
