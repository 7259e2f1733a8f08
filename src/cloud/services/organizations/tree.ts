// The tree of the organisation: root, units, accounts, with AWS's ids and ARNs. It is derived from the
// accounts' unit paths; ids are digests of the paths, so they stay the same from start to start.
import { createHash } from 'node:crypto';
import type { AccountInfo, World } from '../../world.ts';
import type { NodeKey } from './model.ts';

export interface Node {
  readonly key: NodeKey;
  readonly kind: 'ROOT' | 'ORGANIZATIONAL_UNIT' | 'ACCOUNT';
  /** `r-abcd`, `ou-abcd-12345678`, or the account's number. */
  readonly id: string;
  readonly name: string;
  readonly arn: string;
  /** Absent for the root. */
  readonly parent?: NodeKey;
  readonly account?: AccountInfo;
}

export function organizationArn(world: World, kind: string, rest = ''): string {
  return `arn:${world.partition}:organizations::${world.managementAccount}:${kind}/${world.organizationId}${rest}`;
}

function digest(text: string, length: number): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
  const bytes = createHash('sha256').update(text).digest().subarray(0, length);
  return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join('');
}

function rootIdOf(world: World): string {
  return `r-${digest(world.organizationId, 4)}`;
}

function unitIdOf(world: World, path: string): string {
  return `ou-${digest(world.organizationId, 4)}-${digest(`${world.organizationId} ${path}`, 8)}`;
}

// A memo: an account's row belongs to one organisation and is never changed in place.
const organizationPaths = new WeakMap<AccountInfo, string>();

/**
 * The account's place as `aws:PrincipalOrgPaths` and `aws:ResourceOrgPaths` name it, `o-…/r-…/ou-…/`; undefined for an
 * account that is in no organisation.
 */
export function organizationPath(world: World, account: string): string | undefined {
  const info = world.account(account);
  if (info === undefined) return undefined;
  const known = organizationPaths.get(info);
  if (known !== undefined) return known;
  const units = pathsOf(info.ou).map((path) => `${unitIdOf(world, path)}/`);
  const path = `${world.organizationId}/${rootIdOf(world)}/${units.join('')}`;
  organizationPaths.set(info, path);
  return path;
}

/** Every node, parents before children, units in order of path and accounts in order of number. */
export function treeOf(world: World): ReadonlyMap<NodeKey, Node> {
  const rootId = rootIdOf(world);
  const nodes: Node[] = [
    { key: 'root', kind: 'ROOT', id: rootId, name: 'Root', arn: organizationArn(world, 'root', `/${rootId}`) },
  ];
  const paths = new Set(world.accounts().flatMap((account) => pathsOf(account.ou)));
  for (const path of [...paths].sort()) {
    const id = unitIdOf(world, path);
    const slash = path.lastIndexOf('/');
    nodes.push({
      key: `ou/${path}`,
      kind: 'ORGANIZATIONAL_UNIT',
      id,
      name: path.slice(slash + 1),
      arn: organizationArn(world, 'ou', `/${id}`),
      parent: slash < 0 ? 'root' : `ou/${path.slice(0, slash)}`,
    });
  }
  for (const account of world.accounts().toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    nodes.push({
      key: `account/${account.id}`,
      kind: 'ACCOUNT',
      id: account.id,
      name: account.name,
      arn: organizationArn(world, 'account', `/${account.id}`),
      parent: account.ou === '' ? 'root' : `ou/${account.ou}`,
      account,
    });
  }
  return new Map(nodes.map((node) => [node.key, node]));
}

/** `A`, `A/B` of `A/B`. */
function pathsOf(unit: string): readonly string[] {
  if (unit === '') return [];
  const parts = unit.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

export function nodeById(world: World, id: string): Node | undefined {
  for (const node of treeOf(world).values()) if (node.id === id) return node;
  return undefined;
}

export function childrenOf(world: World, parent: Node, kind: Node['kind']): readonly Node[] {
  return [...treeOf(world).values()].filter((node) => node.parent === parent.key && node.kind === kind);
}
