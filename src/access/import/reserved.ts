// What no definition takes over: roles that AWS or an organisation's own machinery made and keeps.
import type { SeenResource } from '../resources.ts';

interface Reserved {
  readonly why: string;
  fits(resource: { readonly name: string; readonly path: string }): boolean;
}

const rules: readonly Reserved[] = [
  { why: 'service-linked roles', fits: ({ path }) => path.startsWith('/aws-service-role/') },
  {
    why: 'roles of IAM Identity Center',
    fits: ({ path, name }) => path.startsWith('/aws-reserved/') || name.startsWith('AWSReservedSSO_'),
  },
  {
    why: 'ways in of AWS Organizations and Control Tower',
    fits: ({ name }) => /^(?:OrganizationAccountAccessRole|AWSControlTower.*|aws-controltower-.*)$/.test(name),
  },
  {
    why: 'roles of CloudFormation StackSets',
    fits: ({ name }) => /^(?:stacksets-exec-|AWSCloudFormationStackSet)/.test(name),
  },
  { why: 'users of leases that the server lent', fits: () => false },
];

/** The Stint definition that a thing belongs to. */
export function ownerOf(resource: SeenResource): string | undefined {
  const tag = 'tags' in resource ? resource.tags['stint:definition'] : undefined;
  return tag ?? ('path' in resource ? /^\/stint\/([^/]+)\//.exec(resource.path)?.[1] : undefined);
}

/** Why a role is left out, in words that a count precedes; undefined for one that may be taken over. */
export function reservedWhy(resource: SeenResource, definition: string): string | undefined {
  const owner = ownerOf(resource);
  if (owner !== undefined) return owner === definition ? undefined : `things of the Stint definition \`${owner}\``;
  if (resource.kind === 'user') return resource.tags['stint:lease'] === undefined ? undefined : rules.at(-1)!.why;
  if (resource.kind === 'organization-policy') {
    return resource.name.startsWith('aws-guardrails-') ? 'guard rails of Control Tower' : undefined;
  }
  if (resource.kind !== 'role') return undefined;
  return rules.find((rule) => rule.fits(resource))?.why;
}
