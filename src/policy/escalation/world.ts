// What the search for ways up asks of the details, found out once: who allows which actions at all, who is trusted by
// which role, which services a role serves.
import type { GroupDetails, NamedDocument, PolicyJson } from '../access/details.ts';
import type { Directory } from '../access/directory.ts';
import { groupsOf, type Subject } from '../access/subjects.ts';
import type { CompiledPolicy, CompiledStatement } from '../document.ts';
import { accountOf } from '../principals.ts';
import { methodActions } from './methods.ts';

type JsonStatement = Readonly<Record<string, unknown>>;

const texts = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).filter((it) => typeof it === 'string');

export function statementsOf(document: PolicyJson): readonly JsonStatement[] {
  return [document.Statement].flat() as readonly JsonStatement[];
}

interface Trusted {
  /** Names of `AWS` principals that are no accounts. */
  readonly arns: readonly string[];
  readonly accounts: readonly string[];
  readonly everyone: boolean;
  readonly services: readonly string[];
}

function trustedBy(document: PolicyJson): Trusted {
  const allows = statementsOf(document).filter(({ Effect }) => Effect === 'Allow');
  const named = (type: string): readonly string[] =>
    allows.flatMap(({ Principal }) =>
      typeof Principal === 'object' && Principal !== null
        ? texts((Principal as JsonStatement)[type])
        : texts(Principal),
    );
  const aws = named('AWS');
  return {
    arns: aws.filter((it) => it !== '*' && accountOf(it) === undefined),
    accounts: aws.map(accountOf).filter((it) => it !== undefined),
    everyone: aws.includes('*'),
    services: named('Service'),
  };
}

const noContext = new Map<string, string>();

/** Answers that many questions share. Made for one directory, and as good as long as that is. */
export class EscalationWorld {
  readonly directory: Directory;
  readonly #trust = new Map<string, Trusted>();
  readonly #namedBy = new Map<string, Subject[]>();
  readonly #openTo = new Map<string, Set<string>>();
  readonly #openToAll = new Set<string>();
  readonly #actions = new Map<CompiledPolicy, ReadonlySet<string>>();
  readonly #assumable = new Map<CompiledPolicy, readonly Subject[]>();

  constructor(directory: Directory) {
    this.directory = directory;
    const byDocument = new Map<PolicyJson, Trusted>();
    for (const subject of directory.subjects) {
      if (subject.role === undefined) continue;
      const { trust } = subject.role;
      const trusted = byDocument.get(trust) ?? trustedBy(trust);
      byDocument.set(trust, trusted);
      this.#trust.set(subject.arn, trusted);
      for (const arn of trusted.arns) push(this.#namedBy, arn, subject);
      for (const account of trusted.accounts) {
        const open = this.#openTo.get(account) ?? new Set();
        this.#openTo.set(account, open.add(subject.arn));
      }
      if (trusted.everyone) this.#openToAll.add(subject.arn);
    }
  }

  /** The services that may assume a role, as its trust names them. */
  servicesOf(role: Subject): readonly string[] {
    return this.#trust.get(role.arn)?.services ?? [];
  }

  /** Whether any of the principal's own policies allows the action on anything. */
  mayAnywhere(subject: Subject, action: string): boolean {
    return subject.policies().source.identity.some(({ policy }) => this.#actionsOf(policy).has(action));
  }

  /** The Allow statements of the principal's own policies that cover an action. */
  allowsOf(subject: Subject, action: string): readonly CompiledStatement[] {
    return subject
      .policies()
      .source.identity.flatMap(({ policy }) => policy.statementsFor(action).filter((statement) => statement.allows));
  }

  /** Roles, over all accounts, that the principal may perhaps assume: trusted by name, or by account and its own policies. */
  assumableBy(subject: Subject): readonly Subject[] {
    const named = [subject.arn, ...(subject.user?.id === undefined ? [] : [subject.user.id])];
    const direct = named.flatMap((arn) => this.#namedBy.get(arn) ?? []);
    const open = this.#openTo.get(subject.account.id);
    const own = subject
      .policies()
      .source.identity.flatMap(({ policy }) => this.#assumableUnder(policy))
      .filter(({ arn }) => open?.has(arn) === true || this.#openToAll.has(arn));
    return [...new Set([...direct, ...own])].filter((role) => role !== subject);
  }

  #actionsOf(policy: CompiledPolicy): ReadonlySet<string> {
    const known = this.#actions.get(policy);
    if (known !== undefined) return known;
    const found = new Set(
      methodActions.filter((action) => policy.statementsFor(action).some((statement) => statement.allows)),
    );
    this.#actions.set(policy, found);
    return found;
  }

  /** Roles whose ARN a policy lets assume; a policy of thousands of names costs no more than its names. */
  #assumableUnder(policy: CompiledPolicy): readonly Subject[] {
    const known = this.#assumable.get(policy);
    if (known !== undefined) return known;
    const found = new Set<Subject>();
    for (const statement of policy.statementsFor('sts:AssumeRole')) {
      if (!statement.allows) continue;
      const { resource } = statement.source;
      const isPlain = resource !== undefined && !resource.not && !resource.values.some((text) => /[*?$]/.test(text));
      const roles = isPlain
        ? resource.values.map((arn) => this.directory.byArn(arn)).filter((role) => role !== undefined)
        : this.directory.subjects.filter(({ kind, arn }) => kind === 'role' && mayCover(statement, arn));
      for (const role of roles) found.add(role);
    }
    const list = [...found];
    this.#assumable.set(policy, list);
    return list;
  }
}

/** A statement with variables in its resources may cover anything: the decision itself will tell. */
function mayCover(statement: CompiledStatement, arn: string): boolean {
  const variable = statement.source.resource?.values.some((text) => text.includes('${')) === true;
  return variable || statement.coversResource(arn, noContext);
}

function push<Value>(table: Map<string, Value[]>, key: string, value: Value): void {
  const list = table.get(key);
  if (list === undefined) table.set(key, [value]);
  else list.push(value);
}

/** Groups of a user. */
export function ownGroups(subject: Subject): readonly GroupDetails[] {
  return subject.user === undefined ? [] : groupsOf(subject.account, subject.user);
}

/** The policies that somebody carries, those of groups included. */
export function carriedBy(subject: Subject): readonly NamedDocument[] {
  const own = subject.user?.policies ?? subject.role?.policies;
  if (own === undefined) {
    return subject.account.groups.find(({ arn }) => arn === subject.arn)?.policies ?? [];
  }
  return [...own, ...ownGroups(subject).flatMap((group) => group.policies)];
}

/** ARNs of the customer policies that somebody carries. */
export function customerPolicies(subject: Subject): readonly string[] {
  const arns = carriedBy(subject).map(({ arn }) => arn);
  return [...new Set(arns.filter((arn) => arn !== undefined && /:iam::\d{12}:policy\//.test(arn)))] as string[];
}

/** The boundary of a user or role. */
export function boundaryOf(subject: Subject): NamedDocument | undefined {
  return subject.user?.boundary ?? subject.role?.boundary;
}
