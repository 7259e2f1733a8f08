// A static role as the rotator sees it: a holder of a key in the store, and clients that reach its user.
import type { Clock, Millis } from '../../../base/index.ts';
import type { Mount } from '../../model.ts';
import type { Folder } from '../engine.ts';
import type { KeyHolder } from './key-rotation.ts';
import type { RotationHome } from './key-rotator.ts';
import type { ClientsOf } from './root-rotation.ts';
import { changeStaticRole, dueName, loadStaticRole, type StaticRole } from './static-role.ts';
import { checkedUserId, staticActor, type StaticAccount, type StaticActor } from './static-user.ts';

export interface StaticHomeParts {
  readonly clientsOf: ClientsOf;
  readonly clock: Clock;
}

/** A static role in the store, with the client of its account. */
export class StaticHome implements RotationHome {
  readonly #parts: StaticHomeParts;
  readonly #mount: Mount;
  readonly #folder: Folder;
  readonly #name: string;
  #actor: Promise<StaticActor> | undefined;

  constructor(parts: StaticHomeParts, mount: Mount, folder: Folder, name: string) {
    this.#parts = parts;
    this.#mount = mount;
    this.#folder = folder;
    this.#name = name;
  }

  load(): Promise<StaticRole | undefined> {
    return loadStaticRole(this.#folder, this.#name);
  }

  store<T extends StaticRole | undefined>(next: (before: StaticRole | undefined) => T): Promise<T> {
    return changeStaticRole(this.#folder, this.#name, next) as Promise<T>;
  }

  /**
   * Forgets a role without a key: the one that is `ending`, or the one that never had any, and none that was written
   * since. The look that was asked for is not taken back, for it may be the next role's by now; one that finds nothing
   * ends there.
   */
  async forget({ ending }: { readonly ending: boolean }): Promise<void> {
    await this.store((now) => (now?.key === null && now.rotation === null && now.ending === ending ? undefined : now));
  }

  /** A client for the account of the role, one for all calls of this home. */
  reach(account: StaticAccount): Promise<StaticActor> {
    this.#actor ??= this.#clients().then((clients) => staticActor(clients, account));
    return this.#actor;
  }

  async userId(account: StaticAccount, userName: string, wanted: string | undefined): Promise<string> {
    // Another account may be asked than was before.
    this.close();
    return checkedUserId((await this.reach(account)).iam, userName, wanted);
  }

  async #clients(): ReturnType<AsyncClients> {
    return (await this.#parts.clientsOf(this.#mount.id, this.#folder)).clients;
  }

  async read(): Promise<KeyHolder | undefined> {
    return this.load();
  }

  async change(next: (before: KeyHolder) => KeyHolder): Promise<KeyHolder | undefined> {
    const now = this.#parts.clock.now();
    return this.store((before) => {
      if (before === undefined) return undefined;
      const { key, rotation } = next(before);
      const isNew = key?.accessKeyId !== before.key?.accessKeyId;
      return { ...before, key, rotation, rotatesAt: isNew ? now + before.periodSeconds * 1000 : before.rotatesAt };
    });
  }

  async actor(): Promise<StaticActor['iam']> {
    const role = await this.load();
    if (role === undefined) throw new TypeError(`the static role ${this.#name} is gone`);
    return (await this.reach(role)).iam;
  }

  async as(keys: Parameters<RotationHome['as']>[0]): ReturnType<RotationHome['as']> {
    return (await this.#clients()).iamAs(keys);
  }

  /** Nothing of this server signs with the key of a static role. */
  async idle(): Promise<void> {}

  /**
   * `undefined`: nothing is left to look after, and what was asked for stays, for it may be the next rotation's by now.
   * The look at its time finds when the served key is to be replaced.
   */
  async schedule(at: Millis | undefined): Promise<void> {
    if (at !== undefined) await this.#folder.schedule(dueName(this.#name), at);
  }

  close(): void {
    void this.#actor?.then(
      ({ close }) => close(),
      () => undefined,
    );
    this.#actor = undefined;
  }
}

type AsyncClients = () => Promise<Awaited<ReturnType<ClientsOf>>['clients']>;
