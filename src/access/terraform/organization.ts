// The organisation as far as a Terraform file tells it: where units and accounts lie, and what its policies are attached
// to. What the file does not tell keeps AWS's own id, which no definition means.
import type { Lookup } from './pieces.ts';
import type { TerraformResource } from './resource.ts';
import { listIn, textIn } from './values.ts';

export interface OrganizationShape {
  /** What a policy is attached to: `root`, `ou/Workloads`, an account id. `unknown`: an attachment to something of later. */
  targetsOf(policy: TerraformResource): { readonly targets: readonly string[]; readonly unknown: boolean };
  /** Paths of units by account id. */
  readonly places: ReadonlyMap<string, string>;
  /** Ids of units by path. */
  readonly units: Readonly<Record<string, string>>;
  readonly root?: string | undefined;
  readonly management?: string | undefined;
}

const isUnit = ({ type }: TerraformResource): boolean => type === 'aws_organizations_organizational_unit';
const isRoot = (id: string): boolean => /^r-[a-z0-9]{4,32}$/.test(id);
/** No organisation has deeper units (AWS Organizations quotas: 5 below the root). */
const deepest = 8;

class Shape implements OrganizationShape {
  readonly #lookup: Lookup;
  readonly #units = new Map<string, TerraformResource>();
  readonly #attachments: readonly TerraformResource[];
  readonly places = new Map<string, string>();
  readonly units: Record<string, string> = {};
  readonly root: string | undefined;
  readonly management: string | undefined;

  constructor(resources: readonly TerraformResource[], lookup: Lookup) {
    this.#lookup = lookup;
    const organization = resources.find(({ type }) => type === 'aws_organizations_organization');
    this.management = textIn(organization?.values, 'master_account_id');
    this.root = textIn(listIn(organization?.values, 'roots')[0], 'id');
    this.#attachments = resources.filter(({ type }) => type === 'aws_organizations_policy_attachment');
    for (const unit of resources.filter(isUnit)) {
      const id = textIn(unit.values, 'id');
      if (id !== undefined) this.#units.set(id, unit);
    }
    for (const [id, unit] of this.#units) {
      const path = this.#pathOf(unit);
      if (path !== undefined) this.units[path] = id;
    }
    for (const account of resources.filter(({ type }) => type === 'aws_organizations_account')) {
      const id = textIn(account.values, 'id');
      const path = this.#pathBelow(account, 'parent_id', 0);
      if (id !== undefined && path !== undefined && path !== '') this.places.set(id, path);
    }
  }

  /** The path of the unit that an attribute names; empty for the root, undefined where the file does not tell. */
  #pathBelow(from: TerraformResource, attribute: string, depth: number): string | undefined {
    const id = textIn(from.values, attribute);
    const referred = this.#lookup.resourceOf(from, attribute);
    if ((id !== undefined && isRoot(id)) || referred?.type === 'aws_organizations_organization') return '';
    const unit = (id === undefined ? undefined : this.#units.get(id)) ?? referred;
    return unit === undefined || !isUnit(unit) || depth > deepest ? undefined : this.#pathOf(unit, depth + 1);
  }

  #pathOf(unit: TerraformResource, depth = 0): string | undefined {
    const name = textIn(unit.values, 'name');
    const above = this.#pathBelow(unit, 'parent_id', depth);
    if (name === undefined || above === undefined) return undefined;
    return above === '' ? name : `${above}/${name}`;
  }

  #targetOf(attachment: TerraformResource): string | undefined {
    const id = textIn(attachment.values, 'target_id');
    const path = this.#pathBelow(attachment, 'target_id', 0);
    if (path !== undefined) return path === '' ? 'root' : `ou/${path}`;
    const account = this.#lookup.resourceOf(attachment, 'target_id');
    return id ?? (account === undefined ? undefined : textIn(account.values, 'id'));
  }

  targetsOf(policy: TerraformResource): { targets: string[]; unknown: boolean } {
    const id = textIn(policy.values, 'id');
    const own = this.#attachments.filter(
      (it) =>
        (id !== undefined && textIn(it.values, 'policy_id') === id) ||
        this.#lookup.resourceOf(it, 'policy_id') === policy,
    );
    const targets = own.map((it) => this.#targetOf(it));
    return {
      targets: targets.filter((it) => it !== undefined).toSorted(),
      unknown: targets.includes(undefined),
    };
  }
}

/** Reads the organisation out of the resources of a file. */
export function organizationShape(resources: readonly TerraformResource[], lookup: Lookup): OrganizationShape {
  return new Shape(resources, lookup);
}
