// Everybody who could be allowed to do something: those who may themselves, and those who can become one of them by
// assuming roles, however many on the way.
import type { ConditionSource } from '../conditions.ts';
import { contextOf } from '../context.ts';
import { compilePolicy } from '../document.ts';
import { preparePrincipal } from '../prepare.ts';
import type { PrincipalSource } from '../principals.ts';
import { accountOf } from '../principals.ts';
import type { Principal } from '../types.ts';
import { answerOf } from './answer.ts';
import { needTexts } from './condition-text.ts';
import { dependsOn, type Directory, type Question } from './directory.ts';
import type { RoleDetails } from './details.ts';
import { hedgePolicy } from './hedge.ts';
import type { Subject } from './subjects.ts';

export interface Actor {
  /** `outside`: somebody of an account that is not among those asked. */
  readonly kind: 'user' | 'role' | 'service' | 'federated' | 'outside';
  /** ARN, service or provider; `*` for anybody. */
  readonly id: string;
  /** Name or id of the account. */
  readonly account?: string | undefined;
}

export interface Way {
  readonly actor: Actor;
  /** ARNs of the roles to assume one after the other; the last one may. Empty: the actor itself may. */
  readonly through: readonly string[];
  readonly answer: 'allowed' | 'depends';
  /** What has to be so, in words; of every step. */
  readonly needs: readonly string[];
  /** Condition keys whose values would tell; of every step. */
  readonly keys: readonly string[];
  /** Policies of which nothing is known and that have to allow it. */
  readonly unknownPolicies: readonly string[];
}

interface Step {
  readonly role: RoleDetails;
  readonly arn: string;
  readonly through: readonly string[];
  readonly needs: Needs;
}

// What is told of the request is true of the way to it as far as it tells of time and place.
const ofTheWay = new Set(['aws:currenttime', 'aws:epochtime', 'aws:sourceip']);

function assume(role: string, { context = {} }: Question): Question {
  const kept = Object.entries(context).filter(([key]) => ofTheWay.has(key.toLowerCase()));
  return { action: 'sts:AssumeRole', resource: role, context: Object.fromEntries(kept) };
}

const actorOf = ({ kind, arn, account }: Subject): Actor => ({
  kind: kind === 'role' ? 'role' : 'user',
  id: arn,
  account: account.name ?? account.id,
});

/** What has to be so, and on which keys and on the word of which unknown policies that hangs. */
interface Needs {
  readonly texts: readonly string[];
  readonly keys: readonly string[];
  readonly unknown: readonly string[];
}

const both = (a: readonly string[], b: readonly string[]): readonly string[] => [...new Set([...a, ...b])];

/**
 * The ways of all who could do it, each actor by a shortest way. Ways that hang on a policy of which nothing is known
 * come last, and only for those who have no other.
 */
export function whoCan(directory: Directory, question: Question): readonly Way[] {
  const search = new Search(directory, question);
  search.run(false);
  if (search.sawUnknown) search.run(true);
  return search.ways();
}

class Search {
  readonly #directory: Directory;
  readonly #question: Question;
  readonly #index: TrustIndex;
  readonly #ways = new Map<string, Way>();
  readonly #reached = new Map<string, Step>();
  #direct: readonly (readonly [Subject, Needs])[] | undefined;
  sawUnknown = false;

  constructor(directory: Directory, question: Question) {
    this.#directory = directory;
    this.#question = question;
    this.#index = new TrustIndex(directory, question);
  }

  ways(): readonly Way[] {
    return [...this.#ways.values()];
  }

  /** `takeUnknown`: ways that hang on unknown policies count too, for who has no way yet. */
  run(takeUnknown: boolean): void {
    const skips = ({ unknown }: Needs): boolean => {
      if (unknown.length > 0) this.sawUnknown = true;
      return unknown.length > 0 && !takeUnknown;
    };
    for (const [subject, needs] of this.#directly()) {
      if (!skips(needs)) this.#add(actorOf(subject), subject.role, [], needs);
    }
    let frontier = [...this.#reached.values()];
    while (frontier.length > 0) {
      const before = this.#reached.size;
      for (const step of frontier) {
        for (const { actor, subject, needs } of this.#index.becoming(step, (id) => this.#ways.has(id))) {
          if (!skips(needs)) this.#add(actor, subject?.role, step.through, needs, step.needs);
        }
      }
      frontier = [...this.#reached.values()].slice(before);
    }
  }

  #directly(): readonly (readonly [Subject, Needs])[] {
    this.#direct ??= this.#directory.subjects.flatMap((subject) => {
      const needs = subject.kind === 'group' ? undefined : needsOf(this.#directory, subject, this.#question);
      return needs === undefined ? [] : [[subject, needs] as const];
    });
    return this.#direct;
  }

  #add(
    actor: Actor,
    role: RoleDetails | undefined,
    through: readonly string[],
    own: Needs,
    further: Needs = { texts: [], keys: [], unknown: [] },
  ): void {
    if (this.#ways.has(actor.id)) return;
    const needs: Needs = {
      texts: both(own.texts, further.texts),
      keys: both(own.keys, further.keys),
      unknown: both(own.unknown, further.unknown),
    };
    const { texts, keys, unknown } = needs;
    const answer = texts.length === 0 ? 'allowed' : 'depends';
    this.#ways.set(actor.id, { actor, through, answer, needs: texts, keys, unknownPolicies: unknown });
    if (role !== undefined)
      this.#reached.set(role.arn, { role, arn: role.arn, through: [role.arn, ...through], needs });
  }
}

/** `undefined`: denied. */
function needsOf(directory: Directory, subject: Subject, question: Question): Needs | undefined {
  const answer = directory.ask(subject, question);
  if (answer.answer === 'denied') return undefined;
  if (answer.answer === 'allowed') return { texts: [], keys: [], unknown: [] };
  const context = directory.contextOf(subject, question);
  const { keys, unknownPolicies } = dependsOn(directory, answer, context);
  return { texts: needTexts(answer.needs, context), keys, unknown: unknownPolicies };
}

interface Becoming {
  readonly actor: Actor;
  readonly subject?: Subject;
  readonly needs: Needs;
}

/** Who may become a role: looked up by whom its trust names, so that not everybody is asked about every role. */
class TrustIndex {
  readonly #directory: Directory;
  readonly #question: Question;
  readonly #byAccount = new Map<string, Subject[]>();
  readonly #byId = new Map<string, Subject>();

  constructor(directory: Directory, question: Question) {
    this.#directory = directory;
    this.#question = question;
    for (const subject of directory.subjects) {
      if (subject.kind === 'group') continue;
      const id = (subject.user ?? subject.role)?.id;
      if (id !== undefined) this.#byId.set(id, subject);
      // An account is trusted for those whom its own policies let assume roles.
      if (subject.policies().candidatesFor('sts:AssumeRole').identity.allows.length === 0) continue;
      this.#byAccount.set(subject.account.id, [...(this.#byAccount.get(subject.account.id) ?? []), subject]);
    }
  }

  /** `isKnown`: of whom a way is known already; they are not asked again. */
  becoming({ role, arn }: Step, isKnown: (id: string) => boolean): readonly Becoming[] {
    const { policy } = this.#directory.trustOf(role).attached;
    const found: Becoming[] = [];
    const asked = new Set<string>();
    const ask = (subject: Subject): void => {
      if (asked.has(subject.arn) || isKnown(subject.arn)) return;
      asked.add(subject.arn);
      const needs = needsOf(this.#directory, subject, assume(arn, this.#question));
      if (needs !== undefined) found.push({ actor: actorOf(subject), subject, needs });
    };
    for (const statement of policy.statements) {
      const { allows, principal } = statement;
      if (!allows || principal === undefined || principal.not) continue;
      const { source } = principal.matcher;
      const names = fenceOf(statement.source.conditions) ?? source.AWS;
      for (const subject of names.flatMap((name) => this.#named(name))) ask(subject);
      found.push(...this.#outsiders(role, arn, source));
    }
    return found;
  }

  #named(name: string): readonly Subject[] {
    if (name === '*') return [...this.#byAccount.values()].flat();
    const account = accountOf(name);
    if (account !== undefined) return this.#byAccount.get(account) ?? [];
    const one = this.#directory.byArn(name) ?? this.#byId.get(name);
    return one === undefined ? [] : [one];
  }

  /** Services, identity providers and accounts that are not among those asked. */
  #outsiders(role: RoleDetails, arn: string, source: PrincipalSource): readonly Becoming[] {
    const outside = source.AWS.filter((name) => {
      const account = accountOf(name) ?? /^arn:[^:]+:(?:iam|sts)::(\d{12}):/.exec(name)?.[1];
      return name === '*' || (account !== undefined && this.#directory.account(account) === undefined);
    });
    const asked: readonly (readonly [Actor, Principal, string])[] = [
      ...source.Service.map(
        (service) => [{ kind: 'service', id: service }, { type: 'Service', service }, 'sts:AssumeRole'] as const,
      ),
      ...source.Federated.map(
        (provider) =>
          [{ kind: 'federated', id: provider }, { type: 'Federated', provider }, federatedAction(provider)] as const,
      ),
      ...outside.map(
        (name) => [{ kind: 'outside', id: name, account: accountOf(name) }, outsider(name), 'sts:AssumeRole'] as const,
      ),
    ];
    return asked.flatMap(([actor, principal, action]): Becoming[] => {
      const { context: told } = assume(arn, this.#question);
      const context = { known: contextOf(told ?? {}), isAbsent: () => false };
      const answer = answerOf({
        principal,
        policies: unlimited,
        action,
        resource: { arn, account: arn.split(':')[4], policy: this.#directory.trustOf(role), rcps: [] },
        context,
      });
      if (answer.answer === 'denied') return [];
      const texts = answer.answer === 'allowed' ? [] : needTexts(answer.needs, context);
      const { keys } = dependsOn(this.#directory, answer, context);
      return [{ actor, needs: { texts, keys, unknown: [] } }];
    });
  }
}

/** The ARNs to which conditions on `aws:PrincipalArn` hold a trust, where they spell all of them out. */
function fenceOf(conditions: readonly ConditionSource[]): readonly string[] | undefined {
  return conditions.find(
    ({ operator, key, values }) =>
      /^(?:Arn|String)(?:Equals|Like)$/.test(operator) &&
      key.toLowerCase() === 'aws:principalarn' &&
      values.every((value) => !/[*?$]/.test(value)),
  )?.values;
}

function federatedAction(provider: string): string {
  return provider.includes(':saml-provider/') ? 'sts:AssumeRoleWithSAML' : 'sts:AssumeRoleWithWebIdentity';
}

// Of a foreign account nothing is known but that it can allow its own people anything.
const everything = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}';
const unlimited = preparePrincipal({
  identity: [{ policy: hedgePolicy(compilePolicy(everything, 'identity')) }],
  scps: [],
});

function outsider(name: string): Principal {
  const account = accountOf(name) ?? /^arn:[^:]+:(?:iam|sts)::(\d{12}):/.exec(name)?.[1] ?? '000000000000';
  const isWhole = accountOf(name) !== undefined || name === '*';
  // A user or role named by ARN is the one that counts; root stands for whomever a whole account lets in.
  return isWhole
    ? { type: 'Root', account, arn: `arn:aws:iam::${account}:root` }
    : { type: 'User', account, arn: name, userId: '', userName: '' };
}
