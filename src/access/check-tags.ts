// Tags that a definition gives to what it makes: keys that nobody but AWS or Stint writes, and keys that are one to IAM.
import type { Checker } from './checker.ts';
import type { Path } from './problems.ts';

interface Tagged {
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly per?: readonly Tagged[] | undefined;
}

/** `ignored` where IAM takes keys that differ in case alone for one: on roles and users (IAM guide, "Tags for IAM resources"). */
type KeyCase = 'exact' | 'ignored';

function checkKeys(checker: Checker, tags: Tagged['tags'], keyCase: KeyCase, path: Path): void {
  const first = new Map<string, string>();
  for (const key of Object.keys(tags ?? {})) {
    const [start, owner = ''] = /^(aws|stint):/i.exec(key) ?? [];
    if (start !== undefined) {
      const writer = owner.toLowerCase() === 'aws' ? 'AWS' : 'Stint';
      checker.add(
        [...path, key],
        `tag \`${key}\`: only ${writer} writes keys that begin with \`${start}\``,
        'rename it',
      );
    }
    const other = first.get(key.toLowerCase());
    if (other !== undefined && keyCase === 'ignored') {
      checker.add([...path, key], `tags \`${other}\` and \`${key}\` are one to IAM`, 'take one of them out');
    }
    first.set(key.toLowerCase(), key);
  }
}

/** Judges the tags of one entry and of what it is otherwise in some accounts. */
function checkEntry(checker: Checker, entry: Tagged, keyCase: KeyCase, path: Path): void {
  checkKeys(checker, entry.tags, keyCase, [...path, 'tags']);
  (entry.per ?? []).forEach((variant, index) => checkEntry(checker, variant, keyCase, [...path, 'per', index]));
}

/** Judges the tags of everything that is made. Those of accounts only choose them, and are written nowhere. */
export function checkTags(checker: Checker): void {
  const { people, roles, providers, guardrails } = checker.definition;
  const parts: Readonly<Record<string, readonly [KeyCase, Readonly<Record<string, Tagged>> | undefined]>> = {
    people: ['ignored', people],
    roles: ['ignored', roles],
    providers: ['exact', providers],
    guardrails: ['exact', guardrails],
  };
  for (const [part, [keyCase, entries]] of Object.entries(parts)) {
    for (const [name, entry] of Object.entries(entries ?? {})) checkEntry(checker, entry, keyCase, [part, name]);
  }
}
