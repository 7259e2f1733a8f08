// What the tests of tokens share: making tokens over HTTP and reading them back.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CallOptions, TestBroker } from '../support.ts';

export interface Auth {
  readonly client_token: string;
  readonly accessor: string;
  readonly policies: readonly string[];
  readonly lease_duration: number;
  readonly [member: string]: unknown;
}

type World = Pick<TestBroker, 'call'>;

/** A token as root makes it, or whose `token` is given. */
export async function make({ call }: World, body: object, options: CallOptions = {}, path = 'create'): Promise<Auth> {
  const reply = await call('POST', `/v1/auth/token/${path}`, { ...options, body });
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body['auth'] as Auth;
}

/** Status and first error of a call. */
export async function refused(
  { call }: World,
  path: string,
  body: object,
  options: CallOptions = {},
): Promise<readonly [number, string | undefined]> {
  const reply = await call('POST', `/v1/${path}`, { ...options, body });
  return [reply.status, reply.body?.errors?.[0]];
}

/** What a look-up by root tells of the token, or undefined when there is none. */
export async function seen({ call }: World, token: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const reply = await call('POST', '/v1/auth/token/lookup', { body: { token } });
  if (reply.status === 200) return reply.body.data;
  assert.deepEqual([reply.status, reply.body.errors[0]], [403, 'bad token']);
  return undefined;
}

/** Writes a policy and makes a token that has it. */
export async function tokenWith(world: World, name: string, policy: string, body: object = {}): Promise<string> {
  await world.call('PUT', `/v1/sys/policies/acl/${name}`, { body: { policy } });
  return (await make(world, { policies: [name], ...body })).client_token;
}

/** Keys in the store that begin with `prefix`; the broker must be stopped. */
export function storedKeys({ folder }: Pick<TestBroker, 'folder'>, prefix: string): readonly string[] {
  const database = new DatabaseSync(join(folder, 'stint.db'), { readOnly: true });
  try {
    const rows = database.prepare('SELECT key FROM entries ORDER BY key').all() as { key: string }[];
    return rows.map(({ key }) => key).filter((key) => key.startsWith(prefix));
  } finally {
    database.close();
  }
}
