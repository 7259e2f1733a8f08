// Stored ACL policies, written in Vault's HCL subset or in JSON. Their text is kept as written and
// read again for each decision, so that every node follows a change at once.
import type { Barrier } from './barrier.ts';
import type { PathRule } from './acl.ts';
import { defaultRules } from './acl.ts';
import { brokerFailure } from './failures.ts';
import { parsePolicy } from './policy-text.ts';

interface StoredPolicy {
  readonly version: 1;
  readonly text: string;
}

const immutable = ['root', 'response-wrapping'];
const namePattern = /^[a-z0-9][\w.@-]{0,127}$/;

export class Policies {
  readonly #barrier: Barrier;

  constructor(barrier: Barrier) {
    this.#barrier = barrier;
  }

  async names(): Promise<readonly string[]> {
    const stored = await this.#barrier.list('policy/');
    return [...new Set([...stored, 'default', 'root'])].sort();
  }

  /** The text as written; for `default` the built-in rules until somebody writes their own; `root` has none. */
  async text(given: string): Promise<string | undefined> {
    const name = given.toLowerCase();
    if (name === 'root') return '';
    const stored = await this.#stored(name);
    if (stored !== undefined) return stored.text;
    return name === 'default' ? printRules(defaultRules) : undefined;
  }

  async exists(name: string): Promise<boolean> {
    return name === 'root' || (await this.#stored(name)) !== undefined;
  }

  /** The rules of a policy; none for one that is not stored, so that it allows nothing. */
  async rules(name: string): Promise<readonly PathRule[]> {
    const stored = await this.#stored(name);
    return stored === undefined ? [] : parsePolicy(stored.text);
  }

  /** @throws Failure `policy-invalid` with the place of the error. */
  async write(name: string, text: string): Promise<void> {
    const key = name.toLowerCase();
    if (immutable.includes(key)) throw brokerFailure('policy-invalid', `cannot update "${key}" policy`);
    if (!namePattern.test(key)) {
      throw brokerFailure('policy-invalid', `\`${name}\` cannot be the name of a policy`, {
        hint: 'use letters, digits, `-`, `_`, `.` and `@`',
      });
    }
    parsePolicy(text);
    const policy: StoredPolicy = { version: 1, text };
    await this.#barrier.commit([{ key: `policy/${key}`, value: policy }]);
  }

  /** @throws Failure `policy-invalid` for a policy that cannot be deleted. */
  async delete(name: string): Promise<void> {
    const key = name.toLowerCase();
    if (key === 'default' || immutable.includes(key)) {
      throw brokerFailure('policy-invalid', `cannot delete "${key}" policy`);
    }
    await this.#barrier.commit([{ key: `policy/${key}`, value: undefined }]);
  }

  async #stored(name: string): Promise<StoredPolicy | undefined> {
    return (await this.#barrier.get<StoredPolicy>(`policy/${name.toLowerCase()}`))?.value;
  }
}

function printRules(rules: readonly PathRule[]): string {
  return rules
    .map(({ path, capabilities }) => `path "${path}" {\n  capabilities = ${JSON.stringify(capabilities)}\n}\n`)
    .join('\n');
}
