// How entities and groups lie in the store: a record each, and small records by which they are found.
// Names are blind, so that a reader of the store learns none. Every change writes the record and what
// finds it in one batch, under the condition that neither has changed meanwhile.
import type { Barrier, Change, Stored } from '../barrier.ts';
import { absent, type Version } from '../storage/store.ts';
import type { Alias, Entity, Group } from './model.ts';

export type Kind = 'entity' | 'group';
export type Subject<K extends Kind> = K extends 'entity' ? Entity : Group;

export class Records<K extends Kind> {
  readonly #barrier: Barrier;
  readonly #kind: K;

  constructor(barrier: Barrier, kind: K) {
    this.#barrier = barrier;
    this.#kind = kind;
  }

  async get(id: string): Promise<Stored<Subject<K>> | undefined> {
    return isId(id) ? this.#barrier.get<Subject<K>>(this.#key(id)) : undefined;
  }

  async version(id: string): Promise<Version> {
    return isId(id) ? this.#barrier.version(this.#key(id)) : absent;
  }

  byName(name: string): Promise<Stored<Subject<K>> | undefined> {
    return this.#found(this.#nameKey(name));
  }

  byAlias(mountAccessor: string, name: string): Promise<Stored<Subject<K>> | undefined> {
    return this.#found(this.#aliasKey(mountAccessor, name));
  }

  async byAliasId(aliasId: string): Promise<Stored<Subject<K>> | undefined> {
    return isId(aliasId) ? this.#found(this.#aliasIdKey(aliasId)) : undefined;
  }

  /** All of them, in the order of their ids. */
  async all(): Promise<readonly Subject<K>[]> {
    const prefix = this.#key('');
    const page = 1000;
    const subjects: Subject<K>[] = [];
    for (let after: string | undefined; ; after = `${prefix}${subjects.at(-1)!.id}`) {
      const found = await this.#barrier.scan<Subject<K>>(prefix, page, after);
      subjects.push(...found.map(({ value }) => value));
      if (found.length < page) return subjects;
    }
  }

  /** Writes `after` in place of `before`, all or nothing; false when somebody else was faster. */
  replace(
    before: readonly Stored<Subject<K>>[],
    after: readonly Subject<K>[],
    more: readonly Change[] = [],
  ): Promise<boolean> {
    const held = new Map(before.map((stored) => [stored.value.id, stored]));
    const kept = new Set(after.map(({ id }) => id));
    const records: Change[] = [
      ...after.map((value) => ({ key: this.#key(value.id), value, expect: held.get(value.id)?.version ?? absent })),
      ...before
        .filter(({ value }) => !kept.has(value.id))
        .map(({ key, version }) => ({ key, value: undefined, expect: version })),
    ];
    const old = this.#findersOf(before.map(({ value }) => value));
    const next = this.#findersOf(after);
    const finders: Change[] = [
      ...[...old.keys()].filter((key) => !next.has(key)).map((key) => ({ key, value: undefined })),
      ...[...next].flatMap(([key, id]) => {
        if (old.get(key) === id) return [];
        return old.has(key) ? [{ key, value: id }] : [{ key, value: id, expect: absent }];
      }),
    ];
    return this.#barrier.commit([...records, ...finders, ...more]);
  }

  #findersOf(subjects: readonly Subject<K>[]): ReadonlyMap<string, string> {
    return new Map(
      subjects.flatMap((subject) => [
        [this.#nameKey(subject.name), subject.id] as const,
        ...aliasesOf(subject).flatMap(({ id, mountAccessor, name }) => [
          [this.#aliasIdKey(id), subject.id] as const,
          [this.#aliasKey(mountAccessor, name), subject.id] as const,
        ]),
      ]),
    );
  }

  async #found(finder: string): Promise<Stored<Subject<K>> | undefined> {
    const id = await this.#barrier.get<string>(finder);
    return id === undefined ? undefined : this.get(id.value);
  }

  #key(id: string): string {
    return `identity/${this.#kind}/${id}`;
  }

  // Vault finds names without regard to case.
  #nameKey(name: string): string {
    return `identity/${this.#kind}-name/${this.#barrier.blindName(`${this.#kind}:${name.toLowerCase()}`)}`;
  }

  #aliasKey(mountAccessor: string, name: string): string {
    const text = `${this.#kind}-alias:${mountAccessor}\n${name.toLowerCase()}`;
    return `identity/${this.#kind}-alias-name/${this.#barrier.blindName(text)}`;
  }

  #aliasIdKey(aliasId: string): string {
    return `identity/${this.#kind}-alias/${aliasId}`;
  }
}

function aliasesOf(subject: Entity | Group): readonly Alias[] {
  if ('aliases' in subject) return subject.aliases;
  return subject.alias === null ? [] : [subject.alias];
}

/** Anything else is not asked of the store: a caller's text must not reach other keys. */
export function isId(id: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
}
