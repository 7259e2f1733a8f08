// How Stint knows its own: by tag for users, roles and instance profiles, set in the creating call, so that
// no crash leaves an orphan; by path for groups and customer policies, because groups take no tags and bulk
// reads return none of a policy's. There is no state file to lose.
import type { SeenAccount, SeenResource, Tags } from './resources.ts';

export const definitionTag = 'stint:definition';
const idTag = 'stint:id';
const expiresTag = 'stint:expires';
const ownerTag = 'stint:owner';

/** The path of the groups and customer policies that belong to a definition. */
export function ownedPath(definition: string): string {
  return `/stint/${definition}/`;
}

/** Tags of a thing that belongs to a definition. `id` is its name in the definition: `role/test_role`. */
export function ownershipTags(
  definition: string,
  id: string,
  entry: {
    readonly owner?: string | undefined;
    readonly expires?: string | undefined;
    readonly tags?: Tags | undefined;
  },
): Tags {
  return {
    ...entry.tags,
    [definitionTag]: definition,
    [idTag]: id,
    ...(entry.expires === undefined ? {} : { [expiresTag]: entry.expires }),
    ...(entry.owner === undefined ? {} : { [ownerTag]: entry.owner }),
  };
}

/**
 * Whether a definition may change and delete the thing. The password policy belongs to nobody: a definition sets
 * it while it names one.
 */
export function isOwned(resource: SeenResource, definition: string): boolean {
  switch (resource.kind) {
    case 'group':
      return resource.path === ownedPath(definition);
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

/** Who owns a thing, for a message: another definition, or something that is not Stint. */
export function ownerText(resource: SeenResource): string {
  if ('tags' in resource && resource.tags[definitionTag] !== undefined) {
    return `belongs to the definition \`${resource.tags[definitionTag]}\``;
  }
  const owner = 'path' in resource ? /^\/stint\/([^/]+)\/$/.exec(resource.path)?.[1] : undefined;
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
