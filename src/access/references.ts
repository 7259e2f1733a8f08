// What a definition refers to must be declared in it. The schema judges shapes; this judges names.
import { parseDuration } from '../base/index.ts';
import { checkTags } from './check-tags.ts';
import { checkTrust } from './check-trust.ts';
import { Checker } from './checker.ts';
import { sessionCap } from './defaults.ts';
import { boundUnits, broughtGuardrails, usedGuardrails } from './guardrails.ts';
import type { Definition, RoleEntry } from './model.ts';
import { outputProblems } from './outputs.ts';
import type { Path, Problem } from './problems.ts';
import { countsIn, selectAccounts } from './selectors.ts';
import { issuerName } from './trust-workloads.ts';
import { accountsOfRole, roleIn } from './variation.ts';

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
  const marked = (mark: 'central' | 'management'): string[] =>
    Object.entries(definition.accounts).flatMap(([name, account]) => (account[mark] === true ? [name] : []));
  for (const name of marked('central').slice(1)) {
    checker.add(['accounts', name, 'central'], 'two accounts are central', 'people live in one account: mark that one');
  }
  for (const name of marked('management').slice(1)) {
    const message = 'two accounts are the management account';
    checker.add(['accounts', name, 'management'], message, 'an organisation has one: mark that one');
  }
  if (marked('central').length > 0) return;
  for (const part of ['people', 'groups'] as const) {
    if (Object.keys(definition[part] ?? {}).length > 0) {
      checker.add([part], `\`${part}\` need a central account`, 'mark one account with `central: true`');
    }
  }
}

/** IAM compares names of one kind without case, so `Reader` and `reader` cannot live side by side. */
function checkCase(checker: Checker, definition: Definition): void {
  for (const part of ['accounts', 'policies', 'people', 'groups', 'roles', 'providers', 'guardrails'] as const) {
    const seen = new Map<string, string>();
    for (const name of Object.keys(definition[part] ?? {})) {
      const other = seen.get(name.toLowerCase());
      if (other !== undefined)
        checker.add([part, name], `\`${name}\` and \`${other}\` are one name to AWS`, 'rename one');
      seen.set(name.toLowerCase(), name);
    }
  }
}

function checkSession(checker: Checker, session: string | object | undefined, path: Path): void {
  if (typeof session !== 'string') return;
  const seconds = parseDuration(session);
  // MaxSessionDuration: 3600 to 43200 (IAM API, CreateRole).
  if (seconds < 3600 || seconds > sessionCap) {
    checker.add(path, `a session of \`${session}\` is outside 1h to 12h`, 'AWS lets a role have sessions of 1h to 12h');
  }
}

function checkVariants(checker: Checker, definition: Definition, role: RoleEntry, path: Path): void {
  const held = accountsOfRole(definition, role);
  (role.per ?? []).forEach((variant, index) => {
    const place = [...path, 'per', index];
    const before = checker.problems.length;
    checker.selector(variant.in, [...place, 'in']);
    const fitting = selectAccounts(definition, variant.in).filter((account) => held.includes(account));
    if (fitting.length === 0 && checker.problems.length === before) {
      checker.add([...place, 'in'], 'the selector fits no account of this role', `the role is in ${held.join(', ')}`);
    }
    variant.trust?.forEach((entry, at) => checkTrust(checker, entry, [...place, 'trust', at], fitting));
    checker.names('policy', variant.policies, [...place, 'policies']);
    checker.statements(variant.statements, [...place, 'statements']);
    checker.inline(variant.inline, [...place, 'inline']);
    checkSession(checker, variant.session, [...place, 'session']);
  });
}

function checkRoles(checker: Checker, definition: Definition): void {
  for (const [name, entry] of Object.entries(definition.roles ?? {})) {
    const path = ['roles', name];
    checker.selector(entry.in, [...path, 'in']);
    checker.narrowing(entry, path);
    const plain = accountsOfRole(definition, entry).filter(
      (account) => roleIn(definition, entry, account).trust === entry.trust,
    );
    entry.trust.forEach((it, index) => checkTrust(checker, it, [...path, 'trust', index], plain));
    checker.names('policy', entry.policies, [...path, 'policies']);
    checker.statements(entry.statements, [...path, 'statements']);
    checker.inline(entry.inline, [...path, 'inline']);
    checkSession(checker, entry.session, [...path, 'session']);
    checkVariants(checker, definition, entry, path);
    for (const account of accountsOfRole(definition, entry)) {
      const role = roleIn(definition, entry, account);
      if (!role.trust.some((it) => countsIn(it, account))) {
        const hint = 'widen `only` or take the account out of `in`';
        checker.add([...path, 'trust'], `nobody may become \`${name}\` in \`${account}\``, hint);
      }
    }
  }
}

function checkProviders(checker: Checker, definition: Definition): void {
  const issuers = new Map<string, string>();
  for (const [name, provider] of Object.entries(definition.providers ?? {})) {
    const path = ['providers', name];
    if (provider.in !== undefined) checker.selector(provider.in, [...path, 'in']);
    checker.narrowing(provider, path);
    (provider.per ?? []).forEach((variant, index) => checker.selector(variant.in, [...path, 'per', index, 'in']));
    if (provider.issuer === undefined) continue;
    const issuer = issuerName(provider.issuer);
    const other = issuers.get(issuer);
    const message = `providers \`${other}\` and \`${name}\` have one issuer, of which an account takes one provider`;
    if (other !== undefined)
      checker.add(
        [...path, 'issuer'],
        message,
        'join them in one entry, with `per` for accounts whose `audiences` differ',
      );
    issuers.set(issuer, name);
  }
}

function checkGuardrails(checker: Checker, definition: Definition): void {
  for (const [name, guardrail] of Object.entries(definition.guardrails ?? {})) {
    const path = ['guardrails', name];
    // A unit may hold accounts that are no part of the definition: whether it exists is the plan's to say.
    if (guardrail.on !== 'organization' && boundUnits(guardrail) === undefined) {
      checker.selector(guardrail.on, [...path, 'on']);
    }
    checker.narrowing(guardrail, path);
    checker.statements(guardrail.statements, [...path, 'statements'], guardrail.type);
    for (const used of usedGuardrails(name, guardrail)) {
      const { type } = broughtGuardrails[used];
      if (type !== guardrail.type) {
        checker.add([...path, 'type'], `guard rail \`${used}\` is of type \`${type}\``, `write \`type: ${type}\``);
      }
      if (used === 'require-organization' && definition.organization === undefined) {
        checker.add(path, `guard rail \`${used}\` needs to know the organisation`, 'name it with `organization`');
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
    checker.narrowing(person, ['people', name]);
  }
  for (const [name, group] of Object.entries(definition.groups ?? {})) {
    checker.names('policy', group.policies, ['groups', name, 'policies']);
    checker.statements(group.statements, ['groups', name, 'statements']);
    checker.inline(group.inline, ['groups', name, 'inline']);
    checker.narrowing(group, ['groups', name]);
  }
  for (const [name, policy] of Object.entries(definition.policies ?? {})) {
    checker.statements(policy.statements, ['policies', name, 'statements']);
    checker.narrowing(policy, ['policies', name]);
  }
  checkRoles(checker, definition);
  checkProviders(checker, definition);
  if (definition.passwordPolicy !== undefined) {
    checker.selector(definition.passwordPolicy.in, ['passwordPolicy', 'in']);
    checker.narrowing(definition.passwordPolicy, ['passwordPolicy']);
  }
  checkGuardrails(checker, definition);
  checkTags(checker);
  return [...checker.problems, ...outputProblems(definition)];
}
