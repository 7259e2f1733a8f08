// What approle keeps is written key by key: a process may die before or after any of the writes. Whatever
// broke off, the next caller finds it whole, undone, or free again after a minute.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AdjustableClock, systemRandom } from '../../src/base/index.ts';
import { AppRole } from '../../src/broker/auth/approle/approle.ts';
import type { Stored } from '../../src/broker/barrier.ts';
import type { EngineAnswer, EngineCall, Folder } from '../../src/broker/engines/engine.ts';
import { rowOf } from '../../src/broker/backends.ts';
import type { Mount, Operation } from '../../src/broker/model.ts';

class Died extends Error {}

/** A folder in memory whose process dies at the `deathAt`-th write, before or after it. */
class MortalFolder implements Folder {
  readonly values = new Map<string, unknown>();
  readonly due = new Map<string, number>();
  writes = 0;
  deathAt = Infinity;
  after = false;

  async get<T>(name: string): Promise<Stored<T> | undefined> {
    const value = this.values.get(name) as T | undefined;
    return value === undefined ? undefined : { key: name, value, version: '1' };
  }

  async change<T>(name: string, next: (before: T | undefined) => T | undefined): Promise<void> {
    const value = next(this.values.get(name) as T | undefined);
    this.#write(() => (value === undefined ? this.values.delete(name) : this.values.set(name, value)));
  }

  async list(prefix: string): Promise<readonly string[]> {
    const below = [...this.values.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
    return [...new Set(below.map((rest) => rest.replace(/\/.*/, '/')))].sort();
  }

  async schedule(name: string, at: number | undefined): Promise<void> {
    this.#write(() => (at === undefined ? this.due.delete(name) : this.due.set(name, at)));
  }

  #write(write: () => unknown): void {
    const dies = ++this.writes === this.deathAt;
    if (dies && !this.after) throw new Died();
    write();
    if (dies) throw new Died();
  }
}

const mount: Mount = {
  version: 1,
  path: 'auth/approle',
  type: 'approle',
  description: '',
  accessor: 'auth_approle_1',
  id: 'one',
  config: { defaultTtlSeconds: 0, maxTtlSeconds: 0, forceNoCache: false, listingVisibility: '' },
  tainted: false,
};

class Machine {
  readonly folder = new MortalFolder();
  readonly clock = new AdjustableClock();
  readonly method = new AppRole({ clock: this.clock, random: systemRandom });

  async call(operation: Operation, path: string, body: Readonly<Record<string, unknown>> = {}): Promise<EngineAnswer> {
    const located = { mount, backend: this.method, folder: this.folder, rest: path };
    const { row, params } = rowOf(located, operation);
    const call = { operation, path, params, body, mount, folder: this.folder, remoteAddress: '127.0.0.1' };
    const full = { ...call, requestId: '', displayName: '', entityId: '' } as unknown as EngineCall;
    const asked = row.exists !== undefined && operation === 'update' && !(await row.exists(full));
    return row.handle(asked ? { ...full, operation: 'create' } : full);
  }

  async logsIn(secretId: string): Promise<boolean> {
    return this.call('update', 'login', { role_id: 'web-id', secret_id: secretId }).then(
      () => true,
      () => false,
    );
  }

  /** Lets the time pass that broken-off writes are waited for, and all due times come. */
  async settle(): Promise<void> {
    this.folder.deathAt = Infinity;
    this.clock.advance(61_000);
    for (const [name, at] of this.folder.due) {
      if (at > this.clock.now()) continue;
      this.folder.due.delete(name);
      await this.method.due(name, mount, this.folder);
    }
  }
}

/** Runs `work` on a new machine once for each of its writes, dying there; then `check`. */
async function dyingEverywhere(
  prepare: (machine: Machine) => Promise<void>,
  work: (machine: Machine) => Promise<unknown>,
  check: (machine: Machine, when: string) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at++) {
    for (const after of [false, true]) {
      const machine = new Machine();
      await prepare(machine);
      Object.assign(machine.folder, { writes: 0, deathAt: at, after });
      const outcome = await work(machine).catch((error: unknown) => error);
      if (!(outcome instanceof Died)) return at - 1;
      await machine.settle();
      await check(machine, `${after ? 'after' : 'before'} write ${at}`);
    }
  }
}

const role = { role_id: 'web-id', secret_id_num_uses: 2 };
const withRole = async (machine: Machine): Promise<void> => void (await machine.call('update', 'role/web', role));
const withSecretId = async (machine: Machine): Promise<void> => {
  await withRole(machine);
  await machine.call('update', 'role/web/custom-secret-id', { secret_id: 'mine' });
};

describe('approle, when its process dies', () => {
  test('while a role is made: it is there, or its id is free', async () => {
    const deaths = await dyingEverywhere(
      async () => {},
      withRole,
      async (machine, when) => {
        const read = await machine.call('read', 'role/web/role-id');
        const name = read.data === undefined ? 'other' : 'web';
        await machine.call('update', `role/${name}`, role);
        assert.deepEqual((await machine.call('read', `role/${name}/role-id`)).data, { role_id: 'web-id' }, when);
      },
    );
    assert.equal(deaths, 2);
  });

  test('while a role gets another id: one of the two leads to it, and the other is free', async () => {
    const deaths = await dyingEverywhere(
      withSecretId,
      (machine) => machine.call('update', 'role/web/role-id', { role_id: 'next-id' }),
      async (machine, when) => {
        const { role_id: id } = (await machine.call('read', 'role/web/role-id')).data!;
        const free = id === 'web-id' ? 'next-id' : 'web-id';
        await machine.call('update', 'role/other', { role_id: free });
        await machine.call('update', 'login', { role_id: id, secret_id: 'mine' });
        await assert.rejects(machine.call('update', 'login', { role_id: free, secret_id: 'mine' }), when);
      },
    );
    assert.equal(deaths, 3);
  });

  test('while a secret id is made: it is listed and can be ended, or can be made again', async () => {
    const deaths = await dyingEverywhere(
      withRole,
      (machine) => machine.call('update', 'role/web/custom-secret-id', { secret_id: 'mine', ttl: '1h' }),
      async (machine, when) => {
        const listed = await machine.call('list', 'role/web/secret-id');
        if (listed.data === undefined) await machine.call('update', 'role/web/custom-secret-id', { secret_id: 'mine' });
        assert.ok(await machine.logsIn('mine'), when);
        await machine.call('update', 'role/web/secret-id/destroy', { secret_id: 'mine' });
        assert.ok(!(await machine.logsIn('mine')), when);
      },
    );
    assert.equal(deaths, 3);
  });

  test('while a secret id is used: it is never good for more logins than it was', async () => {
    const deaths = await dyingEverywhere(
      withSecretId,
      async (machine) => {
        await machine.call('update', 'login', { role_id: 'web-id', secret_id: 'mine' });
        await machine.call('update', 'login', { role_id: 'web-id', secret_id: 'mine' });
      },
      async (machine, when) => {
        const left = (await machine.logsIn('mine')) ? 1 + Number(await machine.logsIn('mine')) : 0;
        assert.ok(left <= 2 && !(await machine.logsIn('mine')), when);
      },
    );
    assert.ok(deaths >= 3);
  });

  test('while a role is deleted: it is whole, or nothing of it is left', async () => {
    const deaths = await dyingEverywhere(
      withSecretId,
      (machine) => machine.call('delete', 'role/web'),
      async (machine, when) => {
        const isThere = (await machine.call('read', 'role/web')).data !== undefined;
        assert.equal(await machine.logsIn('mine'), isThere, when);
        if (isThere) await machine.call('delete', 'role/web');
        await machine.settle();
        const left = [...machine.folder.values.keys()].filter((key) => !key.startsWith('role-id/'));
        assert.deepEqual(left, [], when);
        await machine.call('update', 'role/again', role);
      },
    );
    assert.equal(deaths, 4);
  });
});
