// Guard rails put back from the policies of an organisation: the ones that Stint brings along by name, whom they
// spare, and what they are attached to. A proposal is taken when it compiles to the very policy that was found.
import { iamArn, organizationRole } from '../../aws/index.ts';
import type { Millis } from '../../base/index.ts';
import type { CompileScope } from '../compile-identities.ts';
import { canonicalDocument } from '../documents.ts';
import type { Finding } from '../findings.ts';
import { broughtGuardrails, compileGuardrail, type GuardrailName } from '../guardrails.ts';
import type { Definition } from '../model.ts';
import type { OrganizationPolicyResource, SeenResource, Statement } from '../resources.ts';
import { guardrailNames } from '../schema/accounts.ts';
import { asFound, type Entry, type Found, isKey } from './found.ts';
import { endOf, markedMembers, ownKey, ownStatementEntry } from './owned.ts';
import { statementEntry } from './permissions.ts';
import { foreignTags } from './role-drafts.ts';
import { freeKey } from './roles.ts';
import { selectorFor } from './selectors.ts';

type Policy = SeenResource & OrganizationPolicyResource;
type Guardrail = NonNullable<Definition['guardrails']>[string];

export interface Guardrails {
  /** Entries of `guardrails` by name. */
  readonly entries: Readonly<Record<string, Entry>>;
  /** Names of entries by names of policies. */
  readonly keys: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

const one = (statement: Statement): string =>
  canonicalDocument({ Version: '2012-10-17', Statement: [{ ...statement, Principal: '*' }] });

/** Where it binds, in the words of a definition; undefined for targets that no `on` means. */
function bindsOn(found: Found, targets: readonly string[]): unknown {
  if (targets.length === 0) return undefined;
  if (targets.length === 1 && targets[0] === 'root') return 'organization';
  const units = targets.flatMap((it) => (it.startsWith('ou/') ? [it.slice(3)] : []));
  if (units.length > 0)
    return units.length === targets.length ? { ou: units.length === 1 ? units[0] : units } : undefined;
  const accounts = found.accounts.filter(({ id }) => targets.includes(id));
  if (accounts.length !== targets.length || accounts.some(({ name }) => name === found.management)) return undefined;
  // The management account is never bound, so a selector may mean it or not.
  // Units are left out: a selector of nothing but units attaches to them, not to their accounts.
  const bound = found.accounts
    .filter(({ name }) => name !== found.management)
    .map(({ id, name, stage }) => ({ id, name, stage }));
  return selectorFor(bound, new Set(accounts.map(({ name }) => name)));
}

const sparedBy = ({ Condition }: Statement): readonly string[] =>
  [Condition?.['ArnNotLike']?.['aws:PrincipalArn'] ?? []].flat().map(String);

/** Those whom every deny spares. */
function sparedByAll(statements: readonly Statement[]): readonly string[] {
  const [first, ...others] = statements.filter(({ Effect }) => Effect === 'Deny').map(sparedBy);
  return (first ?? []).filter((arn) => others.every((arns) => arns.includes(arn)));
}

function withoutSpared(statement: Statement, arns: readonly string[]): Statement {
  const { Condition, Principal: _everybody, ...bare } = statement;
  if (statement.Effect !== 'Deny' || Condition === undefined) return Condition ? { ...bare, Condition } : bare;
  const { ArnNotLike = {}, ...others } = Condition;
  const { 'aws:PrincipalArn': _spared, ...keys } = ArnNotLike;
  const rest = sparedBy(statement).filter((arn) => !arns.includes(arn));
  const left = { ...keys, ...(rest.length === 0 ? {} : { 'aws:PrincipalArn': rest }) };
  const whole = { ...others, ...(Object.keys(left).length === 0 ? {} : { ArnNotLike: left }) };
  return Object.keys(whole).length === 0 ? bare : { ...bare, Condition: whole };
}

/** Where the description tells of a guard rail: they stand there in the order in which the entry used them. */
function toldAt({ description }: Policy, name: GuardrailName): number {
  const at = description.indexOf(broughtGuardrails[name].text);
  return at < 0 ? description.length : at;
}

class GuardrailReader {
  readonly #found: Found;
  readonly #scope: CompileScope;

  constructor(found: Found, definition: Definition, now: Millis) {
    const account = found.accounts.find(({ name }) => name === found.management) ?? found.accounts[0]!;
    const { name, partition } = found;
    this.#found = found;
    this.#scope = { definition, name, partition, account, findings: [], now, trusting: new Map() };
  }

  /** The guard rails of Stint whose statements are all there, and the statements that are of none of them. */
  #parted(type: string, statements: readonly Statement[]): { use: GuardrailName[]; rest: Statement[] } {
    const left = new Map(statements.map((it) => [one(it), it]));
    const use = guardrailNames.filter((name) => {
      const keys = broughtGuardrails[name].statements(this.#scope).map(one);
      if (broughtGuardrails[name].type !== type || !keys.every((key) => left.has(key))) return false;
      for (const key of keys) left.delete(key);
      return true;
    });
    return { use, rest: [...left.values()] };
  }

  #stintEntry(key: string, policy: Policy, base: Entry): Entry {
    const { name, partition } = this.#found;
    const statements = policy.document.Statement;
    const spared = sparedByAll(statements);
    const own = iamArn(partition, '*', 'role', organizationRole);
    const { executor } = this.#scope.definition;
    const entering = [own, ...(executor === undefined ? [] : [iamArn(partition, '*', 'role', executor)])];
    const bare = statements.map((it) => withoutSpared(it, spared));
    const { use, rest } = this.#parted(String(base['type']), bare);
    const exempt = spared.filter((arn) => !entering.includes(arn));
    const plain = use.length === 1 && use[0] === key && rest.length === 0;
    const used = use.toSorted((a, b) => toldAt(policy, a) - toldAt(policy, b));
    const texts = used
      .map((it) => broughtGuardrails[it].text)
      .join('; ')
      .slice(0, 512);
    return {
      ...base,
      ...(use.length === 0 || plain ? {} : { use: used }),
      ...(rest.length === 0
        ? {}
        : { statements: rest.map((it) => ownStatementEntry(it, endOf(base), this.#scope.now)) }),
      ...(spared.includes(own) ? {} : { executorExempt: asFound }),
      ...(exempt.length === 0 ? {} : { exempt }),
      ...(policy.description === '' || policy.description === texts ? {} : { description: policy.description }),
      ...(policy.name === `stint-${name}-${key}` ? {} : { name: policy.name }),
    };
  }

  #rawEntry(policy: Policy, base: Entry): Entry {
    return {
      ...base,
      name: policy.name,
      statements: policy.document.Statement.map(({ Principal: _everybody, ...it }) => statementEntry(it)),
      executorExempt: asFound,
      ...(policy.description === '' ? {} : { description: policy.description }),
    };
  }

  #compiles(key: string, policy: Policy, entry: Entry): boolean {
    const [made] = compileGuardrail(this.#scope, key, entry as unknown as Guardrail);
    return (
      made?.kind === 'organization-policy' &&
      made.name === policy.name &&
      made.description === policy.description &&
      made.targets.toSorted().join() === policy.targets.toSorted().join() &&
      canonicalDocument(made.document) === canonicalDocument(policy.document)
    );
  }

  /** The entry of a policy; undefined where no `on` means what it is attached to. */
  read(key: string, policy: Policy): Entry | undefined {
    const on = bindsOn(this.#found, policy.targets);
    if (on === undefined) return undefined;
    const tags = foreignTags(policy.tags);
    const base = {
      on,
      type: policy.type === 'SERVICE_CONTROL_POLICY' ? 'scp' : 'rcp',
      ...(Object.keys(tags).length === 0 ? {} : { tags }),
      ...markedMembers(this.#found, policy.tags),
    };
    const entry = this.#stintEntry(key, policy, base);
    return this.#compiles(key, policy, entry) ? entry : this.#rawEntry(policy, base);
  }
}

function leftFinding(found: Found, policy: Policy): Finding {
  const idle = policy.targets.length === 0;
  return {
    severity: idle ? 'info' : 'warning',
    code: 'not-taken-over',
    account: found.management,
    resource: `organization-policy/${policy.name}`,
    message: idle
      ? 'is attached to nothing, so it was not taken over'
      : `no guard rail binds just ${policy.targets.map((it) => `\`${it}\``).join(', ')}, so it was not taken over`,
    hint: idle ? undefined : 'attach it to units, or to accounts other than the management account, but not to both',
  };
}

/** Reads the guard rails of the organisation. `definition` holds all that they refer to. */
export function readGuardrails(found: Found, definition: Definition, now: Millis): Guardrails {
  const resources = found.accounts.find(({ name }) => name === found.management)?.resources ?? [];
  const policies = resources
    .filter((it): it is Policy => it.kind === 'organization-policy')
    .map((policy) => ({ policy, own: ownKey(found, policy.tags, 'guardrail') }))
    .toSorted((a, b) => Number(b.own !== undefined) - Number(a.own !== undefined));
  const reader = new GuardrailReader(found, definition, now);
  const entries: Record<string, Entry> = {};
  const keys = new Map<string, string>();
  const findings: Finding[] = [];
  const taken = new Set<string>();
  for (const { policy, own } of policies) {
    const key = freeKey(own ?? policy.name, found.management ?? 'organization', taken, isKey);
    const entry = reader.read(key, policy);
    if (entry === undefined) findings.push(leftFinding(found, policy));
    else {
      taken.add(key.toLowerCase());
      entries[key] = entry;
      keys.set(policy.name, key);
    }
  }
  return { entries, keys, findings };
}
