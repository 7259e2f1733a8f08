// Which entities are in which groups: a key for each pair and each direction, so that a login reads the
// groups of one entity and writes nothing that other logins write too.
import type { Barrier, Change } from '../barrier.ts';
import type { Version } from '../storage/store.ts';

const epochKey = 'epoch/groups';

/** Part of every change of a group or of who is in one; what was made of groups before holds no longer. */
export const movesEpoch: Change = { key: epochKey, value: null };

export class Memberships {
  readonly #barrier: Barrier;

  constructor(barrier: Barrier) {
    this.#barrier = barrier;
  }

  /** Moves with every change of a group or of a membership. */
  epoch(): Promise<Version> {
    return this.#barrier.version(epochKey);
  }

  groupsOf(entityId: string): Promise<readonly string[]> {
    return this.#names(`identity/member-of/${entityId}/`);
  }

  membersOf(groupId: string): Promise<readonly string[]> {
    return this.#names(`identity/member/${groupId}/`);
  }

  join(entityId: string, groupId: string): readonly Change[] {
    return keysOf(entityId, groupId).map((key) => ({ key, value: null }));
  }

  leave(entityId: string, groupId: string): readonly Change[] {
    return keysOf(entityId, groupId).map((key) => ({ key, value: undefined }));
  }

  async leaveAll(entityId: string): Promise<readonly Change[]> {
    return (await this.groupsOf(entityId)).flatMap((groupId) => this.leave(entityId, groupId));
  }

  async moveAll(fromId: string, toId: string): Promise<readonly Change[]> {
    const groups = await this.groupsOf(fromId);
    return groups.flatMap((groupId) => [...this.leave(fromId, groupId), ...this.join(toId, groupId)]);
  }

  /** Writes memberships by themselves; what is already so stays. */
  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length > 0) await this.#barrier.commit([...changes, movesEpoch]);
  }

  async #names(prefix: string): Promise<readonly string[]> {
    const page = 1000;
    const names: string[] = [];
    for (;;) {
      const keys = await this.#barrier.keys(prefix, page, names.length === 0 ? '' : `${names.at(-1)!}\0`);
      names.push(...keys.map((key) => key.slice(prefix.length)));
      if (keys.length < page) return names;
    }
  }
}

function keysOf(entityId: string, groupId: string): readonly string[] {
  return [`identity/member/${groupId}/${entityId}`, `identity/member-of/${entityId}/${groupId}`];
}
