// Values that Terraform will know only after apply, found by what they refer to: the ARN of a policy made in the same
// plan is known as soon as its name and account are.
import type { Configuration } from './configuration.ts';
import type { Lookup } from './pieces.ts';
import type { Placement } from './placement.ts';
import type { TerraformResource } from './resource.ts';
import { textIn } from './values.ts';

/** The name of a resource; its address where Terraform will choose the name. */
export function nameOfResource(resource: TerraformResource): string {
  return textIn(resource.values, 'name') ?? `(${resource.address})`;
}

const arnKinds: Readonly<Record<string, string>> = {
  aws_iam_policy: 'policy',
  aws_iam_role: 'role',
  aws_iam_user: 'user',
  aws_iam_group: 'group',
  aws_iam_instance_profile: 'instance-profile',
};

/** The ARN that AWS will give: told by the file, or made of account, path and name. */
export function arnOfResource(resource: TerraformResource, placement: Placement): string | undefined {
  const told = textIn(resource.values, 'arn');
  const kind = arnKinds[resource.type];
  const account = placement.accountOf(resource);
  if (told !== undefined || kind === undefined || account === undefined) return told;
  return `arn:aws:iam::${account}:${kind}${textIn(resource.values, 'path') ?? '/'}${nameOfResource(resource)}`;
}

/** Of several instances the one that is meant: by its key, then by module and index; undefined where none stands out. */
function meantInstance(
  from: TerraformResource,
  candidates: readonly TerraformResource[],
  key: string | undefined,
): TerraformResource | undefined {
  const keyed = key === undefined ? candidates : candidates.filter(({ address }) => address.endsWith(key));
  const near = keyed.filter(({ module }) => module === from.module || from.module.startsWith(`${module}.`));
  const some = near.length > 0 ? near : keyed;
  if (some.length <= 1) return some[0];
  const same = some.filter(({ index }) => index === from.index);
  return same.length === 1 ? same[0] : undefined;
}

/** Looks values up among `resources`, by the references of their configuration where they are unknown. */
export function lookUp(
  resources: readonly TerraformResource[],
  configuration: Configuration,
  placement: Placement,
): Lookup {
  const byConfig = Map.groupBy(resources, ({ configAddress }) => configAddress);
  const referred = (from: TerraformResource, attribute: string): TerraformResource | undefined => {
    if (!from.unknown.has(attribute)) return undefined;
    for (const { configAddress, key } of configuration.referencesOf(from.configAddress, attribute)) {
      const found = meantInstance(from, byConfig.get(configAddress) ?? [], key);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    resourceOf: referred,
    arnOf: (from, attribute) => {
      const target = referred(from, attribute);
      return textIn(from.values, attribute) ?? (target === undefined ? undefined : arnOfResource(target, placement));
    },
    nameOf: (from, attribute) => {
      const target = referred(from, attribute);
      return textIn(from.values, attribute) ?? (target === undefined ? undefined : nameOfResource(target));
    },
  };
}
