// Guard rails as resources of Terraform. Ids of an organisation are AWS's own and stand in no definition: Terraform looks
// them up itself, by the paths of units and the names of policies.
import type { Json } from '../../base/index.ts';
import type { OrganizationPolicyResource } from '../resources.ts';
import { terraformName } from './export-names.ts';
import { exported, tagEntry, type ExportedResource, type ExportScope } from './export-parts.ts';
import { escapeTemplate, type Block, type Entry, type Expression } from './hcl.ts';

type Policy = OrganizationPolicyResource;

export interface ExportedOrganization {
  readonly resources: readonly ExportedResource[];
  /** Data sources and locals by which ids are looked up. */
  readonly lookups: readonly Block[];
}

const value = (json: Json): Expression => ({ value: json });
const refer = (text: string): Expression => ({ refer: text });

const kinds = {
  SERVICE_CONTROL_POLICY: 'service_control_policies',
  RESOURCE_CONTROL_POLICY: 'resource_control_policies',
} as const;

/** The path with every unit above it, from the top. */
function lineage(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

class OrganizationExport {
  readonly #scope: ExportScope;
  readonly #provider: readonly Entry[];
  readonly #root: string;

  constructor(scope: ExportScope) {
    this.#scope = scope;
    this.#provider = scope.provider === undefined ? [] : [['provider', refer(scope.provider)]];
    this.#root = `data.aws_organizations_organization.${this.#name()}`;
  }

  #name(...parts: readonly string[]): string {
    return terraformName(this.#scope.account.name, ...parts);
  }

  #data(type: string, name: string, entries: readonly Entry[]): Block {
    return { kind: 'data', labels: [type, name], entries: [...this.#provider, ...entries] };
  }

  #unitName(path: string): string {
    return this.#name(...path.split('/'));
  }

  /** The id of `root`, a unit or an account. */
  #idOf(target: string): Expression {
    if (target === 'root') return refer(`${this.#root}.roots[0].id`);
    if (!target.startsWith('ou/')) return value(target);
    return refer(`data.aws_organizations_organizational_unit.${this.#unitName(target.slice(3))}.id`);
  }

  #units(paths: readonly string[]): Block[] {
    const all = [...new Set(paths.flatMap(lineage))].sort();
    const parent = (path: string): string =>
      path.includes('/') ? `ou/${path.slice(0, path.lastIndexOf('/'))}` : 'root';
    return all.map((path) =>
      this.#data('aws_organizations_organizational_unit', this.#unitName(path), [
        ['parent_id', this.#idOf(parent(path))],
        ['name', value(path.slice(path.lastIndexOf('/') + 1))],
      ]),
    );
  }

  /** The ids of what is there already, by name: only imports need them. */
  #policyIds(type: Policy['type']): Block[] {
    const name = this.#name(kinds[type]);
    return [
      this.#data('aws_organizations_policies', name, [['filter', value(type)]]),
      this.#data('aws_organizations_policy', name, [
        ['for_each', refer(`toset(data.aws_organizations_policies.${name}.ids)`)],
        ['policy_id', refer('each.value')],
      ]),
      {
        kind: 'locals',
        labels: [],
        entries: [[name, refer(`{ for it in data.aws_organizations_policy.${name} : it.name => it.policy_id }`)]],
      },
    ];
  }

  #policy(policy: Policy): ExportedResource[] {
    const id = `organization-policy/${policy.name}`;
    const known = `local.${this.#name(kinds[policy.type])}[${JSON.stringify(escapeTemplate(policy.name))}]`;
    const made = exported(this.#scope, 'aws_organizations_policy', [policy.name], id, refer(known), [
      ['name', value(policy.name)],
      ['type', value(policy.type)],
      policy.description === '' ? undefined : ['description', value(policy.description)],
      ['content', { policy: policy.document as unknown as Json }],
      tagEntry(this.#scope, policy.tags),
    ]);
    const attachments = policy.targets.map((target) => {
      const bound = this.#idOf(target);
      const place = 'refer' in bound ? bound.refer : JSON.stringify(target);
      return exported(
        this.#scope,
        'aws_organizations_policy_attachment',
        [policy.name, ...target.split('/')],
        id,
        refer(`join(":", [${place}, ${known}])`),
        [
          ['policy_id', refer(`${made.address}.id`)],
          ['target_id', bound],
        ],
      );
    });
    return [made, ...attachments];
  }

  export(policies: readonly Policy[], imports: boolean): ExportedOrganization {
    const targets = policies.flatMap((policy) => policy.targets);
    const paths = targets.flatMap((target) => (target.startsWith('ou/') ? [target.slice(3)] : []));
    const needsRoot = paths.length > 0 || targets.includes('root');
    const types = [...new Set(policies.map(({ type }) => type))];
    return {
      resources: policies.flatMap((policy) => this.#policy(policy)),
      lookups: [
        ...(needsRoot ? [this.#data('aws_organizations_organization', this.#name(), [])] : []),
        ...this.#units(paths),
        ...(imports ? types.flatMap((type) => this.#policyIds(type)) : []),
      ],
    };
  }
}

/** The guard rails that an account shall hold, but for those that are only watched. */
export function exportOrganization(scope: ExportScope, imports: boolean): ExportedOrganization {
  const policies = scope.account.resources.filter(
    (it): it is Policy => it.kind === 'organization-policy' && it.mode !== 'observe',
  );
  return policies.length === 0
    ? { resources: [], lookups: [] }
    : new OrganizationExport(scope).export(policies, imports);
}
