// The tree of the organisation: root, units, accounts, with AWS's ids and ARNs. Ids of the root and of the
// file's units are digests, so they stay the same from start to start.
import { createHash } from 'node:crypto';
import type { World } from '../../world.ts';
import { accountRows, children, pairId, units, type AccountRow, type Membership } from './model.ts';

export type NodeKind = 'ROOT' | 'ORGANIZATIONAL_UNIT' | 'ACCOUNT';

export interface Node {
  readonly kind: NodeKind;
  /** `r-abcd`, `ou-abcd-12345678`, or the account's number. */
  readonly id: string;
  readonly name: string;
  readonly arn: string;
  /** Node id; absent for the root. */
  readonly parent?: string;
}

/** An account that belongs to the organisation. */
export type Member = AccountRow & { readonly member: Membership };

export function organizationArn(world: World, kind: string, rest = ''): string {
  return `arn:${world.partition}:organizations::${world.managementAccount}:${kind}/${world.organizationId}${rest}`;
}

export const idAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

function digest(text: string, length: number): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, length);
  return Array.from(bytes, (byte) => idAlphabet[byte % idAlphabet.length]).join('');
}

// A memo: a world has one organisation for ever.
const rootIds = new WeakMap<World, string>();

export function rootIdOf(world: World): string {
  let id = rootIds.get(world);
  if (id === undefined) rootIds.set(world, (id = `r-${digest(world.organizationId, 4)}`));
  return id;
}

/** The id of the unit that the organisation file names by this path. */
export function unitIdOf(world: World, path: string): string {
  return `ou-${rootIdOf(world).slice(2)}-${digest(`${world.organizationId} ${path}`, 8)}`;
}

/** The account when it is in the organisation. */
export function memberOf(world: World, account: string): Member | undefined {
  const row = world.table(accountRows).get('', account);
  return row?.member === undefined ? undefined : (row as Member);
}

/** True for an account that CloseAccount ended. */
export function isClosed(world: World, account: string): boolean {
  return world.table(accountRows).get('', account)?.state === 'CLOSED';
}

/** False after DeleteOrganization. */
export function organizationExists(world: World): boolean {
  return memberOf(world, world.managementAccount) !== undefined;
}

function rootNode(world: World): Node {
  const id = rootIdOf(world);
  return { kind: 'ROOT', id, name: 'Root', arn: organizationArn(world, 'root', `/${id}`) };
}

export function nodeById(world: World, id: string): Node | undefined {
  if (!organizationExists(world)) return undefined;
  if (id === rootIdOf(world)) return rootNode(world);
  const unit = world.table(units).get('', id);
  if (unit !== undefined) {
    return { kind: 'ORGANIZATIONAL_UNIT', ...unit, arn: organizationArn(world, 'ou', `/${id}`) };
  }
  const account = memberOf(world, id);
  if (account === undefined) return undefined;
  const arn = organizationArn(world, 'account', `/${id}`);
  return { kind: 'ACCOUNT', id, name: account.name, arn, parent: account.member.parent };
}

/** Every node in order of id: accounts, units, the root. */
export function* nodesAfter(world: World, after?: string): Generator<readonly [id: string, node: Node]> {
  for (const table of [accountRows, units]) {
    for (const [id] of world.table<unknown>(table).list('', after)) {
      const node = nodeById(world, id);
      if (node !== undefined) yield [id, node];
    }
  }
  const root = rootNode(world);
  if (after === undefined || after < root.id) yield [root.id, root];
}

/** Node ids from the root down to `id`, which is the last. */
export function lineOf(world: World, id: string): readonly string[] {
  const line: string[] = [];
  for (let at: string | undefined = id; at !== undefined; at = parentOf(world, at)) line.unshift(at);
  return line;
}

function parentOf(world: World, id: string): string | undefined {
  return world.table(units).get('', id)?.parent ?? memberOf(world, id)?.member.parent;
}

/** `o-…/r-…/ou-…/`: the node as organisation paths name it. */
export function pathOf(world: World, id: string): string {
  return [world.organizationId, ...lineOf(world, id), ''].join('/');
}

// A memo: a unit never moves, and an account that moves gets a new row.
const organizationPaths = new WeakMap<AccountRow, string>();

/**
 * The account's place as `aws:PrincipalOrgPaths` and `aws:ResourceOrgPaths` name it, `o-…/r-…/ou-…/`; undefined for an
 * account that is in no organisation.
 */
export function organizationPath(world: World, account: string): string | undefined {
  const row = memberOf(world, account);
  if (row === undefined) return undefined;
  let path = organizationPaths.get(row);
  if (path === undefined) organizationPaths.set(row, (path = pathOf(world, row.member.parent)));
  return path;
}

export type ChildKind = Exclude<NodeKind, 'ROOT'>;

/** Ids directly under a node, in order, after `after` when given. */
export function* childrenOf(
  world: World,
  parent: string,
  kind: ChildKind,
  after = '',
): Generator<readonly [id: string, node: Node]> {
  const prefix = childId(parent, kind, '');
  for (const [key] of world.table(children).list('', prefix + after)) {
    if (!key.startsWith(prefix)) return;
    const node = nodeById(world, key.slice(prefix.length));
    if (node !== undefined) yield [node.id, node];
  }
}

export function childId(parent: string, kind: ChildKind, id: string): string {
  return pairId(pairId(parent, kind), id);
}

/** Puts an account where `member` says, or out of the organisation. */
export function placeAccount(world: World, row: AccountRow, member: Membership | undefined): void {
  const before = world.table(accountRows).get('', row.id)?.member?.parent;
  if (before !== undefined) world.table(children).delete('', childId(before, 'ACCOUNT', row.id));
  if (member !== undefined) world.table(children).put('', childId(member.parent, 'ACCOUNT', row.id), true);
  world.table(accountRows).put('', row.id, { ...row, member });
}

export function putUnit(world: World, unit: { readonly id: string; readonly name: string; readonly parent: string }) {
  world.table(units).put('', unit.id, unit);
  world.table(children).put('', childId(unit.parent, 'ORGANIZATIONAL_UNIT', unit.id), true);
}
