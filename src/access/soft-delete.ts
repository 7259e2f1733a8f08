// Roles and users that go, but not at once: for a time of grace they are there, can do nothing and let nobody in, so
// that a mistake costs one undo and no identity. What hangs on them stays with them. Pure.
import { isoSeconds, type Millis } from '../base/index.ts';
import type { Finding } from './findings.ts';
import { mostTags } from './ownership.ts';
import { resourceKey, type AccountRef, type Document, type Resource, type SeenResource } from './resources.ts';

/** Tag of what is only waiting for its end: since when. */
export const deletedTag = 'stint:deleted-at';
/** When it may go, by the definition that took it out: for people, and for a definition that was lost since. */
const deleteAfterTag = 'stint:delete-after';
const denyName = 'stint-deleted';

/** How a definition removes. Without one everything goes at once. */
export interface GraceRule {
  /** The instant of the plan. */
  readonly now: Millis;
  /** By stage; what is not in it goes at once. */
  readonly millis: Readonly<Record<string, Millis>>;
  /** Whether the definition says so itself. A destroy, which is asked for by name, waits only then. */
  readonly chosen: boolean;
}

/** How something is removed that is not at once. */
export interface Grace {
  readonly millis: Millis;
  readonly now: Millis;
}

/** What a rule says of a stage. */
export function graceIn(rule: GraceRule | undefined, stage: string): Grace | undefined {
  const millis = rule !== undefined && Object.hasOwn(rule.millis, stage) ? rule.millis[stage]! : 0;
  return rule === undefined || millis <= 0 ? undefined : { millis, now: rule.now };
}

/** What becomes of something that is wanted no more. */
type RemovalFate = 'remove' | 'soften' | 'wait';

const nothing: Document = {
  Version: '2012-10-17',
  Statement: [{ Sid: 'Deleted', Effect: 'Deny', Action: '*', Resource: '*' }],
};

const instantIn = (resource: SeenResource, tag: string): Millis | undefined => {
  const text = 'tags' in resource ? resource.tags[tag] : undefined;
  return text === undefined ? undefined : Date.parse(text) || 0;
};

/** Since when something only waits for its end; undefined for what lives. A mark that is no instant counts as long ago. */
export const deletedAt = (resource: SeenResource): Millis | undefined => instantIn(resource, deletedTag);

/** The time that was given to something when it was taken out; undefined where its marks do not tell. */
export function promisedGrace(resource: SeenResource): Millis | undefined {
  const [since, until] = [deletedAt(resource), instantIn(resource, deleteAfterTag)];
  return since === undefined || until === undefined || until <= since || since === 0 ? undefined : until - since;
}

function ownFate(resource: SeenResource, grace: Grace): RemovalFate {
  if (resource.kind !== 'role' && resource.kind !== 'user') return 'remove';
  const since = deletedAt(resource);
  if (since === undefined) return 'soften';
  return grace.now - since >= grace.millis ? 'remove' : 'wait';
}

/** Whether something hangs on a thing, and so stays as long as it does. */
export function hangsOn(resource: SeenResource, other: SeenResource): boolean {
  if (resource.kind === 'instance-profile') return other.kind === 'role' && other.name === resource.role;
  if (resource.kind !== 'policy' || (other.kind !== 'role' && other.kind !== 'user')) return false;
  return resource.arn !== undefined && (other.attached.includes(resource.arn) || other.boundary === resource.arn);
}

/** The fate of something of ours that goes. `going` is everything in the account that does. */
export function removalFate(
  resource: SeenResource,
  going: readonly SeenResource[],
  grace: Grace | undefined,
): RemovalFate {
  if (grace === undefined) return 'remove';
  const held = going.some((it) => hangsOn(resource, it) && ownFate(it, grace) !== 'remove');
  return held ? 'wait' : ownFate(resource, grace);
}

/** The same thing, able to do nothing, with a trust that nobody satisfies. */
export function softened(resource: SeenResource, closed: Document, { now, millis }: Grace): Resource {
  if (resource.kind !== 'role' && resource.kind !== 'user') return resource;
  const inline = { ...resource.inline, [denyName]: nothing };
  const marked = { ...resource.tags, [deletedTag]: isoSeconds(now) };
  const until = { [deleteAfterTag]: isoSeconds(now + millis) };
  // Where there is room for one tag, it is the one that counts.
  const tags = Object.keys(marked).length < mostTags ? { ...marked, ...until } : marked;
  return resource.kind === 'role' ? { ...resource, inline, tags, trust: closed } : { ...resource, inline, tags };
}

/** Tells of what goes, and when. */
export function pendingFinding(account: AccountRef, resource: SeenResource, { millis, now }: Grace): Finding {
  const ends = isoSeconds((deletedAt(resource) ?? now) + millis);
  return {
    severity: 'info',
    code: 'pending-deletion',
    account: account.name,
    resource: resourceKey(resource),
    message: `can do nothing any more; an apply after ${ends} removes it`,
    hint: 'put it back into the definition, or undo the run, to have it as before; `stint destroy --now` removes everything at once',
  };
}
