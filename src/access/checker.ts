// Collects what is wrong with a definition by name: one method for each kind of reference.
import { nearestName } from '../base/index.ts';
import { parsePolicy } from '../policy/index.ts';
import type { Definition, Selector, StatementEntry } from './model.ts';
import type { Path, Problem } from './problems.ts';
import { selectAccounts } from './selectors.ts';

export type NameKind = 'account' | 'group' | 'person' | 'policy' | 'provider' | 'role';

interface Narrowed {
  readonly only?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
}

/** Problems of one definition, in the order in which they are found. */
export class Checker {
  readonly problems: Problem[] = [];
  readonly definition: Definition;
  readonly #names: Readonly<Record<NameKind, readonly string[]>>;

  constructor(definition: Definition) {
    this.definition = definition;
    this.#names = {
      account: Object.keys(definition.accounts),
      group: Object.keys(definition.groups ?? {}),
      person: Object.keys(definition.people ?? {}),
      policy: Object.keys(definition.policies ?? {}),
      provider: Object.keys(definition.providers ?? {}),
      role: Object.keys(definition.roles ?? {}),
    };
  }

  add(path: Path, message: string, hint?: string): void {
    this.problems.push({ path, message, hint });
  }

  has(kind: NameKind, name: string): boolean {
    return this.#names[kind].includes(name);
  }

  name(kind: NameKind, name: string, path: Path): void {
    const known = this.#names[kind];
    if (known.includes(name)) return;
    const near = nearestName(name, known);
    const declared = known.length === 0 ? `the definition declares none` : `declared: ${known.join(', ')}`;
    this.add(path, `there is no ${kind} \`${name}\``, near === undefined ? declared : `did you mean \`${near}\`?`);
  }

  names(kind: NameKind, names: readonly string[] | undefined, path: Path): void {
    (names ?? []).forEach((name, index) => this.name(kind, name, [...path, index]));
  }

  narrowing(entry: Narrowed, path: Path): void {
    this.names('account', entry.only, [...path, 'only']);
    this.names('account', entry.except, [...path, 'except']);
  }

  #valued(selector: Exclude<Selector, readonly string[]>, member: 'stage' | 'ou', path: Path): void {
    const accounts = Object.values(this.definition.accounts);
    const known =
      member === 'stage'
        ? accounts.map(({ stage }) => stage)
        : accounts.flatMap(
            ({ ou }) => ou?.split('/').map((_part, index, parts) => parts.slice(0, index + 1).join('/')) ?? [],
          );
    for (const value of [selector[member] ?? []].flat()) {
      if (known.includes(value)) continue;
      const near = nearestName(value, new Set(known));
      const what = member === 'stage' ? `no account has stage \`${value}\`` : `no account lies in unit \`${value}\``;
      const named = [...new Set(known)].join(', ');
      this.add([...path, member], what, near === undefined ? `there are ${named}` : `did you mean \`${near}\`?`);
    }
  }

  selector(selector: Selector, path: Path): void {
    if (Array.isArray(selector)) this.names('account', selector, path);
    else {
      this.names('account', selector.except, [...path, 'except']);
      this.#valued(selector, 'stage', path);
      this.#valued(selector, 'ou', path);
    }
    if (selectAccounts(this.definition, selector).length === 0) this.add(path, 'the selector fits no account');
  }

  /** The policy language's own rules, told at the element that breaks them. */
  #grammar(entry: StatementEntry, path: Path, kind: 'identity' | 'scp' | 'rcp'): void {
    const { only: _only, except: _except, expires: _expires, reason: _reason, owner: _owner, ...statement } = entry;
    const whole = kind === 'rcp' ? { ...statement, Principal: '*' } : statement;
    const text = JSON.stringify({ Version: '2012-10-17', Statement: [whole] });
    for (const { path: place, message, hint } of parsePolicy(text, kind).problems) {
      const inside = [...place.matchAll(/\.([A-Za-z]\w*)|\[(\d+)\]/g)].slice(2);
      this.add([...path, ...inside.map(([, key, index]) => key ?? Number(index))], message, hint);
    }
  }

  inline(inline: Readonly<Record<string, readonly StatementEntry[]>> | undefined, path: Path): void {
    for (const [name, statements] of Object.entries(inline ?? {})) this.statements(statements, [...path, name]);
  }

  /** A raw statement of a trust policy is judged as AWS judges it. */
  trustGrammar(statement: object, path: Path): void {
    const text = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    for (const { message, hint } of parsePolicy(text, 'trust').problems) this.add(path, message, hint);
  }

  statements(
    statements: readonly StatementEntry[] | undefined,
    path: Path,
    kind: 'identity' | 'scp' | 'rcp' = 'identity',
  ): void {
    (statements ?? []).forEach((statement, index) => {
      this.narrowing(statement, [...path, index]);
      this.#grammar(statement, [...path, index], kind);
      const limits = Object.keys(statement.Condition?.['DateLessThan'] ?? {});
      if (statement.expires === undefined || !limits.some((key) => key.toLowerCase() === 'aws:currenttime')) return;
      const message = '`expires` and a condition on `aws:CurrentTime` both set an end';
      this.add([...path, index, 'expires'], message, 'keep one');
    });
  }
}
