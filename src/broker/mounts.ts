// The table of mounts: which engine serves which path. Small, read from the store for every request,
// so that every node sees a change at once.
import { randomText, uuid, type Millis, type Random } from '../base/index.ts';
import type { Barrier } from './barrier.ts';
import type { Catalog } from './backends.ts';
import type { AuthMethod, Backend, Engine, Folder } from './engines/engine.ts';
import { brokerFailure } from './failures.ts';
import { builtInMounts } from './built-in-mounts.ts';
import { dueKey } from './due.ts';
import { systemMaxTtlSeconds, type Mount, type MountConfig } from './model.ts';
import { absent, type Condition } from './storage/store.ts';

const pathPattern = /^[\w.@+=-]+(?:\/[\w.@+=-]+)*$/;
const longestPath = 120;
const reserved = ['sys', 'auth', 'stint', 'cubbyhole', 'identity'];

export interface Located {
  readonly mount: Mount;
  readonly backend: Backend;
  readonly folder: Folder;
  /** The asked path below the mount. */
  readonly rest: string;
}

/** What a new mount is to be. */
export interface MountAsk {
  readonly description: string;
  readonly config: Partial<MountConfig>;
  readonly options: Readonly<Record<string, string>>;
  readonly local: boolean;
  readonly sealWrap: boolean;
}

export interface MountMove {
  readonly from: string;
  readonly to: string;
}

/** A lease's mount, whose engine ends it. */
export interface LocatedEngine extends Located {
  readonly backend: Engine;
}

/** Beginning of the path of an auth method's mount. */
export const authPrefix = 'auth/';

export function isAuth({ path }: Pick<Mount, 'path'>): boolean {
  return path.startsWith(authPrefix);
}

export class Mounts {
  readonly #barrier: Barrier;
  readonly #random: Random;
  readonly #engines: ReadonlyMap<string, Engine>;
  readonly #methods: ReadonlyMap<string, AuthMethod>;
  readonly #onDue: (at: Millis) => void;

  /** `onDue` hears of every due time that was written, so that the sweeper does not sleep past it. */
  constructor(barrier: Barrier, random: Random, catalog: Catalog, onDue: (at: Millis) => void) {
    this.#barrier = barrier;
    this.#random = random;
    this.#engines = new Map(catalog.engines.map((engine) => [engine.type, engine]));
    this.#methods = new Map(catalog.methods.map((method) => [method.type, method]));
    this.#onDue = onDue;
  }

  async list(): Promise<readonly Mount[]> {
    return (await this.#barrier.scan<Mount>('mount/', 10_000)).map(({ value }) => value);
  }

  async get(path: string): Promise<Mount | undefined> {
    return (await this.#barrier.get<Mount>(`mount/${path}`))?.value;
  }

  /** The mounted backend that serves `path`, which may be the mount's own path or one below it. */
  async locate(path: string): Promise<Located | undefined> {
    const mount = await this.containing(path);
    return mount === undefined ? undefined : this.#located(mount, path.slice(mount.path.length + 1));
  }

  /** The mount of `path`, also one that the broker serves itself. */
  async containing(path: string): Promise<Mount | undefined> {
    // Everybody may ask, also for hundreds of segments: what is too long for a mount is not looked up.
    let end = path.length > longestPath ? path.lastIndexOf('/', longestPath) : path.length;
    for (; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const mount = await this.get(path.slice(0, end));
      if (mount !== undefined) return mount;
    }
    return undefined;
  }

  /** The engine and records of a lease's mount, also of one that was disabled or moved meanwhile. */
  async ofLease(mountPath: string, mountId: string): Promise<LocatedEngine | undefined> {
    const mount = await this.get(mountPath);
    const found = mount?.id === mountId ? mount : await this.byId(mountId);
    const backend = found === undefined ? undefined : this.#engines.get(found.type);
    if (found === undefined || backend === undefined) return undefined;
    return { mount: found, backend, folder: this.#folder(found), rest: '' };
  }

  /** The auth method that made a token of this path (`auth/userpass/login/alice`), unless it is gone. */
  async ofLogin(tokenPath: string): Promise<{ mount: Mount; method: AuthMethod; folder: Folder } | undefined> {
    const located = await this.locate(tokenPath);
    const method = located === undefined ? undefined : this.#methods.get(located.mount.type);
    if (located === undefined || method === undefined || !isAuth(located.mount)) return undefined;
    return { mount: located.mount, method, folder: located.folder };
  }

  /** The mount of this id, also one that was disabled and still has leases. */
  async byId(id: string): Promise<Mount | undefined> {
    const gone = await this.#barrier.get<Mount>(`gone/${id}`);
    return gone?.value ?? (await this.list()).find((mount) => mount.id === id);
  }

  /** Lets the backend of the mount do what it asked for with `schedule`; returns when to look again. */
  async due(mountId: string, name: string): Promise<Millis | undefined> {
    const mount = await this.byId(mountId);
    const backend = mount === undefined ? undefined : this.#backend(mount);
    if (mount === undefined || backend?.due === undefined) return undefined;
    if (mount.tainted && backend.keepsRetired?.(name) !== true) return undefined;
    return backend.due(name, mount, this.#folder(mount));
  }

  /** True while the backend of a disabled mount has something left to do for it. */
  async hasDuties(mount: Mount): Promise<boolean> {
    const prefix = `scheduled/${mount.id}/`;
    const backend = this.#backend(mount);
    const names = await this.#barrier.keys(prefix, 1000);
    return names.some((key) => backend?.keepsRetired?.(key.slice(prefix.length)) === true);
  }

  /** Asks anew for a due time of `mountId`, or takes it back. */
  async schedule(mountId: string, name: string, at: Millis | undefined): Promise<void> {
    await this.#schedule(mountId, name, at, () => true);
  }

  /**
   * The same for whoever has done what was asked for at `done`: what was asked for meanwhile, by something that began
   * then, stays. False when that is so.
   */
  reschedule(mountId: string, name: string, done: Millis, at: Millis | undefined): Promise<boolean> {
    return this.#schedule(mountId, name, at, (found) => found !== undefined && Math.ceil(found) === done);
  }

  async #schedule(
    mountId: string,
    name: string,
    at: Millis | undefined,
    mayReplace: (found: Millis | undefined) => boolean,
  ): Promise<boolean> {
    const key = `scheduled/${mountId}/${name}`;
    for (;;) {
      const found = await this.#barrier.get<Millis>(key);
      if (!mayReplace(found?.value)) return false;
      const mark = (time: Millis): string => dueKey({ at: time, kind: 'mount', id: `${mountId}/${name}` });
      const changes = [
        ...(found === undefined || found.value === at ? [] : [{ key: mark(found.value), value: undefined }]),
        ...(at === undefined ? [] : [{ key: mark(at), value: null }]),
        { key, value: at, expect: found?.version ?? absent },
      ];
      if (found === undefined && at === undefined) return true;
      if (!(await this.#barrier.commit(changes))) continue;
      if (at !== undefined) this.#onDue(at);
      return true;
    }
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
  async enable(path: string, type: string, asked: MountAsk): Promise<void> {
    const types = path.startsWith(authPrefix) ? this.#methods : this.#engines;
    this.#checkMountable(path, type);
    if (!types.has(type)) {
      throw brokerFailure('mount-invalid', `plugin not found in the catalog: ${type}`, {
        hint: `this server has: ${[...types.keys()].join(', ')}`,
      });
    }
    await this.checkFree(path);
    const mount = this.#fresh(path, type, asked);
    if (!(await this.#barrier.commit([{ key: `mount/${path}`, value: mount, expect: absent }]))) throw taken(path);
  }

  /** Writes the rows of the mounts that are always there, where they are missing. */
  async ensureBuiltIns(): Promise<void> {
    for (const { path, type, ...ask } of builtInMounts) {
      const value = this.#fresh(path, type, { ...ask, options: {} });
      await this.#barrier.commit([{ key: `mount/${path}`, value, expect: absent }]);
    }
  }

  #fresh(path: string, type: string, asked: MountAsk): Mount {
    return {
      version: 1,
      path,
      type,
      description: asked.description,
      accessor: `${path.startsWith(authPrefix) ? 'auth_' : ''}${type}_${randomText(this.#random, 8, '0123456789abcdef')}`,
      id: uuid(this.#random),
      config: { defaultTtlSeconds: 0, maxTtlSeconds: 0, forceNoCache: false, listingVisibility: '', ...asked.config },
      options: asked.options,
      local: asked.local,
      sealWrap: asked.sealWrap,
      tainted: false,
    };
  }

  #checkMountable(path: string, type: string): void {
    if (!path.startsWith(authPrefix) && isReserved(path))
      throw brokerFailure('mount-invalid', `cannot mount "${path}/"`);
    if (builtInMounts.some((mount) => mount.type === type)) {
      throw brokerFailure('mount-invalid', `mount type of "${type}" is not mountable`);
    }
  }

  /** @throws Failure `mount-invalid` for a path that no mount may have, or that is in use. */
  async checkFree(path: string): Promise<void> {
    if (!pathPattern.test(path) || path.length > longestPath) {
      throw brokerFailure('mount-invalid', `\`${path}\` cannot be the path of a mount`, {
        hint: `use letters, digits and \`-_.@+=\` between slashes, at most ${longestPath} characters`,
      });
    }
    const other = await this.inTheWay(path);
    if (other !== undefined) throw taken(other);
  }

  /** The path of the mount that lies at `path`, above it or below it. */
  async inTheWay(path: string): Promise<string | undefined> {
    const all = await this.list();
    return all.find((one) => `${path}/`.startsWith(`${one.path}/`) || `${one.path}/`.startsWith(`${path}/`))?.path;
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

  /** Moves a mount with everything it keeps to a free path. @throws Failure `mount-invalid`, `mount-unknown`. */
  async move({ path, id }: Mount, to: string): Promise<void> {
    if (isReserved(to) && !isAuth({ path: to })) {
      throw brokerFailure('mount-invalid', `cannot remount to destination ${to}/`);
    }
    await this.checkFree(to);
    for (;;) {
      const found = await this.#barrier.get<Mount>(`mount/${path}`);
      if (found?.value.id !== id) throw unknownMount(path);
      const moved = { ...found.value, path: to, tainted: false };
      const changes = [
        { key: found.key, value: undefined, expect: found.version },
        { key: `mount/${to}`, value: moved, expect: absent },
      ];
      if (await this.#barrier.commit(changes)) return;
      if ((await this.get(to)) !== undefined) throw taken(to);
    }
  }

  /** Remembers a move that was made, for who asks how it went. */
  async keepMove(id: string, move: MountMove): Promise<void> {
    await this.#barrier.commit([{ key: `migration/${id}`, value: move }]);
  }

  async moveOf(id: string): Promise<MountMove | undefined> {
    return (await this.#barrier.get<MountMove>(`migration/${id}`))?.value;
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
    for (const backend of [...this.#engines.values(), ...this.#methods.values()]) backend.close();
  }

  #backend(mount: Mount): Backend | undefined {
    return (isAuth(mount) ? this.#methods : this.#engines).get(mount.type);
  }

  #located(mount: Mount, rest: string): Located | undefined {
    const backend = this.#backend(mount);
    return backend === undefined ? undefined : { mount, backend, folder: this.#folder(mount), rest };
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
      schedule: (name, at) => this.schedule(mount.id, name, at),
    };
  }
}

function isReserved(path: string): boolean {
  return reserved.includes(path.split('/')[0]!);
}

/** Default and longest lease of a mount, in seconds; 0 in its configuration stands for the system's 768 h. */
export function mountTtls({ config }: Mount): { defaultSeconds: number; maxSeconds: number } {
  const maxSeconds = config.maxTtlSeconds || systemMaxTtlSeconds;
  return { defaultSeconds: Math.min(config.defaultTtlSeconds || systemMaxTtlSeconds, maxSeconds), maxSeconds };
}

export function unknownMount(path: string): Error {
  if (!path.startsWith(authPrefix)) return brokerFailure('mount-unknown', `No secret engine mount at ${path}/`);
  return brokerFailure('mount-unknown', `No auth engine at ${path.slice(authPrefix.length)}/`);
}

function taken(path: string): Error {
  const shown = path.startsWith(authPrefix) ? path.slice(authPrefix.length) : path;
  return brokerFailure('mount-invalid', `path is already in use at ${shown}/`);
}
