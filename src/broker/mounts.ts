// The table of mounts: which engine serves which path. Small, read from the store for every request,
// so that every node sees a change at once.
import { randomText, uuid, type Random } from '../base/index.ts';
import type { Barrier } from './barrier.ts';
import type { Engine, Folder } from './engines/engine.ts';
import { brokerFailure } from './failures.ts';
import { systemMaxTtlSeconds, type Mount, type MountConfig } from './model.ts';
import { absent, type Condition } from './storage/store.ts';

const pathPattern = /^[\w.@+=-]+(?:\/[\w.@+=-]+)*$/;
const reserved = ['sys', 'auth', 'stint', 'cubbyhole', 'identity'];

export interface Located {
  readonly mount: Mount;
  readonly engine: Engine;
  readonly folder: Folder;
  /** The asked path below the mount. */
  readonly rest: string;
}

export class Mounts {
  readonly #barrier: Barrier;
  readonly #random: Random;
  readonly #engines: ReadonlyMap<string, Engine>;

  constructor(barrier: Barrier, random: Random, engines: readonly Engine[]) {
    this.#barrier = barrier;
    this.#random = random;
    this.#engines = new Map(engines.map((engine) => [engine.type, engine]));
  }

  async list(): Promise<readonly Mount[]> {
    return (await this.#barrier.scan<Mount>('mount/', 10_000)).map(({ value }) => value);
  }

  async get(path: string): Promise<Mount | undefined> {
    return (await this.#barrier.get<Mount>(`mount/${path}`))?.value;
  }

  /** The mount that serves `path`, which may be the mount's own path or one below it. */
  async locate(path: string): Promise<Located | undefined> {
    const segments = path.split('/');
    for (let length = segments.length; length > 0; length--) {
      const mount = await this.get(segments.slice(0, length).join('/'));
      if (mount !== undefined) return this.#located(mount, segments.slice(length).join('/'));
    }
    return undefined;
  }

  /** The engine and records of a lease's mount, also of one that was disabled meanwhile. */
  async ofLease(mountPath: string, mountId: string): Promise<Located | undefined> {
    const mount = await this.get(mountPath);
    if (mount !== undefined && mount.id === mountId) return this.#located(mount, '');
    const gone = await this.#barrier.get<Mount>(`gone/${mountId}`);
    return gone === undefined ? undefined : this.#located(gone.value, '');
  }

  /**
   * The condition under which the mount may lend: that it is as it is now, and not being disabled.
   * @throws Failure `mount-unknown`.
   */
  async lendCondition({ path, id }: Mount): Promise<Condition> {
    const found = await this.#barrier.get<Mount>(`mount/${path}`);
    if (found === undefined || found.value.id !== id || found.value.tainted) {
      throw brokerFailure('mount-unknown', `the mount ${path}/ is being disabled`, {
        hint: 'enable it again to lend from it',
      });
    }
    return { key: found.key, expect: found.version };
  }

  /** @throws Failure `mount-invalid` for a bad or taken path and for an unknown type. */
  async enable(path: string, type: string, description: string, config: Partial<MountConfig>): Promise<void> {
    if (!this.#engines.has(type)) {
      throw brokerFailure('mount-invalid', `plugin not found in the catalog: ${type}`, {
        hint: `this server has: ${[...this.#engines.keys()].join(', ')}`,
      });
    }
    await this.#checkFree(path);
    const mount: Mount = {
      version: 1,
      path,
      type,
      description,
      accessor: `${type}_${randomText(this.#random, 8, '0123456789abcdef')}`,
      id: uuid(this.#random),
      config: { defaultTtlSeconds: 0, maxTtlSeconds: 0, forceNoCache: false, listingVisibility: '', ...config },
      tainted: false,
    };
    if (!(await this.#barrier.commit([{ key: `mount/${path}`, value: mount, expect: absent }]))) throw taken(path);
  }

  async #checkFree(path: string): Promise<void> {
    if (!pathPattern.test(path) || path.length > 120 || reserved.includes(path.split('/')[0]!)) {
      throw brokerFailure('mount-invalid', `\`${path}\` cannot be the path of a mount`, {
        hint: `use letters, digits and \`-_.@+=\` between slashes, at most 120 characters, and none of ${reserved.join(', ')} at its start`,
      });
    }
    for (const other of await this.list()) {
      if (`${path}/`.startsWith(`${other.path}/`) || `${other.path}/`.startsWith(`${path}/`)) throw taken(other.path);
    }
  }

  /**
   * Stores what `next` makes of the mount as it is now. Another mount that took its path meanwhile is
   * not touched. @throws Failure `mount-unknown`, and whatever `next` throws.
   */
  async tune({ path, id }: Mount, next: (before: Mount) => Mount): Promise<Mount> {
    for (;;) {
      const found = await this.#barrier.get<Mount>(`mount/${path}`);
      if (found?.value.id !== id) throw unknownMount(path);
      const mount = next(found.value);
      if (await this.#barrier.commit([{ key: found.key, value: mount, expect: found.version }])) return mount;
    }
  }

  /** Frees the path at once; what the mount keeps stays for the leases that have not ended, until `purge`. */
  async retire({ path, id }: Mount): Promise<void> {
    for (;;) {
      const found = await this.#barrier.get<Mount>(`mount/${path}`);
      // Somebody else was faster; the path may be another mount's by now.
      if (found?.value.id !== id) return;
      const changes = [
        { key: found.key, value: undefined, expect: found.version },
        { key: `gone/${id}`, value: found.value },
      ];
      if (await this.#barrier.commit(changes)) return;
    }
  }

  /** Mounts that are disabled and still keep something. */
  async retired(): Promise<readonly Mount[]> {
    return (await this.#barrier.scan<Mount>('gone/', 10_000)).map(({ value }) => value);
  }

  /** Forgets everything a retired mount kept. */
  async purge(mount: Mount): Promise<void> {
    for (;;) {
      const records = await this.#barrier.keys(`data/${mount.id}/`, 500);
      const changes = records.map((key) => ({ key, value: undefined }));
      if (records.length < 500) {
        await this.#barrier.commit([...changes, { key: `gone/${mount.id}`, value: undefined }]);
        return;
      }
      await this.#barrier.commit(changes);
    }
  }

  close(): void {
    for (const engine of this.#engines.values()) engine.close();
  }

  #located(mount: Mount, rest: string): Located | undefined {
    const engine = this.#engines.get(mount.type);
    return engine === undefined ? undefined : { mount, engine, folder: this.#folder(mount), rest };
  }

  #folder(mount: Mount): Folder {
    const prefix = `data/${mount.id}/`;
    return {
      get: (name) => this.#barrier.get(`${prefix}${name}`),
      change: async <T>(name: string, next: (before: T | undefined) => T | undefined) => {
        const key = `${prefix}${name}`;
        for (;;) {
          const found = await this.#barrier.get<T>(key);
          const value = next(found?.value);
          if (await this.#barrier.commit([{ key, value, expect: found?.version ?? absent }])) return;
        }
      },
      list: (below) => this.#barrier.list(`${prefix}${below}`),
    };
  }
}

/** Default and longest lease of a mount, in seconds; 0 in its configuration stands for the system's 768 h. */
export function mountTtls({ config }: Mount): { defaultSeconds: number; maxSeconds: number } {
  const maxSeconds = config.maxTtlSeconds || systemMaxTtlSeconds;
  return { defaultSeconds: Math.min(config.defaultTtlSeconds || systemMaxTtlSeconds, maxSeconds), maxSeconds };
}

export function unknownMount(path: string): Error {
  return brokerFailure('mount-unknown', `No secret engine mount at ${path}/`);
}

function taken(path: string): Error {
  return brokerFailure('mount-invalid', `path is already in use at ${path}/`);
}
