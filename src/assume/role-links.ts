// What each role of a chain is told: the ONE place that decides which name, duration, external id, policy, tags and
// source identity go to which AssumeRole. Pure. The facts behind it:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining (transitive tags)
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html (source identity)
import { failure } from './failures.ts';
import type { RoleLink } from './model.ts';
import type { SessionOptions } from './options.ts';

/** A role as a profile or a definition names it; what the person adds comes here. */
export interface WantedRole {
  readonly roleArn: string;
  /** `file:line` that names it, when a file does. */
  readonly place?: string | undefined;
  /** Of a role of the definition: `file:line:column` of its entry there. */
  readonly definedAt?: (() => string) | undefined;
  readonly sessionName?: string | undefined;
  readonly durationSeconds?: number | undefined;
  readonly externalId?: string | undefined;
  readonly sourceIdentity?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly transitiveTags?: readonly string[] | undefined;
}

export interface LinkFacts {
  /** First the role that the source assumes. */
  readonly roles: readonly WantedRole[];
  /** The first role is assumed with the token of an identity provider. */
  readonly webIdentity: boolean;
  readonly options: SessionOptions;
  /** Name of the sessions that nobody named. */
  readonly person: string;
}

type Tags = Readonly<Record<string, string>>;

const lower = (key: string): string => key.toLowerCase();

function refuse({ place, roleArn }: WantedRole, what: string, hint: string): Error {
  return place === undefined
    ? failure('invalid-option', `\`${roleArn}\`: ${what}`, { hint })
    : failure('profile-conflict', `${place}: ${what}`, { hint });
}

/** The tags with those of `over` instead of, or beside, their own. */
function joined(tags: Tags | undefined, over: Tags | undefined): Tags | undefined {
  if (over === undefined) return tags;
  const replaced = new Set(Object.keys(over).map(lower));
  const kept = Object.entries(tags ?? {}).filter(([key]) => !replaced.has(lower(key)));
  return { ...Object.fromEntries(kept), ...over };
}

/** What the person's options make of the last role; a policy and its like never go to a role on the way. */
function withOptions(role: WantedRole, options: SessionOptions): WantedRole & RoleOptions {
  const transitive = [...new Set([...(role.transitiveTags ?? []), ...(options.transitiveTags ?? [])])];
  return {
    ...role,
    // Where a profile names it means counting lines: that is left to whoever asks.
    get place(): string | undefined {
      return role.place;
    },
    sessionName: options.sessionName ?? role.sessionName,
    durationSeconds: options.durationSeconds ?? role.durationSeconds,
    externalId: options.externalId ?? role.externalId,
    tags: joined(role.tags, options.tags),
    transitiveTags: transitive.length === 0 ? undefined : transitive,
    policy: options.policy,
    policyArns: options.policyArns,
  };
}

type RoleOptions = Pick<RoleLink, 'policy' | 'policyArns'>;

/**
 * The source identity of each role: the person's goes where the chain can first take it, and all later roles have it
 * anyway, so that a second one is left out when it is the same, and refused when not.
 */
function identities({ roles, options, webIdentity }: LinkFacts): readonly (string | undefined)[] {
  let set: string | undefined;
  return roles.map((role, index) => {
    if (webIdentity && index === 0) return undefined;
    const wanted = options.sourceIdentity ?? role.sourceIdentity;
    if (wanted === undefined || wanted === set) return undefined;
    if (set !== undefined) {
      throw refuse(
        role,
        `source identity \`${wanted}\` cannot follow \`${set}\`, which an earlier role of the chain has`,
        'AWS keeps the first one to the end of the chain: remove the later source_identity, or make them the same',
      );
    }
    set = wanted;
    return wanted;
  });
}

/** Tags that the session before hands down, which AWS does not let a role be given anew. */
class Inherited {
  readonly #tags = new Map<string, string>();

  has(key: string): boolean {
    return this.#tags.has(lower(key));
  }

  /** The tags that are left to pass: without those that come down the chain with the same value. */
  pass(role: WantedRole): Tags | undefined {
    if (role.tags === undefined) return undefined;
    const left = Object.entries(role.tags).filter(([key, value]) => {
      const inherited = this.#tags.get(lower(key));
      if (inherited === undefined || inherited === value) return inherited === undefined;
      throw refuse(
        role,
        `tag \`${key}=${value}\` cannot follow \`${inherited}\`, which an earlier role of the chain hands down`,
        'a transitive tag keeps its value to the end of the chain: remove the later one, or let the earlier be not transitive',
      );
    });
    return left.length === 0 ? undefined : Object.fromEntries(left);
  }

  hand(tags: Tags | undefined, transitive: readonly string[] | undefined): void {
    const keys = new Set(transitive?.map(lower));
    for (const [key, value] of Object.entries(tags ?? {})) if (keys.has(lower(key))) this.#tags.set(lower(key), value);
  }
}

function checkTransitive(role: WantedRole, inherited: Inherited): void {
  const keys = new Set(Object.keys(role.tags ?? {}).map(lower));
  const stray = role.transitiveTags?.find((key) => !keys.has(lower(key)) && !inherited.has(key));
  if (stray === undefined) return;
  throw refuse(
    role,
    `tag \`${stray}\` is to be transitive, but no tag of that name is set`,
    `set it as well: \`--tag ${stray}=VALUE\``,
  );
}

/** AssumeRoleWithWebIdentity has no such parameters: they stand in the token, signed by whoever gave it. */
function checkWebIdentity(role: WantedRole, last: boolean, { options }: LinkFacts): void {
  const given = {
    'external id': role.externalId,
    'source identity': role.sourceIdentity ?? (last ? options.sourceIdentity : undefined),
    'session tags': role.tags,
  };
  const [name] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw refuse(
    role,
    `a role that is assumed with a web identity token takes no ${name}`,
    name === 'external id'
      ? 'its trust policy names the subject of the token instead'
      : 'the identity provider puts it into the token',
  );
}

/**
 * What every AssumeRole of the chain is told, the source's first.
 * @throws Failure `profile-conflict` (with `file:line`) or `invalid-option` for what AWS would refuse in any case.
 */
export function arrangeLinks(facts: LinkFacts): readonly RoleLink[] {
  const wanted: readonly (WantedRole & RoleOptions)[] = facts.roles.map((role, index) =>
    index === facts.roles.length - 1 ? withOptions(role, facts.options) : role,
  );
  if (facts.webIdentity && wanted[0] !== undefined) checkWebIdentity(wanted[0], wanted.length === 1, facts);
  const identity = identities(facts);
  const inherited = new Inherited();
  return wanted.map((role, index): RoleLink => {
    checkTransitive(role, inherited);
    const tags = inherited.pass(role);
    const keys = new Set(Object.keys(tags ?? {}).map(lower));
    const transitive = role.transitiveTags?.filter((key) => keys.has(lower(key)));
    inherited.hand(tags, transitive);
    return {
      roleArn: role.roleArn,
      sessionName: role.sessionName ?? facts.person,
      durationSeconds: role.durationSeconds,
      externalId: role.externalId,
      sourceIdentity: identity[index],
      policy: role.policy,
      policyArns: role.policyArns,
      tags,
      transitiveTags: transitive === undefined || transitive.length === 0 ? undefined : transitive,
    };
  });
}
