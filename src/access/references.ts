// What a definition refers to must be declared in it. The schema judges shapes; this judges names.
import { nearestName, parseDuration } from '../base/index.ts';
import { parsePolicy } from '../policy/index.ts';
import { sessionCap } from './defaults.ts';
import type { Definition, Selector, StatementEntry, TrustEntry } from './model.ts';
import { outputProblems } from './outputs.ts';
import type { Path, Problem } from './problems.ts';
import { countsIn, selectAccounts } from './selectors.ts';
import { accountsOfRole } from './variation.ts';

/** Collects problems; each method checks one kind of reference. */
class Checker {
  readonly problems: Problem[] = [];
  readonly #names: { readonly [kind: string]: readonly string[] };

  constructor(definition: Definition) {
    this.#names = {
      account: Object.keys(definition.accounts),
      group: Object.keys(definition.groups ?? {}),
      person: Object.keys(definition.people ?? {}),
      policy: Object.keys(definition.policies ?? {}),
      role: Object.keys(definition.roles ?? {}),
    };
  }

  add(path: Path, message: string, hint?: string): void {
    this.problems.push({ path, message, hint });
  }

  name(kind: 'account' | 'group' | 'person' | 'policy' | 'role', name: string, path: Path): void {
    const known = this.#names[kind]!;
    if (known.includes(name)) return;
    const near = nearestName(name, known);
    const declared = known.length === 0 ? `the definition declares none` : `declared: ${known.join(', ')}`;
    this.add(path, `there is no ${kind} \`${name}\``, near === undefined ? declared : `did you mean \`${near}\`?`);
  }

  names(kind: 'account' | 'group' | 'policy', names: readonly string[] | undefined, path: Path): void {
    (names ?? []).forEach((name, index) => this.name(kind, name, [...path, index]));
  }

  selector(selector: Selector, path: Path, definition: Definition): void {
    if (Array.isArray(selector)) this.names('account', selector, path);
    else {
      this.names('account', selector.except, [...path, 'except']);
      const stages = new Set(Object.values(definition.accounts).map(({ stage }) => stage));
      for (const stage of [selector.stage ?? []].flat()) {
        if (stages.has(stage)) continue;
        const near = nearestName(stage, stages);
        this.add([...path, 'stage'], `no account has stage \`${stage}\``, near && `did you mean \`${near}\`?`);
      }
    }
    if (selectAccounts(definition, selector).length === 0) this.add(path, 'the selector fits no account');
  }

  /** The policy language's own rules, told at the element that breaks them. */
  grammar(entry: StatementEntry, path: Path): void {
    const { only: _only, except: _except, expires: _expires, reason: _reason, ...statement } = entry;
    const text = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    for (const { path: place, message, hint } of parsePolicy(text, 'identity').problems) {
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

  statements(statements: readonly StatementEntry[] | undefined, path: Path): void {
    (statements ?? []).forEach((statement, index) => {
      this.names('account', statement.only, [...path, index, 'only']);
      this.names('account', statement.except, [...path, index, 'except']);
      this.grammar(statement, [...path, index]);
      const limits = Object.keys(statement.Condition?.['DateLessThan'] ?? {});
      if (statement.expires !== undefined && limits.some((key) => key.toLowerCase() === 'aws:currenttime')) {
        this.add(
          [...path, index, 'expires'],
          '`expires` and a condition on `aws:CurrentTime` both set an end',
          'keep one',
        );
      }
    });
  }
}

function checkAccounts(checker: Checker, definition: Definition): void {
  const byId = new Map<string, string>();
  for (const [name, { id, stage }] of Object.entries(definition.accounts)) {
    const other = byId.get(id);
    if (other !== undefined) checker.add(['accounts', name, 'id'], `accounts \`${other}\` and \`${name}\` have one id`);
    byId.set(id, name);
    if (definition.stages !== undefined && !definition.stages.includes(stage)) {
      checker.add(
        ['accounts', name, 'stage'],
        `stage \`${stage}\` is not in \`stages\``,
        'add it where its wave belongs',
      );
    }
  }
  const central = Object.entries(definition.accounts).filter(([, account]) => account.central === true);
  for (const [name] of central.slice(1)) {
    checker.add(['accounts', name, 'central'], 'two accounts are central', 'people live in one account: mark that one');
  }
  if (central.length > 0) return;
  for (const part of ['people', 'groups'] as const) {
    if (Object.keys(definition[part] ?? {}).length > 0) {
      checker.add([part], `\`${part}\` need a central account`, 'mark one account with `central: true`');
    }
  }
}

/** IAM compares names of one kind without case, so `Reader` and `reader` cannot live side by side. */
function checkCase(checker: Checker, definition: Definition): void {
  for (const part of ['policies', 'people', 'groups'] as const) {
    const seen = new Map<string, string>();
    for (const name of Object.keys(definition[part] ?? {})) {
      const other = seen.get(name.toLowerCase());
      if (other !== undefined)
        checker.add([part, name], `\`${name}\` and \`${other}\` are one name to AWS`, 'rename one');
      seen.set(name.toLowerCase(), name);
    }
  }
}

function checkTrust(checker: Checker, definition: Definition, entry: TrustEntry, path: Path): void {
  if (entry.group !== undefined) checker.name('group', entry.group, [...path, 'group']);
  if (entry.person !== undefined) checker.name('person', entry.person, [...path, 'person']);
  if (entry.account !== undefined && !/^\d{12}$/.test(entry.account)) {
    checker.name('account', entry.account, [...path, 'account']);
  }
  if (entry.role !== undefined) {
    const slash = entry.role.indexOf('/');
    const account = slash < 0 ? undefined : entry.role.slice(0, slash);
    const name = entry.role.slice(slash + 1);
    if (account !== undefined) checker.name('account', account, [...path, 'role']);
    checker.name('role', name, [...path, 'role']);
    const role = definition.roles?.[name];
    if (account !== undefined && role !== undefined && !selectAccounts(definition, role.in).includes(account)) {
      checker.add([...path, 'role'], `role \`${name}\` is not in account \`${account}\``);
    }
  }
  if (entry.service !== undefined && !/^[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?$/.test(entry.service)) {
    checker.add([...path, 'service'], `\`${entry.service}\` is no AWS service`, 'write it like `ec2.amazonaws.com`');
  }
  if (entry.statement !== undefined) checker.trustGrammar(entry.statement, [...path, 'statement']);
  if ((entry.service ?? entry.role ?? entry.statement) !== undefined && (entry.mfa ?? entry.mfaMaxAge) !== undefined) {
    checker.add([...path, 'mfa'], '`mfa` is for people: a service, role or statement has none', 'leave it out');
  }
  checker.names('account', entry.only, [...path, 'only']);
  checker.names('account', entry.except, [...path, 'except']);
}

function checkSession(checker: Checker, session: string | object | undefined, path: Path): void {
  if (typeof session !== 'string') return;
  const seconds = parseDuration(session);
  // MaxSessionDuration: 3600 to 43200 (IAM API, CreateRole).
  if (seconds < 3600 || seconds > sessionCap) {
    checker.add(path, `a session of \`${session}\` is outside 1h to 12h`, 'AWS lets a role have sessions of 1h to 12h');
  }
}

function checkRoles(checker: Checker, definition: Definition): void {
  for (const [name, role] of Object.entries(definition.roles ?? {})) {
    const path = ['roles', name];
    checker.selector(role.in, [...path, 'in'], definition);
    role.trust.forEach((entry, index) => checkTrust(checker, definition, entry, [...path, 'trust', index]));
    checker.names('policy', role.policies, [...path, 'policies']);
    checker.statements(role.statements, [...path, 'statements']);
    checker.inline(role.inline, [...path, 'inline']);
    checkSession(checker, role.session, [...path, 'session']);
    for (const account of accountsOfRole(definition, role)) {
      if (!role.trust.some((entry) => countsIn(entry, account))) {
        checker.add(
          [...path, 'trust'],
          `nobody may become \`${name}\` in \`${account}\``,
          'widen `only` or take the account out of `in`',
        );
      }
    }
  }
}

/** Everything that a definition of the right shape still gets wrong by name. */
export function referenceProblems(definition: Definition): Problem[] {
  const checker = new Checker(definition);
  checkAccounts(checker, definition);
  checkCase(checker, definition);
  checkSession(checker, definition.defaults?.session, ['defaults', 'session']);
  for (const [name, person] of Object.entries(definition.people ?? {})) {
    checker.names('group', person.groups, ['people', name, 'groups']);
    checker.names('policy', person.policies, ['people', name, 'policies']);
    checker.statements(person.statements, ['people', name, 'statements']);
    checker.inline(person.inline, ['people', name, 'inline']);
  }
  for (const [name, group] of Object.entries(definition.groups ?? {})) {
    checker.names('policy', group.policies, ['groups', name, 'policies']);
    checker.statements(group.statements, ['groups', name, 'statements']);
    checker.inline(group.inline, ['groups', name, 'inline']);
  }
  for (const [name, policy] of Object.entries(definition.policies ?? {})) {
    checker.statements(policy.statements, ['policies', name, 'statements']);
  }
  checkRoles(checker, definition);
  if (definition.passwordPolicy !== undefined) {
    checker.selector(definition.passwordPolicy.in, ['passwordPolicy', 'in'], definition);
  }
  for (const [name, guardrail] of Object.entries(definition.guardrails ?? {})) {
    if (guardrail.on !== 'organization') checker.selector(guardrail.on, ['guardrails', name, 'on'], definition);
  }
  return [...checker.problems, ...outputProblems(definition)];
}
