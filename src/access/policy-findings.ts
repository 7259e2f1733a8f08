// What the linter, the search for ways up and the lock-out guard say of a plan, as its findings.
import {
  newEscalations,
  validatePolicy,
  type Catalog,
  type EscalationPath,
  type Escalations,
  type LintKind,
  type PolicyFinding,
} from '../policy/index.ts';
import type { Locator } from './definition-place.ts';
import type { Finding } from './findings.ts';
import { markedCode } from './report-findings.ts';
import { lockOut, type LockOutOptions } from './lock-out.ts';
import type { Document, Resource, WantedAccount } from './resources.ts';

/** A document of a wanted resource, and as what it is read. */
export interface WantedDocument {
  readonly resource: Resource;
  readonly kind: LintKind;
  readonly document: Document;
  /** Of an inline policy. */
  readonly name?: string | undefined;
}

/** Whether a policy serves as boundary only: then it grants nothing, it leaves room. */
function onlyBounds(policy: Extract<Resource, { readonly kind: 'policy' }>, account: WantedAccount): boolean {
  const ending = `:policy${policy.path}${policy.name}`;
  const isAttached = account.resources.some(
    (it) => 'attached' in it && it.attached.some((arn) => arn.endsWith(ending)),
  );
  return !isAttached && account.resources.some((it) => 'boundary' in it && it.boundary?.endsWith(ending) === true);
}

/** The policy documents of a resource. */
export function documentsOf(resource: Resource, account: WantedAccount): readonly WantedDocument[] {
  const inline = (): WantedDocument[] =>
    'inline' in resource
      ? Object.entries(resource.inline).map(([name, document]) => ({ resource, kind: 'identity', document, name }))
      : [];
  switch (resource.kind) {
    case 'policy':
      return [{ resource, kind: onlyBounds(resource, account) ? 'boundary' : 'identity', document: resource.document }];
    case 'role':
      return [{ resource, kind: 'trust', document: resource.trust }, ...inline()];
    case 'organization-policy':
      return [
        { resource, kind: resource.type === 'SERVICE_CONTROL_POLICY' ? 'scp' : 'rcp', document: resource.document },
      ];
    default:
      return inline();
  }
}

// What the plan's own findings tell better: they know stages, quotas of what carries the policy, and who is in a group.
const toldElsewhere = new Set([
  'bare-account-trust',
  'mfa-deny-without-setup',
  'mfa-deny-without-password-change',
  'policy-size-exceeds-identity-policy-quota',
  'policy-size-exceeds-role-trust-policy-quota',
]);

const severities = { error: 'error', security: 'warning', warning: 'warning' } as const;

/** Judges documents; equal ones once. */
export class DocumentLinter {
  readonly #catalog: Catalog;
  readonly #partition: string;
  readonly #known = new Map<string, readonly PolicyFinding[]>();

  constructor(catalog: Catalog, partition: string) {
    this.#catalog = catalog;
    this.#partition = partition;
  }

  judge({ kind, document }: WantedDocument): readonly PolicyFinding[] {
    const text = JSON.stringify(document);
    const key = `${kind} ${text}`;
    const known = this.#known.get(key) ?? this.#lint(document, kind);
    this.#known.set(key, known);
    return known;
  }

  #lint(document: Document, kind: LintKind): readonly PolicyFinding[] {
    return validatePolicy(document, { kind, partition: this.#partition, catalog: this.#catalog }).filter(
      ({ code }) => !toldElsewhere.has(code),
    );
  }
}

const inAccounts = (names: readonly string[]): string =>
  names.length === 0 ? '' : `, also in ${names.length > 3 ? `${names.length} other accounts` : names.join(', ')}`;

/** What the linter says of all wanted documents, suggestions left out. What holds in several accounts is told once. */
export function lintFindings(
  accounts: readonly WantedAccount[],
  catalog: Catalog,
  partition: string,
  locator?: Locator,
): readonly Finding[] {
  const linter = new DocumentLinter(catalog, partition);
  const found = new Map<string, { readonly finding: Finding; readonly others: string[] }>();
  for (const account of accounts) {
    for (const wanted of account.resources.flatMap((it) => documentsOf(it, account))) {
      for (const { code, severity, message, cure, path } of linter.judge(wanted)) {
        if (severity === 'suggestion') continue;
        const resource = `${wanted.resource.kind}/${wanted.resource.name}`;
        const key = `${resource} ${wanted.kind} ${code} ${path} ${message}`;
        const same = found.get(key);
        if (same === undefined) {
          const place = wanted.kind === 'trust' ? `trust ${path}` : path;
          const text = `${message} (\`${place}\`)`;
          const at = locator?.document(account.name, wanted, path);
          const finding = {
            severity: severities[severity],
            code,
            account: account.name,
            resource,
            message: text,
            hint: cure,
            ...(at === undefined ? {} : { place: at }),
          };
          found.set(key, { finding, others: [] });
        } else if (same.finding.account !== account.name) same.others.push(account.name);
      }
    }
  }
  return [...found.values()].map(({ finding, others }) => ({
    ...finding,
    message: `${finding.message}${inAccounts(others)}`,
  }));
}

const words = {
  'any-permission': 'can give itself any permission',
  administrator: 'can become the administrator',
  'guard-rail': 'can take off what holds it back',
  principal: 'can become',
  data: 'can reach data',
} as const;

const nameOf = ({ kind, name }: { readonly kind: string; readonly name: string }): string => `${kind} ${name}`;
const accountOf = ({ account }: EscalationPath['from']): string => account.name ?? account.id;
const policyName = (policy: string | undefined): string => policy?.slice(policy.lastIndexOf('/') + 1) ?? 'a policy';

/** Step by step, by which statement; the same for what looks the same in several accounts. */
function stepsText({ steps }: EscalationPath): string {
  const told = steps.map(({ method, to, grants }) => {
    const by = grants.map(({ by: place }) =>
      place === undefined ? 'the policy of the resource' : `\`${policyName(place.policy)}\`[${place.statement}]`,
    );
    const given = method.given === undefined ? '' : `, given ${method.given}`;
    return `${method.title}${to === undefined ? '' : ` (${nameOf(to)})`} by ${[...new Set(by)].join(' and ')}${given}`;
  });
  return told.join(', then ');
}

const listed = (names: readonly string[]): string =>
  names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more accounts` : names.join(', ');

/** Who gains what, in which accounts, and how. */
function escalationText(way: EscalationPath, accounts: readonly string[]): string {
  const { to, gain, certain } = way;
  const end = to === undefined ? '' : ` ${gain === 'any-permission' ? 'as ' : ''}${nameOf(to)}`;
  return `${certain ? '' : 'perhaps '}${words[gain]}${end} in ${listed(accounts)}: ${stepsText(way)}`;
}

/** Whether a principal is an administrator by the definition's own word: `role/owner` and the like are `marked`. */
function isMarked({ kind, name, user }: EscalationPath['from'], marked: ReadonlySet<string>): boolean {
  if (marked.has(`${kind}/${name}`)) return true;
  return user?.groups.some((group) => marked.has(`group/${group}`)) === true;
}

/** Whether a way up begins at somebody who is marked, or at one whom he becomes by what his trust is for. */
function isByDefinition({ steps }: EscalationPath, marked: ReadonlySet<string>): boolean {
  const at = steps.findIndex(({ from }) => isMarked(from, marked));
  return at >= 0 && steps.slice(0, at).every(({ method }) => method.id === 'assume');
}

/** Those who are administrators by definition and were not before, told once and not as ways up. */
function markedFindings({ before, after, marked }: PlanScope): Finding[] {
  if (marked === undefined || marked.size === 0) return [];
  const known = ({ directory }: Escalations): Map<string, string[]> => {
    const found = new Map<string, string[]>();
    for (const { id, name = id, users, groups, roles } of directory.details.accounts) {
      const titles = [
        ...users.map((it) => `user/${it.name}`),
        ...groups.map((it) => `group/${it.name}`),
        ...roles.map((it) => `role/${it.name}`),
      ];
      for (const title of titles) if (marked.has(title)) found.set(title, [...(found.get(title) ?? []), name]);
    }
    return found;
  };
  const [old, fresh] = [known(before), known(after)];
  return [...fresh].flatMap(([resource, accounts]) =>
    accounts
      .filter((account) => old.get(resource)?.includes(account) !== true)
      .map((account): Finding => ({
        severity: 'info',
        code: markedCode,
        account,
        resource,
        message: 'is an administrator by definition (`marked`), so what it can do is no way up',
      })),
  );
}

/**
 * Ways up as findings: sure ones to any rights are warnings, the others worth knowing. Ways that look the same in
 * several accounts are one finding.
 */
export function escalationFindings(ways: readonly EscalationPath[]): readonly Finding[] {
  // What data somebody reaches is told by the access diff, by action and resource.
  const told = ways.filter(({ gain }) => gain !== 'data');
  const alike = new Map<string, { readonly way: EscalationPath; readonly accounts: Set<string> }>();
  for (const way of told) {
    const key = JSON.stringify([nameOf(way.from), way.to && nameOf(way.to), way.gain, way.certain, stepsText(way)]);
    const same = alike.get(key) ?? { way, accounts: new Set<string>() };
    alike.set(key, same);
    same.accounts.add(accountOf(way.to ?? way.from));
  }
  return [...alike.values()].map(({ way, accounts }) => {
    const grave = way.certain && (way.gain === 'any-permission' || way.gain === 'administrator');
    return {
      severity: grave ? 'warning' : 'info',
      code: 'escalation',
      account: accountOf(way.from),
      resource: `${way.from.kind}/${way.from.name}`,
      message: escalationText(way, [...accounts]),
      hint: 'narrow one of these statements to the resources that are meant, or bound the role with a permissions boundary',
    };
  });
}

export interface PlanScope {
  readonly before: Escalations;
  readonly after: Escalations;
  /** ARN of whoever applies. */
  readonly caller: string;
  readonly options: LockOutOptions;
  /** What the definition marks as administrators, as `role/owner`. */
  readonly marked?: ReadonlySet<string> | undefined;
  /** A lock-out blocks; when things are taken down on purpose it is only told. */
  readonly blocks: boolean;
}

/** New ways up, and the lock-out verdict. */
export function changeFindings(scope: PlanScope): readonly Finding[] {
  const { before, after, caller, options, blocks, marked = new Set() } = scope;
  const nameOfAccount = new Map(after.directory.details.accounts.map(({ id, name }) => [id, name ?? id]));
  const verdict = lockOut(before, after, caller, options);
  return [
    ...verdict.reasons.map(({ code, account, resource, message, hint }): Finding => ({
      severity: blocks ? 'error' : 'warning',
      code,
      account: nameOfAccount.get(account) ?? account,
      ...(resource === undefined ? {} : { resource }),
      message,
      hint,
    })),
    ...markedFindings(scope),
    ...escalationFindings(newEscalations(before, after).filter((way) => !isByDefinition(way, marked))),
  ];
}
