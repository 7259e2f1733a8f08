// In which account each resource of a Terraform file lies. ARNs tell it; a state names nothing else, so what has no
// ARN is placed beside what carries it, and by the provider where the file tells that.
import { labelOf, type TerraformResource } from './resource.ts';
import { textIn, textsIn } from './values.ts';

/** Which attribute of a type names what carries it, and of which kind that is. */
export const carrierAttributes: Readonly<
  Record<string, { readonly kind: 'role' | 'user' | 'group'; readonly attribute: string }>
> = {
  aws_iam_role_policy: { kind: 'role', attribute: 'role' },
  aws_iam_role_policy_attachment: { kind: 'role', attribute: 'role' },
  aws_iam_role_policies_exclusive: { kind: 'role', attribute: 'role_name' },
  aws_iam_role_policy_attachments_exclusive: { kind: 'role', attribute: 'role_name' },
  aws_iam_user_policy: { kind: 'user', attribute: 'user' },
  aws_iam_user_policy_attachment: { kind: 'user', attribute: 'user' },
  aws_iam_user_policies_exclusive: { kind: 'user', attribute: 'user_name' },
  aws_iam_user_policy_attachments_exclusive: { kind: 'user', attribute: 'user_name' },
  aws_iam_user_group_membership: { kind: 'user', attribute: 'user' },
  aws_iam_user_login_profile: { kind: 'user', attribute: 'user' },
  aws_iam_access_key: { kind: 'user', attribute: 'user' },
  aws_iam_service_specific_credential: { kind: 'user', attribute: 'user_name' },
  aws_iam_group_policy: { kind: 'group', attribute: 'group' },
  aws_iam_group_policy_attachment: { kind: 'group', attribute: 'group' },
  aws_iam_group_policies_exclusive: { kind: 'group', attribute: 'group_name' },
  aws_iam_group_policy_attachments_exclusive: { kind: 'group', attribute: 'group_name' },
  aws_iam_group_membership: { kind: 'group', attribute: 'group' },
};

/** Carriers of a resource by name: one for most, several for the types that speak for many. */
function carriersOf(resource: TerraformResource): { readonly kind: string; readonly name: string }[] {
  const carried = carrierAttributes[resource.type];
  const name = carried === undefined ? undefined : textIn(resource.values, carried.attribute);
  if (carried !== undefined) return name === undefined ? [] : [{ kind: carried.kind, name }];
  if (resource.type !== 'aws_iam_policy_attachment') return [];
  return (['role', 'user', 'group'] as const).flatMap((kind) =>
    textsIn(resource.values, `${kind}s`).map((name) => ({ kind, name })),
  );
}

const accountOfArn = (resource: TerraformResource): string | undefined =>
  /^arn:[^:]+:[^:]*:[^:]*:(\d{12}):/.exec(textIn(resource.values, 'arn') ?? '')?.[1];

const accountOfData = (resource: TerraformResource): string | undefined =>
  resource.type === 'aws_caller_identity' ? textIn(resource.values, 'account_id') : undefined;

/** Stands for an account that only its provider is known of. No id of AWS, and never `aws`, looks like it. */
const unnamedAccount = (provider: string): string => `provider ${provider}`;

export interface Placement {
  /** Account id; `provider aws.dev` where no id is known; undefined where nothing tells. */
  accountOf(resource: TerraformResource): string | undefined;
}

/** Account ids by provider: those the configuration names, and those that the resources of a provider show. */
function providerAccounts(
  resources: readonly TerraformResource[],
  named: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const accounts = new Map(named);
  for (const resource of resources) {
    const id = accountOfArn(resource) ?? accountOfData(resource);
    if (resource.provider !== undefined && id !== undefined && !accounts.has(resource.provider)) {
      accounts.set(resource.provider, id);
    }
  }
  return accounts;
}

const carrierKey = (kind: string, name: string): string => `${kind}/${name.toLowerCase()}`;

/** The one account that all candidates share. */
function agreed(accounts: readonly (string | undefined)[]): string | undefined {
  const distinct = [...new Set(accounts)];
  return distinct.length === 1 ? distinct[0] : undefined;
}

/**
 * Places resources. Where a name is found in several accounts, what the resource depends on decides, then the
 * module it stands in, then the key it shares with its carrier, then the account an export of Stint names it after;
 * where none of that does, it is not placed.
 */
export function placeResources(resources: readonly TerraformResource[], named: ReadonlyMap<string, string>): Placement {
  const providers = providerAccounts(resources, named);
  const told = new Map<TerraformResource, string | undefined>();
  for (const resource of resources) {
    const { provider } = resource;
    const account = accountOfArn(resource) ?? accountOfData(resource);
    told.set(
      resource,
      account ?? (provider === undefined ? undefined : (providers.get(provider) ?? unnamedAccount(provider))),
    );
  }
  const direct = (resource: TerraformResource): string | undefined => told.get(resource);
  const carriers = new Map<string, TerraformResource[]>();
  for (const resource of resources) {
    const kind = /^aws_iam_(role|user|group)$/.exec(resource.type)?.[1];
    const name = textIn(resource.values, 'name');
    if (kind === undefined || name === undefined) continue;
    const key = carrierKey(kind, name);
    const known = carriers.get(key);
    if (known === undefined) carriers.set(key, [resource]);
    else known.push(resource);
  }
  const everywhere = agreed(resources.map(direct).filter((it) => it !== undefined));
  const byModule = Map.groupBy(resources, ({ module }) => module);
  const inModule = (module: string): string | undefined =>
    agreed((byModule.get(module) ?? []).map(direct).filter((it) => it !== undefined));
  const beside = (resource: TerraformResource): string | undefined => {
    const all = carriersOf(resource).flatMap(({ kind, name }) => carriers.get(carrierKey(kind, name)) ?? []);
    const narrowed: readonly (() => readonly TerraformResource[])[] = [
      () => all.filter((it) => resource.dependsOn.includes(it.configAddress)),
      () => all.filter((it) => it.module === resource.module),
      () => all.filter((it) => it.module === resource.module && it.index === resource.index),
      () => all,
    ];
    for (const some of narrowed) {
      const account = agreed(some().map(direct));
      if (account !== undefined) return account;
    }
    return undefined;
  };
  const byLabel = Map.groupBy(
    resources.filter(({ mode }) => mode === 'managed'),
    labelOf,
  );
  const labelled = (resource: TerraformResource): string | undefined => {
    // What an account has one of is named after the account alone.
    const label = labelOf(resource) ?? resource.configAddress.slice(resource.configAddress.lastIndexOf('.') + 1);
    return agreed((byLabel.get(label) ?? []).map(direct).filter((it) => it !== undefined));
  };
  return {
    accountOf: (resource) =>
      direct(resource) ?? beside(resource) ?? everywhere ?? inModule(resource.module) ?? labelled(resource),
  };
}
