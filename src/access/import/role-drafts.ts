// The role of one account in the words of a definition, without what Stint puts into every such role by itself.
import type { Millis } from '../../base/index.ts';
import { assumeInlineName, imdsDocument, imdsInlineName } from '../compile-identities.ts';
import { canonicalDocument } from '../documents.ts';
import { expiryDeny, expiryInlineName } from '../expiry.ts';
import { isGivenTag } from '../ownership.ts';
import type { Document, RoleResource, SeenResource, Tags } from '../resources.ts';
import type { Entry, Found, FoundAccount } from './found.ts';
import { endOf, markedMembers, ownKey, ownStatementEntry } from './owned.ts';
import { attachedEntries, statementEntry } from './permissions.ts';
import type { OwnPolicies } from './policies.ts';
import type { Reach } from './reach.ts';
import type { TrustDraft } from './trust.ts';

export interface RoleDraft {
  readonly account: FoundAccount;
  readonly name: string;
  /** Name of its entry, where the definition made it. */
  readonly own?: string | undefined;
  /** What must be equal for roles to share an entry. */
  readonly fixed: Entry;
  /** What `per` can tell apart; the trust beside it. */
  readonly members: Entry;
  readonly seconds: number;
  readonly trust: readonly TrustDraft[];
}

type Profile = Extract<SeenResource, { kind: 'instance-profile' }>;

/** What an import has in common for all roles. */
export interface RoleScope {
  readonly found: Found;
  readonly policies: OwnPolicies;
  readonly now: Millis;
  /** Whether the default against version 1 of the metadata service is on. */
  readonly imdsv2: boolean;
  readonly reach: Reach;
}

export function profileOf(account: FoundAccount, role: string): string | undefined {
  const profiles = account.resources.filter((it): it is Profile => it.kind === 'instance-profile' && it.role === role);
  return (profiles.find(({ name }) => name === role) ?? profiles[0])?.name;
}

/** Whether the role has what the default against version 1 of the metadata service puts into it. */
export function isImdsSafe({ inline }: RoleResource): boolean {
  const document = inline[imdsInlineName];
  return document !== undefined && canonicalDocument(document) === canonicalDocument(imdsDocument);
}

/** Tags of others: those of AWS and of Stint are no part of a definition. */
export const foreignTags = (tags: Tags): Tags =>
  Object.fromEntries(
    // What others tagged beside an entry of ours is no part of it.
    Object.entries(tags).filter(([key]) => !/^(?:stint|aws):/.test(key) && isGivenTag(tags, key) !== false),
  );

/** Whether an inline policy is the one that ends with the entry. */
export function isExpiry(name: string, document: Document, { expires }: Entry): boolean {
  return (
    name === expiryInlineName &&
    typeof expires === 'string' &&
    canonicalDocument(document) === canonicalDocument(expiryDeny(expires))
  );
}

/** Inline policies: Stint's own statements go back to `statements`, all others keep their names. */
export function inlineMembers(
  inline: Readonly<Record<string, Document>>,
  read: (document: Document) => readonly Entry[],
): Entry {
  const { stint, [assumeInlineName]: _made, ...named } = inline;
  const others = Object.entries(named).map(([name, document]) => [name, read(document)]);
  return {
    ...(stint === undefined ? {} : { statements: read(stint) }),
    ...(others.length === 0 ? {} : { inline: Object.fromEntries(others) }),
  };
}

/** How the statements of a thing are read: those of the definition's own may tell their end. */
export function statementReader(own: boolean, end: string | undefined, now: Millis) {
  return (document: Document): readonly Entry[] =>
    document.Statement.map((it) => (own ? ownStatementEntry(it, end, now) : statementEntry(it)));
}

function keptInline({ imdsv2 }: RoleScope, account: FoundAccount, role: RoleResource, marks: Entry) {
  const made = imdsv2 && profileOf(account, role.name) !== undefined && isImdsSafe(role);
  return Object.fromEntries(
    Object.entries(role.inline).filter(
      ([name, document]) => !(made && name === imdsInlineName) && !isExpiry(name, document, marks),
    ),
  );
}

const some = (name: string, list: readonly unknown[]): Entry => (list.length === 0 ? {} : { [name]: list });

export function draftRole(
  scope: RoleScope,
  account: FoundAccount,
  role: RoleResource,
  trust: readonly TrustDraft[],
): RoleDraft {
  const { found, policies, now } = scope;
  const attached = (arns: readonly string[]) =>
    attachedEntries(arns, account.id, found.partition, policies.inAccount(account.name));
  const { managed, policies: named } = attached(role.attached);
  const boundary = role.boundary === undefined ? undefined : attached([role.boundary]);
  const profile = profileOf(account, role.name);
  const own = ownKey(found, role.tags, 'role');
  const { protect, marked, ...marks } = markedMembers(found, role.tags);
  const tags = foreignTags(role.tags);
  return {
    account,
    name: role.name,
    own,
    fixed: {
      ...(role.path === '/' ? {} : { path: role.path }),
      ...(profile === undefined ? {} : { instanceProfile: profile === role.name ? true : profile }),
      ...(protect === undefined ? {} : { protect }),
      ...(marked === undefined ? {} : { marked }),
    },
    members: {
      ...(role.description === '' ? {} : { description: role.description }),
      ...some('managed', managed),
      ...some(
        'policies',
        named.filter((name) => !name.startsWith(`${assumeInlineName}-`)),
      ),
      ...inlineMembers(keptInline(scope, account, role, marks), statementReader(own !== undefined, endOf(marks), now)),
      ...(boundary === undefined ? {} : { boundary: boundary.policies[0] ?? boundary.managed[0] }),
      ...(Object.keys(tags).length === 0 ? {} : { tags }),
      ...marks,
    },
    seconds: role.sessionSeconds,
    trust,
  };
}
