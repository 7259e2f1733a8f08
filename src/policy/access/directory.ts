// The details made ready for questions: everybody in it, their policies, and the policies of resources.
import { nearestName } from '../../base/index.ts';
import { contextOf, type ContextValue } from '../context.ts';
import { policyFailure } from '../failures.ts';
import type { AttachedPolicy, ResourcePolicies, ResourceSide } from '../types.ts';
import { answerOf, type Answer } from './answer.ts';
import type {
  AccountDetails,
  AuthorizationDetails,
  NamedDocument,
  ResourcePolicyDetails,
  RoleDetails,
} from './details.ts';
import { canBeLeftOut, isUnknown, type PartialContext } from './hedge.ts';
import { canBeGranted, crossAccountKeyActions, isRetiring } from './key-actions.ts';
import { Layers } from './layers.ts';
import { rcpServices } from './rcp-services.ts';
import { Shelf } from './shelf.ts';
import { groupSubject, inNamedSession, organizationKeys, roleSubject, userSubject, type Subject } from './subjects.ts';

/** What is asked of a principal. */
export interface Question {
  /** `service:Operation`. */
  readonly action: string;
  /** An ARN, or `*` for actions that name no resource. */
  readonly resource: string;
  /** Account that owns the resource, where its ARN does not tell (S3). Default: that of the principal. */
  readonly resourceAccount?: string | undefined;
  /** Keys of the request that are known. They win over what is known of the principal. */
  readonly context?: Readonly<Record<string, ContextValue>> | undefined;
  /** Keys that the request has not; one that ends in `/` stands for all that begin so: `aws:ResourceTag/`. */
  readonly absent?: readonly string[] | undefined;
}

const assumeActions = new Set([
  'sts:assumerole',
  'sts:assumerolewithsaml',
  'sts:assumerolewithwebidentity',
  'sts:tagsession',
  'sts:setsourceidentity',
]);

const isPattern = (arn: string): boolean => /[*?]/.test(arn);

/** Calls on an alias need the key's word for the key; for the alias itself the caller's policies are enough. */
const isAliasAction = (action: string): boolean => /^kms:(?:create|update|delete)alias$/i.test(action);

const noKeys: ReadonlyMap<string, string> = new Map();

/** Keys that only requests to one service have. */
function serviceKeys({ account }: Subject, { action }: Question): ReadonlyMap<string, string> {
  return /^kms:/i.test(action) ? new Map([['kms:calleraccount', account.id]]) : noKeys;
}

interface GivenPolicy {
  readonly owner: AccountDetails;
  readonly given: ResourcePolicyDetails;
}

interface OwnedPolicy {
  /** `undefined`: the resource has none. */
  readonly policy?: ResourcePolicies | undefined;
  readonly account?: string | undefined;
}

/** Account of an ARN; `undefined` where it names none. */
export function accountOfArn(arn: string): string | undefined {
  const account = arn.split(':', 5)[4];
  return account === undefined || !/^\d{12}$/.test(account) ? undefined : account;
}

export class Directory {
  readonly details: AuthorizationDetails;
  readonly subjects: readonly Subject[];
  readonly shelf: Shelf;
  readonly #accounts: ReadonlyMap<string, AccountDetails>;
  readonly #byAccount: ReadonlyMap<string, Record<Subject['kind'], Subject[]>>;
  readonly #byArn: ReadonlyMap<string, Subject>;
  /** Of the last question: the same resource is asked about for one principal after the other. */
  #target: { readonly key: string; readonly context: PartialContext } | undefined;
  readonly #resourcePolicies: ReadonlyMap<string, GivenPolicy>;

  /** `shelf`: policies that are read already, of another state of the same accounts. */
  constructor(details: AuthorizationDetails, shelf = new Shelf()) {
    this.details = details;
    this.shelf = shelf;
    this.#accounts = new Map(details.accounts.map((account) => [account.id, account]));
    this.#byAccount = new Map(
      details.accounts.map((account) => {
        const scope = { shelf, account, organization: details.organization };
        const user = account.users.map((it) => userSubject(scope, it));
        const group = account.groups.map((it) => groupSubject(scope, it));
        const role = account.roles.map((it) => roleSubject(scope, it));
        return [account.id, { user, group, role }];
      }),
    );
    this.subjects = [...this.#byAccount.values()].flatMap(({ user, group, role }) => [...user, ...group, ...role]);
    this.#byArn = new Map(this.subjects.map((subject) => [subject.arn, subject]));
    this.#resourcePolicies = new Map(
      details.accounts.flatMap((owner) =>
        (owner.resourcePolicies ?? []).map((given) => [given.arn, { owner, given }] as const),
      ),
    );
  }

  account(id: string): AccountDetails | undefined {
    return this.#accounts.get(id);
  }

  /** Users, groups or roles of an account. */
  subjectsIn(account: string, kind: Subject['kind']): readonly Subject[] {
    return this.#byAccount.get(account)?.[kind] ?? [];
  }

  /** Another state of the accounts: what both hold is read once. */
  changedTo(details: AuthorizationDetails): Directory {
    return new Directory(details, this.shelf);
  }

  byArn(arn: string): Subject | undefined {
    return this.#byArn.get(arn);
  }

  roleByArn(arn: string): RoleDetails | undefined {
    return this.#byArn.get(arn)?.role;
  }

  /**
   * A principal as people name it: an ARN, also of a session; `account/name` or `account/role/name`; or a name that only
   * one principal has.
   * @throws Failure `principal-unknown`, `principal-ambiguous`.
   */
  find(text: string): Subject {
    const session = /^arn:([^:]+):sts::(\d{12}):assumed-role\/([^/]+)\/(.+)$/.exec(text);
    const found = this.subjects.filter((subject) =>
      session === null
        ? subject.arn === text || spellings(subject).includes(text)
        : subject.role?.name === session[3] && subject.account.id === session[2],
    );
    const exact = found.filter((subject) => subject.arn === text);
    const [only, ...more] = exact.length > 0 ? exact : found;
    if (only !== undefined && more.length === 0) return session === null ? only : inNamedSession(only, session[4]!);
    if (only !== undefined) throw ambiguous(text, [only, ...more]);
    const near = nearestName(text, [
      ...new Set(this.subjects.flatMap((subject) => [...spellings(subject), subject.arn])),
    ]);
    throw policyFailure('principal-unknown', `there is no user, group or role \`${text}\``, {
      hint: near === undefined ? 'give its ARN, or `account/name`' : `did you mean \`${near}\`?`,
    });
  }

  /** Could the principal be allowed? What is not in the details and not in the question counts as unknown. */
  ask(subject: Subject, question: Question): Answer {
    return answerOf({
      principal: subject.principal,
      policies: subject.policies(),
      action: question.action,
      resource: this.#resourceSide(subject, question),
      context: this.contextOf(subject, question),
    });
  }

  /** What is known of the context of a request. */
  contextOf(subject: Subject, question: Question): PartialContext {
    const target = this.#targetKeys(question);
    const given = contextOf(question.context ?? {});
    const isAbsent = (key: string): boolean => subject.isAbsent(key) || target.isAbsent(key);
    const layers = new Layers([given, target.known, serviceKeys(subject, question), subject.known]);
    if (question.absent === undefined) return { known: layers, isAbsent };
    const absent = question.absent.map((key) => key.toLowerCase());
    const isLeftOut = (key: string): boolean =>
      absent.some((it) => it === key || (it.endsWith('/') && key.startsWith(it)));
    const known = new Map([...layers].filter(([key]) => !isLeftOut(key)));
    return { known, isAbsent: (key) => isLeftOut(key) || isAbsent(key) };
  }

  /** Keys that the resource itself brings. */
  #targetKeys({ resource, resourceAccount }: Question): PartialContext {
    const key = `${resourceAccount ?? ''} ${resource}`;
    if (this.#target?.key === key) return this.#target.context;
    const context = this.#readTarget(resource, resourceAccount);
    this.#target = { key, context };
    return context;
  }

  #readTarget(resource: string, resourceAccount: string | undefined): PartialContext {
    const account = resourceAccount ?? accountOfArn(resource);
    const role = this.roleByArn(resource);
    const known = new Map<string, string>();
    if (account !== undefined) known.set('aws:resourceaccount', account);
    const owner = this.#accounts.get(account ?? '');
    if (owner !== undefined) {
      for (const [key, value] of organizationKeys('resource', owner, this.details.organization)) known.set(key, value);
    }
    if (account !== undefined && /^arn:[^:]+:s3:::/.test(resource)) known.set('s3:resourceaccount', account);
    for (const [key, value] of Object.entries(role?.tags ?? {})) {
      for (const prefix of ['aws', 'iam']) known.set(`${prefix}:resourcetag/${key.toLowerCase()}`, value);
    }
    return { known, isAbsent: (key) => role !== undefined && /^(?:aws|iam):resourcetag\//.test(key) };
  }

  #resourceSide(subject: Subject, question: Question): ResourceSide {
    const { resource } = question;
    const owned = this.#policyOf(subject, question);
    const account = question.resourceAccount ?? owned?.account ?? accountOfArn(resource);
    const service = question.action.split(':', 1)[0]!.toLowerCase();
    const held = this.#accounts.get(account ?? subject.account.id);
    const rcps = rcpServices.has(service) && !isRetiring(question.action) ? (held?.rcps ?? []) : [];
    return {
      arn: resource,
      account,
      policy: owned?.policy,
      rcps: rcps.map((level) => level.map((policy) => this.shelf.attached(policy, 'rcp'))),
    };
  }

  /** The policy of the resource that counts, and the account that the resource is of. */
  #policyOf(subject: Subject, { action, resource, resourceAccount }: Question): OwnedPolicy | undefined {
    const account = resourceAccount ?? accountOfArn(resource);
    if (assumeActions.has(action.toLowerCase()) && /:role\//.test(resource)) {
      const role = this.roleByArn(resource);
      if (role !== undefined) return { policy: this.trustOf(role), account };
      // Of a pattern of roles no trust is meant; the caller's own side is all that can be asked.
      if (isPattern(resource)) return undefined;
      return { policy: { kind: 'trust', attached: this.#unknown(`trust policy of ${resource}`, 'trust') }, account };
    }
    const isKey = /^arn:[^:]+:kms:[^:]*:[^:]*:(?:key|alias)\//.test(resource) && !isAliasAction(action);
    const kind = isKey ? 'key' : 'resource';
    const known = this.#given(resource);
    const owner = known?.owner.id ?? account;
    const foreign = owner !== undefined && owner !== subject.account.id;
    if (isKey && foreign && !crossAccountKeyActions.has(action.toLowerCase())) return { account: owner };
    if (known !== undefined) {
      return { policy: this.#givenPolicy(known, kind, { action, resource }, foreign), account: owner };
    }
    if ((!foreign && !isKey) || isPattern(resource)) return undefined;
    return { policy: { kind, attached: this.#unknown(`policy of ${resource}`, 'resource') }, account };
  }

  #given(resource: string): GivenPolicy | undefined {
    return this.#resourcePolicies.get(resource) ?? this.#resourcePolicies.get(policyCarrier(resource));
  }

  #givenPolicy(
    { owner, given }: GivenPolicy,
    kind: 'key' | 'resource',
    { action, resource }: Question,
    foreign: boolean,
  ): ResourcePolicies | undefined {
    const attached = this.#carried(given, resource, foreign);
    const { grants } = given;
    if (attached === undefined || grants === undefined || !canBeGranted(action)) return attached && { kind, attached };
    return {
      kind,
      attached: isRetiring(action) ? this.shelf.attached(retiredBy(owner), 'resource', resource) : attached,
      grants: grants.map((grant) => this.shelf.attached(grant, 'resource', resource)),
    };
  }

  #carried(given: ResourcePolicyDetails, resource: string, foreign: boolean): AttachedPolicy | undefined {
    if (given.state === 'unread') return this.#unknown(`policy of ${given.arn}`, 'resource');
    if (given.document === undefined || (foreign && given.ownOnly === true)) return undefined;
    return this.shelf.attached({ name: given.arn, document: given.document }, 'resource', resource);
  }

  /**
   * Whether the policy of what is asked about counts in the answers: it is known, it was looked for and there is none,
   * nobody gave it although there may be one, or things of its kind have none.
   */
  resourcePolicy({ action, resource }: Question): 'counted' | 'absent' | 'unread' | 'none' {
    if (assumeActions.has(action.toLowerCase())) return this.roleByArn(resource) === undefined ? 'unread' : 'counted';
    const known = this.#given(resource);
    if (known !== undefined) return known.given.state ?? 'counted';
    const service = resource.split(':', 3)[2] ?? '';
    return resource !== '*' && resourcePolicyServices.has(service) ? 'unread' : 'none';
  }

  trustOf(role: RoleDetails): ResourcePolicies {
    const named = { name: `trust of ${role.name}`, document: role.trust };
    return { kind: 'trust', attached: this.shelf.attached(named, 'trust', role.arn) };
  }

  #unknown(name: string, kind: 'trust' | 'resource'): AttachedPolicy {
    return this.shelf.attached({ name, unknown: true }, kind);
  }
}

/**
 * In place of the key's policy, in which kms:RetireGrant has no effect: the account that owns the key delegates it.
 * https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html
 */
function retiredBy({ id }: AccountDetails): NamedDocument {
  const Statement = { Effect: 'Allow', Principal: { AWS: id }, Action: 'kms:RetireGrant', Resource: '*' };
  return { name: `the account ${id} of the key`, document: { Version: '2012-10-17', Statement } };
}

/** Services whose resources can carry a policy. Source: IAM user guide, "AWS services that work with IAM". */
const resourcePolicyServices = new Set(
  (
    'acm-pca backup codeartifact codebuild dynamodb ecr elasticfilesystem es events execute-api ' +
    'glacier glue kinesis kms lambda lex logs mediastore s3 s3-object-lambda ' +
    's3-outposts s3express schemas secretsmanager sns sqs vpc-lattice'
  ).split(' '),
);

/** What carries the policy that a resource is under: the bucket of an object, the table of an index, else itself. */
export function policyCarrier(arn: string): string {
  return /^arn:[^:]+:(?:s3:::[^/]+|dynamodb:[^:]*:[^:]*:table\/[^/]+(?=\/index\/))/.exec(arn)?.[0] ?? arn;
}

function spellings({ name, kind, account }: Subject): string[] {
  const places = [account.id, ...(account.name === undefined ? [] : [account.name])];
  return [name, ...places.flatMap((place) => [`${place}/${name}`, `${place}/${kind}/${name}`])];
}

function ambiguous(text: string, found: readonly Subject[]): Error {
  const names = found.slice(0, 4).map(({ arn }) => `\`${arn}\``);
  return policyFailure(
    'principal-ambiguous',
    `\`${text}\` may be ${names.join(', ')}${found.length > 4 ? ` or ${found.length - 4} more` : ''}`,
    {
      hint: 'give the ARN, or `account/name`',
    },
  );
}

/** What an answer hangs on: condition keys, and policies of which nothing is known. */
export function dependsOn(
  directory: Directory,
  answer: Answer,
  context: PartialContext,
): { readonly keys: readonly string[]; readonly unknownPolicies: readonly string[] } {
  if (answer.answer !== 'depends') return { keys: [], unknownPolicies: [] };
  const refs = answer.needs.flatMap((need) => ('unless' in need ? [need.unless] : need.oneOf));
  const keys = refs.flatMap(({ attached, index }) => {
    const { source, allows } = attached.policy.statements[index]!;
    const { conditions, resource } = source;
    const inResource = (resource?.values ?? []).flatMap((text) =>
      Array.from(text.matchAll(/\$\{\s*([^\s*?$,}]+)/g), (it) => it[1]!),
    );
    const asked = conditions.filter((it) => !canBeLeftOut(it, allows)).map(({ key }) => key);
    return [...asked, ...inResource].filter((key) => isUnknown(context, key.toLowerCase()));
  });
  const unknown = refs.filter(({ attached }) => directory.shelf.isUnknown(attached.policy));
  return {
    keys: [...new Map(keys.map((key) => [key.toLowerCase(), key])).values()],
    unknownPolicies: [...new Set(unknown.map(({ attached }) => attached.arn ?? attached.name ?? 'a policy'))],
  };
}
