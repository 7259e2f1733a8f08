// A static role as it is stored: an IAM user that exists already, whose key is replaced ever again.
import type { Json, Millis } from '../../../base/index.ts';
import type { Folder } from '../engine.ts';
import type { KeyPair } from './clients.ts';
import type { KeyRotation } from './key-rotation.ts';

export interface StaticRole {
  readonly version: 1;
  readonly name: string;
  readonly userName: string;
  /** The part of a user that never changes: another user of the same name is not this one. */
  readonly userId: string;
  readonly periodSeconds: number;
  readonly assumeRoleArn: string;
  readonly assumeRoleSessionName: string;
  readonly externalId: string;
  /** The key that is served; null until the first one was made. */
  readonly key: KeyPair | null;
  /** When the served key is replaced. */
  readonly rotatesAt: Millis;
  readonly rotation: KeyRotation | null;
  /** True from a DELETE on, until its key is gone from AWS. */
  readonly ending: boolean;
}

function keyOf(name: string): string {
  return `static-role/${name}`;
}

export async function loadStaticRole(folder: Folder, name: string): Promise<StaticRole | undefined> {
  return (await folder.get<StaticRole>(keyOf(name)))?.value;
}

/** Names of static roles that a caller may see. */
export async function staticRoleNames(folder: Folder): Promise<readonly string[]> {
  const names = await folder.list('static-role/');
  const roles = await Promise.all(names.map((name) => loadStaticRole(folder, name)));
  return names.filter((_, index) => isServed(roles[index]));
}

/** Stores what `next` makes of the role and returns it. */
export async function changeStaticRole(
  folder: Folder,
  name: string,
  next: (before: StaticRole | undefined) => StaticRole | undefined,
): Promise<StaticRole | undefined> {
  let stored: StaticRole | undefined;
  await folder.change<StaticRole>(keyOf(name), (before) => {
    stored = next(before);
    return stored;
  });
  return stored;
}

/** Whether callers know the role: it has a key, and is not being deleted. */
export function isServed(role: StaticRole | undefined): role is StaticRole & { readonly key: KeyPair } {
  return role !== undefined && role.key !== null && !role.ending;
}

export function staticRoleData(role: StaticRole): Readonly<Record<string, Json>> {
  return {
    name: role.name,
    id: role.userId,
    username: role.userName,
    rotation_period: role.periodSeconds,
    assume_role_arn: role.assumeRoleArn,
    assume_role_session_name: role.assumeRoleSessionName,
    external_id: role.externalId,
  };
}

/** Under this name the sweeper rotates the role. */
export function dueName(name: string): string {
  return `static/${name}`;
}

/** The role that `dueName` was made for, or undefined. */
export function roleOfDue(due: string): string | undefined {
  return due.startsWith('static/') ? due.slice('static/'.length) : undefined;
}
