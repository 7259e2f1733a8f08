// How Stint knows its own: by tag for users, roles and instance profiles, set in the creating call, so that
// no crash leaves an orphan; by path for groups and customer policies, because groups take no tags and bulk
// reads return none of a policy's. There is no state file to lose.
import {
  resourceKey,
  type Document,
  type Handling,
  type Resource,
  type SeenAccount,
  type SeenResource,
  type Statement,
  type Tags,
} from './resources.ts';

export const definitionTag = 'stint:definition';
const idTag = 'stint:id';
const expiresTag = 'stint:expires';
const ownerTag = 'stint:owner';
const reasonTag = 'stint:reason';
/** The keys of the tags that the entry gave, so that one that leaves the entry goes, and those of others stay. */
export const keysTag = 'stint:tags';
const protectTag = 'stint:protect';
/** Says `admin` or `break-glass`: administrators by the definition's own word, whom a plan may not lock out. */
export const markedTag = 'stint:marked';

/**
 * The path of the groups and customer policies that belong to a definition. Groups take no tags, so a protected one
 * lies deeper: a group can be moved.
 */
export function ownedPath(definition: string, protect?: true): string {
  return protect === true ? `/stint/${definition}/protected/` : `/stint/${definition}/`;
}

/** What a protected policy says of itself: bulk reads return no tags of policies, and IAM moves none. */
const protectedSid = 'StintProtected';

/** A policy's document with the mark of protection in its first statement. */
export function markProtected(document: Document): Document {
  const [first, ...rest] = document.Statement;
  return { ...document, Statement: [{ ...first!, Sid: `${first!.Sid ?? ''}${protectedSid}` }, ...rest] };
}

/** Whether a thing was protected when it was last written: no plan removes it. */
export function isProtected(resource: SeenResource): boolean {
  switch (resource.kind) {
    case 'password-policy':
      return false;
    case 'group':
      return resource.path.endsWith('/protected/');
    case 'policy':
      return resource.document.Statement.some(({ Sid }) => Sid?.endsWith(protectedSid) === true);
  }
  return resource.tags[protectTag] !== undefined;
}

/** How an entry wants its resource to be dealt with. The way in when all else fails is protected by nature. */
export function handling(entry: {
  readonly mode?: 'exclusive' | 'additive' | 'observe' | undefined;
  readonly was?: string | undefined;
  readonly protect?: true | undefined;
  readonly marked?: 'admin' | 'break-glass' | undefined;
}): Handling {
  const protect = entry.protect === true || entry.marked === 'break-glass';
  return {
    ...(entry.mode === undefined || entry.mode === 'exclusive' ? {} : { mode: entry.mode }),
    ...(entry.was === undefined ? {} : { was: entry.was }),
    ...(protect ? { protect } : {}),
  };
}

/** Tags as AWS lists them, as a map. */
export function tagsOf(tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined): Tags {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** Things in IAM and Organizations take no more tags (IAM quotas). */
export const mostTags = 50;

/** Longest value of a tag (IAM quotas). */
const longestValue = 256;

/**
 * A reason as a tag holds it: what IAM takes in no tag becomes a space, and what is too long is cut. What a tag holds
 * comes out unchanged, so a reason that is read back from one makes the same tag. Undefined where no words are left.
 */
export function reasonText(reason: string | undefined): string | undefined {
  const text = (reason ?? '')
    .replaceAll(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]|\s/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .slice(0, longestValue)
    // A letter of two halves may have been cut in the middle.
    .replace(/[\uD800-\uDBFF]$/, '')
    .trim();
  return text.length < 3 ? undefined : text;
}

/** A key as one word, since a key may have spaces in it: `Cost Center` is not `Cost`. */
const keyWord = (key: string): string => key.replaceAll('=', '=e').replaceAll(' ', '=s');

/** Keys as one tag holds them. Those for which there is no room stay when their entry drops them. */
function keysText(tags: Tags | undefined): string | undefined {
  const keys = Object.keys(tags ?? {})
    .sort()
    .map(keyWord);
  while (keys.join(' ').length > longestValue) keys.pop();
  return keys.length === 0 ? undefined : keys.join(' ');
}

/** Whether an entry gave the tag, by the marks of the thing; undefined where it has no such mark. */
export function isGivenTag(tags: Tags, key: string): boolean | undefined {
  const given = tags[keysTag];
  return given === undefined ? undefined : given.split(' ').includes(keyWord(key));
}

/** Tags of a thing that belongs to a definition. `id` is its name in the definition: `role/test_role`. */
export function ownershipTags(
  definition: string,
  id: string,
  entry: {
    readonly owner?: string | undefined;
    readonly reason?: string | undefined;
    readonly expires?: string | undefined;
    readonly tags?: Tags | undefined;
    readonly protect?: true | undefined;
    readonly marked?: 'admin' | 'break-glass' | undefined;
  },
): Tags {
  const reason = reasonText(entry.reason);
  const tags = {
    ...entry.tags,
    [definitionTag]: definition,
    [idTag]: id,
    ...(entry.expires === undefined ? {} : { [expiresTag]: entry.expires }),
    ...(entry.protect === true || entry.marked === 'break-glass' ? { [protectTag]: 'yes' } : {}),
    ...(entry.marked === undefined ? {} : { [markedTag]: entry.marked }),
    ...(entry.owner === undefined ? {} : { [ownerTag]: entry.owner }),
    ...(reason === undefined ? {} : { [reasonTag]: reason }),
  };
  const keys = keysText(entry.tags);
  // It takes no room from what matters more: the tags themselves, and the two marks of what waits for its end.
  return keys === undefined || Object.keys(tags).length + 3 > mostTags ? tags : { ...tags, [keysTag]: keys };
}

/** What the tags of a thing say of the entry that made it. */
export interface OwnMarks {
  /** `role/test_role`: its name in the definition. */
  readonly id: string;
  readonly owner?: string | undefined;
  /** In the letters that a tag takes, perhaps cut. */
  readonly reason?: string | undefined;
  readonly expires?: string | undefined;
  readonly protect?: true | undefined;
  readonly marked?: 'admin' | 'break-glass' | undefined;
}

/** The marks of a thing of the definition; `undefined` for what is not its own. */
export function ownMarks(tags: Tags, definition: string): OwnMarks | undefined {
  if (tags[definitionTag] !== definition) return undefined;
  const marked = tags[markedTag];
  return {
    id: tags[idTag] ?? '',
    ...(tags[ownerTag] === undefined ? {} : { owner: tags[ownerTag] }),
    ...(tags[reasonTag] === undefined ? {} : { reason: tags[reasonTag] }),
    ...(tags[expiresTag] === undefined ? {} : { expires: tags[expiresTag] }),
    // The way in when all else fails is protected without being told so.
    ...(tags[protectTag] === undefined || marked === 'break-glass' ? {} : { protect: true as const }),
    ...(marked === 'admin' || marked === 'break-glass' ? { marked } : {}),
  };
}

/** A policy's document without the mark of protection. */
export function unmarkProtected(document: Document): Document {
  return {
    ...document,
    Statement: document.Statement.map(({ Sid, ...statement }): Statement => {
      const own = Sid?.endsWith(protectedSid) === true ? Sid.slice(0, -protectedSid.length) : Sid;
      return own === undefined || own === '' ? statement : { Sid: own, ...statement };
    }),
  };
}

/**
 * Whether a definition may change and delete the thing. The password policy belongs to nobody: a definition sets
 * it while it names one.
 */
export function isOwned(resource: SeenResource, definition: string): boolean {
  switch (resource.kind) {
    case 'group':
      return [ownedPath(definition), ownedPath(definition, true)].includes(resource.path);
    case 'policy':
      // One that was there before Stint keeps its path, and is known by a tag that is read where it is wanted.
      return resource.path === ownedPath(definition) || resource.tags[definitionTag] === definition;
    case 'user':
    case 'role':
    case 'instance-profile':
    case 'oidc-provider':
    case 'saml-provider':
    case 'organization-policy':
      return resource.tags[definitionTag] === definition;
  }
  return false;
}

/** The definition that a thing belongs to, by its tag, or its path where it has no tags; `undefined` for none. */
export function ownerOf(resource: SeenResource): string | undefined {
  const tagged = 'tags' in resource ? resource.tags[definitionTag] : undefined;
  if (tagged !== undefined || (resource.kind !== 'group' && resource.kind !== 'policy')) return tagged;
  return /^\/stint\/([^/]+)\//.exec(resource.path)?.[1];
}

/** Who owns a thing, for a message: another definition, or something that is not Stint. */
export function ownerText(resource: SeenResource): string {
  const owner = ownerOf(resource);
  return owner === undefined ? 'was not made by Stint' : `belongs to the definition \`${owner}\``;
}

// The broker's mark on the users of its leases, who end with the lease.
const leaseTag = 'stint:lease';

/**
 * Users in a group whom neither the definition nor a lease of the broker put there. Who is in a group of ours is
 * ours to say: a member added by hand has everything that the group may do.
 */
export function strangersIn(group: string, account: SeenAccount, definition: string): string[] {
  return account.resources.flatMap((it) =>
    it.kind === 'user' && it.groups.includes(group) && !isOwned(it, definition) && it.tags[leaseTag] === undefined
      ? [it.name]
      : [],
  );
}

/**
 * What is there without what others added to it, for a resource in mode `additive`: policies that are not of this
 * definition, inline policies under other names, memberships in groups of others, attachments elsewhere.
 */
export function withoutOthers(
  want: Resource,
  seen: SeenResource,
  account: readonly SeenResource[],
  definition: string,
): SeenResource {
  if (want.mode !== 'additive' || !('attached' in want) || !('attached' in seen)) return seen;
  // Policies that were taken over keep their path, and are ours by their tag.
  const ours = new Set(account.flatMap((it) => (isOwned(it, definition) ? [resourceKey(it), it.arn] : [])));
  const attached = seen.attached.filter(
    (arn) => want.attached.includes(arn) || arn.includes(`:policy${ownedPath(definition)}`) || ours.has(arn),
  );
  const inline = Object.fromEntries(
    Object.entries(seen.inline).filter(([name]) => Object.hasOwn(want.inline, name) || /^stint(?:-|$)/.test(name)),
  );
  if (seen.kind !== 'user' || want.kind !== 'user') return { ...seen, attached, inline };
  const groups = seen.groups.filter(
    (group) => want.groups.includes(group) || ours.has(resourceKey({ kind: 'group', name: group })),
  );
  return { ...seen, attached, inline, groups };
}
