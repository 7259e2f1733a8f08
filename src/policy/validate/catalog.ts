// What the linter asks of AWS's catalogue of actions, in the linter's words. A catalogue may be older than AWS: what it
// does not know is told as unknown to it.
import { nearestName } from '../../base/index.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogAction, ConditionKey } from '../catalog/table.ts';
import { wildcardMatcher } from '../pattern.ts';

export type KeyType = 'String' | 'ARN' | 'Bool' | 'Date' | 'Numeric' | 'Binary' | 'IPAddress';

/** A kind of resource that an action works on. */
interface LintResource {
  /** ARN formats with `*` where a part is open: `arn:*:s3:::*`. */
  readonly arns: readonly string[];
}

/** Actions are `service:Name`; they and the keys are compared without case. */
export interface LintCatalog {
  hasService(service: string): boolean;
  nearService(service: string): string | undefined;
  has(action: string): boolean;
  near(action: string): string | undefined;
  /** The actions that a pattern covers, as AWS spells them. */
  matching(pattern: string): readonly string[];
  /** AWS's access level: `Read`, `List`, `Write`, `Tagging`, `Permissions management`. */
  levelOf(action: string): string | undefined;
  /** Empty: the action names no resource, so its resource must be `*`. */
  resourceTypes(action: string): readonly LintResource[];
  /** ARN formats of every resource of services whose ARNs have this service segment; empty where there is none. */
  serviceArns(service: string): readonly string[];
  /** Service keys that requests for an action can hold, names of tags in them as `*`. */
  conditionKeys(action: string): readonly string[];
  /** Whether a service has a key at all. */
  hasKey(key: string): boolean;
  nearKey(key: string): string | undefined;
  typeOf(key: string): KeyType | undefined;
  isMultivalued(key: string): boolean | undefined;
}

const types: Readonly<Record<string, KeyType>> = {
  string: 'String',
  arn: 'ARN',
  bool: 'Bool',
  boolean: 'Bool',
  date: 'Date',
  numeric: 'Numeric',
  long: 'Numeric',
  integer: 'Numeric',
  binary: 'Binary',
  ipaddress: 'IPAddress',
};

const open = (template: string): string => template.replaceAll(/\$\{[^}]*\}/g, '*');

/** The same for keys. The authorization reference writes names of tags in four ways. */
const openKey = (key: string): string =>
  open(key).replace(/(?:<[^>]*>|\/tag-key|Tag\/)$/i, (end) =>
    end[0] === '<' ? '*' : end.startsWith('/') ? '/*' : `${end}*`,
  );

const serviceOf = (name: string): string => name.split(':', 1)[0]!.toLowerCase();

/** ARN formats by their service segment, which is not always the prefix of the actions. */
function arnsByService(catalog: Catalog): ReadonlyMap<string, readonly string[]> {
  const table = new Map<string, string[]>();
  for (const prefix of catalog.services) {
    for (const arn of catalog.service(prefix)!.types.flatMap((type) => type.arns)) {
      const service = open(arn.split(':')[2] ?? '');
      const known = table.get(service) ?? [];
      table.set(service, known);
      known.push(open(arn));
    }
  }
  return table;
}

const linked = new WeakMap<Catalog, LintCatalog>();

/** The catalogue as the linter asks it. One per catalogue: what costs to find out is found out once. */
export function lintCatalog(catalog: Catalog): LintCatalog {
  const known = linked.get(catalog) ?? linkCatalog(catalog);
  linked.set(catalog, known);
  return known;
}

function linkCatalog(catalog: Catalog): LintCatalog {
  let arns: ReadonlyMap<string, readonly string[]> | undefined;
  const keys = new Map<string, readonly (readonly [pattern: (key: string) => boolean, key: ConditionKey])[]>();
  const patternsOf = (service: string) => {
    const known = keys.get(service);
    if (known !== undefined) return known;
    const made = (catalog.service(service)?.conditionKeys ?? []).map(
      (key) => [wildcardMatcher(openKey(key.key).toLowerCase()), key] as const,
    );
    keys.set(service, made);
    return made;
  };
  const keyOf = (key: string) => patternsOf(serviceOf(key)).find(([fits]) => fits(key.toLowerCase()))?.[1];
  const byAction = new Map<CatalogAction, readonly string[]>();
  const keysOf = (action: CatalogAction | undefined): readonly string[] => {
    if (action === undefined) return [];
    const known = byAction.get(action);
    if (known !== undefined) return known;
    const all = [...action.conditionKeys, ...action.resources.flatMap(({ type }) => type.conditionKeys)];
    const made = [...new Set(all.map((key) => openKey(key).toLowerCase()))];
    byAction.set(action, made);
    return made;
  };
  const arrayOf = (type: string): string | undefined => /^ArrayOf(.+)$/i.exec(type)?.[1];
  return {
    hasService: (service) => catalog.service(service) !== undefined,
    nearService: (service) => nearestName(service.toLowerCase(), catalog.services),
    has: (action) => catalog.action(action) !== undefined,
    near: (action) => catalog.nearestAction(action),
    matching: (pattern) => catalog.expandActions(pattern),
    levelOf: (action) => catalog.levelOf(action),
    resourceTypes: (action) =>
      (catalog.action(action)?.resources ?? []).map(({ type }) => ({ arns: type.arns.map(open) })),
    // Some kinds, such as recovery points of Backup, are of whatever service.
    serviceArns: (service) => {
      arns ??= arnsByService(catalog);
      const own = arns.get(service) ?? [];
      return own.length === 0 ? [] : [...own, ...(arns.get('*') ?? [])];
    },
    conditionKeys: (action) => keysOf(catalog.action(action)),
    hasKey: (key) => keyOf(key) !== undefined,
    nearKey: (key) =>
      nearestName(
        key,
        (catalog.service(serviceOf(key))?.conditionKeys ?? []).map((it) => it.key),
      ),
    typeOf: (key) => {
      const type = keyOf(key)?.type;
      return type === undefined ? undefined : types[(arrayOf(type) ?? type).toLowerCase()];
    },
    isMultivalued: (key) => {
      const type = keyOf(key)?.type;
      return type === undefined ? undefined : arrayOf(type) !== undefined;
    },
  };
}
