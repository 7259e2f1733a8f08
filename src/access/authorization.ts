// Accounts as questions about access want them: as they are, and as AWS will hold them once a plan is carried out,
// other people's things included.
import type { Partition } from '../aws/index.ts';
import type { AccountDetails, AuthorizationDetails, NamedDocument, PolicyJson } from '../policy/index.ts';
import type { Wanted } from './compile.ts';
import { withoutOthers } from './ownership.ts';
import type { Change } from './plan.ts';
import {
  resourceArn,
  resourceKey,
  type AccountRef,
  type Document,
  type Resource,
  type SeenAccount,
  type SeenResource,
} from './resources.ts';

export interface AuthorizationScope {
  readonly partition: Partition;
  readonly organization?: string | undefined;
  /** Documents of AWS managed policies by ARN. A policy that is neither here nor in its account is unknown. */
  readonly managed: ReadonlyMap<string, PolicyJson>;
  /** Path of the unit (`Workloads/Prod`) by account id, where known; SCPs of units count for their accounts only then. */
  readonly units?: ReadonlyMap<string, string> | undefined;
  /** By account id, the levels of guard rails that are not the definition's, where they were read. */
  readonly guardrails?: ReadonlyMap<string, OtherLevels> | undefined;
}

interface OtherLevels {
  readonly scps: readonly (readonly NamedDocument[])[];
  readonly rcps: readonly (readonly NamedDocument[])[];
}

/** Units of accounts, as a definition tells them. */
export function unitsOf(
  accounts: readonly { readonly id: string; readonly ou?: string | undefined }[],
): ReadonlyMap<string, string> {
  return new Map(accounts.flatMap(({ id, ou }) => (ou === undefined ? [] : [[id, ou] as const])));
}

interface Held extends AccountRef {
  readonly resources: readonly (Resource | SeenResource)[];
}

type Of<Kind extends Resource['kind']> = Extract<Resource, { readonly kind: Kind }>;

function ofKind<Kind extends Resource['kind']>(held: Held, kind: Kind): Of<Kind>[] {
  return held.resources.filter((it): it is Of<Kind> => it.kind === kind);
}

/** ARNs of AWS managed policies that something carries or is bounded by: those to fetch for `managed`. */
export function managedArns(accounts: readonly { readonly resources: readonly Resource[] }[]): ReadonlySet<string> {
  const carried = accounts.flatMap(({ resources }) =>
    resources.flatMap((it) => ('attached' in it ? [...it.attached, 'boundary' in it ? (it.boundary ?? '') : ''] : [])),
  );
  return new Set(carried.filter((arn) => arn.includes(':iam::aws:policy/')));
}

/** What AWS attaches to every level: an SCP that takes nothing away. */
export const everything: NamedDocument = {
  name: 'FullAWSAccess',
  document: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } },
};

/** Levels of an account: the root, its units, itself; those at which something is attached. */
function levelsOf(
  accounts: readonly Held[],
  account: Held,
  type: Of<'organization-policy'>['type'],
  unit: string | undefined,
): NamedDocument[][] {
  const policies = accounts
    .filter(({ id }) => id !== account.id)
    .flatMap((it) => ofKind(it, 'organization-policy'))
    .filter((it) => it.type === type);
  const parts = unit === undefined ? [] : unit.split('/');
  const units = parts.map((_, index) => `ou/${parts.slice(0, index + 1).join('/')}`);
  return (
    ['root', ...units, account.id]
      .map((target) =>
        policies.filter(({ targets }) => targets.includes(target)).map(({ name, document }) => ({ name, document })),
      )
      .filter((level) => level.length > 0)
      // What AWS attaches itself stays beside it: guard rails only take away.
      .map((level) => (type === 'SERVICE_CONTROL_POLICY' ? [everything, ...level] : [everyoneEverything, ...level]))
  );
}

/** Likewise, an RCP. */
export const everyoneEverything: NamedDocument = {
  name: 'RCPFullAWSAccess',
  document: { Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' } },
};

class AccountReader {
  readonly #scope: AuthorizationScope;
  readonly #held: Held;
  readonly #arns: ReadonlyMap<string, string>;
  readonly #policies: ReadonlyMap<string, Document>;

  /** `arns`: by unique id of every principal of all accounts. */
  constructor(scope: AuthorizationScope, held: Held, arns: ReadonlyMap<string, string>) {
    this.#scope = scope;
    this.#held = held;
    this.#arns = arns;
    this.#policies = new Map(ofKind(held, 'policy').map((it) => [this.#arnOf(it), it.document]));
  }

  read(scps: AccountDetails['scps'], rcps: AccountDetails['rcps']): AccountDetails {
    const { id, name } = this.#held;
    const profiles = ofKind(this.#held, 'instance-profile');
    return {
      id,
      name,
      partition: this.#scope.partition,
      users: ofKind(this.#held, 'user').map((user) => ({ ...this.#principal(user), groups: user.groups })),
      groups: ofKind(this.#held, 'group').map((group) => ({
        arn: this.#arnOf(group),
        name: group.name,
        policies: this.#carried(group),
      })),
      roles: ofKind(this.#held, 'role').map((role) => ({
        ...this.#principal(role),
        trust: this.#named(role.trust),
        sessionSeconds: role.sessionSeconds,
        instanceProfiles: profiles.filter((it) => it.role === role.name).map((it) => it.name),
      })),
      scps,
      rcps,
    };
  }

  #arnOf(resource: Resource): string {
    return resourceArn(this.#scope.partition, this.#held.id, resource);
  }

  #principal(resource: (Of<'user'> | Of<'role'>) & { readonly uniqueId?: string | undefined }) {
    const { name, path, tags, boundary, uniqueId } = resource;
    return {
      arn: this.#arnOf(resource),
      name,
      path,
      tags,
      policies: this.#carried(resource),
      ...(uniqueId === undefined ? {} : { id: uniqueId }),
      ...(boundary === undefined ? {} : { boundary: this.#managed(boundary) }),
    };
  }

  #carried(carrier: Of<'user'> | Of<'role'> | Of<'group'>): NamedDocument[] {
    const inline = Object.entries(carrier.inline).map(([name, document]): NamedDocument => ({ name, document }));
    return [...inline, ...carrier.attached.map((arn) => this.#managed(arn))];
  }

  #managed(arn: string): NamedDocument {
    const label = { name: arn.slice(arn.lastIndexOf('/') + 1), arn };
    const document = this.#policies.get(arn) ?? this.#scope.managed.get(arn);
    return document === undefined ? { ...label, unknown: true } : { ...label, document };
  }

  /** AWS's unique ids of principals put back to their ARNs; one that stays names somebody who is gone. */
  #named(trust: Document): Document {
    const text = JSON.stringify(trust);
    const named = text.replaceAll(/"(A(?:ID|RO)A[A-Z0-9]{12,})"/g, (whole, id: string) => {
      const arn = this.#arns.get(id);
      return arn === undefined ? whole : JSON.stringify(arn);
    });
    return named === text ? trust : (JSON.parse(named) as Document);
  }
}

/** The details of accounts that hold these resources: as AWS shows them, or as a definition wants them. */
export function authorizationBefore(scope: AuthorizationScope, accounts: readonly Held[]): AuthorizationDetails {
  const arns = new Map(
    accounts.flatMap(({ resources }) =>
      resources.flatMap((it) =>
        'uniqueId' in it && it.uniqueId !== undefined && it.arn !== undefined ? [[it.uniqueId, it.arn] as const] : [],
      ),
    ),
  );
  return {
    ...(scope.organization === undefined ? {} : { organization: scope.organization }),
    accounts: accounts.map((account) => {
      const unit = scope.units?.get(account.id);
      const others = scope.guardrails?.get(account.id);
      return new AccountReader(scope, account, arns).read(
        [...(others?.scps ?? []), ...levelsOf(accounts, account, 'SERVICE_CONTROL_POLICY', unit)],
        [...(others?.rcps ?? []), ...levelsOf(accounts, account, 'RESOURCE_CONTROL_POLICY', unit)],
      );
    }),
  };
}

/** What AWS will hold of a thing that the plan changes: in mode `additive` what others added stays. */
function settled(
  want: Resource,
  had: SeenResource | undefined,
  account: readonly SeenResource[],
  definition: string,
): Resource | SeenResource {
  const ids = had === undefined ? {} : { uniqueId: had.uniqueId, arn: had.arn };
  if (want.mode !== 'additive' || had === undefined || !('attached' in want) || !('attached' in had))
    return { ...want, ...ids };
  const own = withoutOthers(want, had, account, definition) as typeof had;
  const others = Object.entries(had.inline).filter(([name]) => !Object.hasOwn(own.inline, name));
  return {
    ...want,
    ...ids,
    attached: [...new Set([...had.attached.filter((arn) => !own.attached.includes(arn)), ...want.attached])],
    inline: { ...Object.fromEntries(others), ...want.inline },
  };
}

/** Users whom the plan takes out of a group, by name of the group. */
function withoutStrangers(
  resource: Resource | SeenResource,
  removed: ReadonlyMap<string, ReadonlySet<string>>,
): Resource | SeenResource {
  if (resource.kind !== 'user') return resource;
  const groups = resource.groups.filter((group) => removed.get(group)?.has(resource.name) !== true);
  return groups.length === resource.groups.length ? resource : { ...resource, groups };
}

const stranger = /^member (.+), put in by others$/;

/**
 * What AWS will hold when `changes` of a plan over `seen` are made. What no change touches stays as it is seen, so that
 * only what the plan does makes a difference.
 */
export function authorizationAfter(
  scope: AuthorizationScope,
  wanted: Wanted,
  seen: readonly SeenAccount[],
  changes: readonly Change[],
): AuthorizationDetails {
  const after = seen.map((account): Held => {
    const own = changes.filter(({ accountId }) => accountId === account.id);
    const touched = new Map(own.map((change) => [resourceKey(change), change]));
    const want = new Map(
      (wanted.accounts.find(({ id }) => id === account.id)?.resources ?? []).map((it) => [resourceKey(it), it]),
    );
    const had = new Map(account.resources.map((it) => [resourceKey(it), it]));
    const former = new Set(
      own.flatMap((change) => {
        const resource = want.get(resourceKey(change));
        return resource?.was === undefined ? [] : [resourceKey({ kind: resource.kind, name: resource.was })];
      }),
    );
    const removed = new Map(
      own
        .filter(({ kind }) => kind === 'group')
        .map(
          ({ name, details }) =>
            [name, new Set(details.flatMap(({ text }) => stranger.exec(text)?.[1] ?? []))] as const,
        ),
    );
    const kept = account.resources.filter((it) => !touched.has(resourceKey(it)) && !former.has(resourceKey(it)));
    const made = own
      .filter(({ action }) => action !== 'destroy')
      .flatMap((change) => {
        const resource = want.get(resourceKey(change));
        return resource === undefined
          ? []
          : [settled(resource, had.get(resourceKey(resource)), account.resources, wanted.definition)];
      });
    return {
      id: account.id,
      name: account.name,
      stage: account.stage,
      resources: [...kept, ...made].map((it) => withoutStrangers(it, removed)),
    };
  });
  return authorizationBefore(scope, after);
}
