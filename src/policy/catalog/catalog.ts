// What actions there are, what they do and to what: the questions that lint, diff and people ask of AWS's Service
// Authorization Reference. Services are read when first asked for.
import { nearestName } from '../../base/index.ts';
import { wildcardMatcher } from '../pattern.ts';
import { exposedBy } from './data-actions.ts';
import { matchingTypes, templateService } from './resource-types.ts';
import {
  blocksOf,
  readService,
  type AccessLevel,
  type CatalogAction,
  type CatalogService,
  type ConditionKey,
} from './table.ts';

/** The catalogue of IAM actions, as of one day. An action that is not in it may still exist: AWS adds some every week. */
export class Catalog {
  readonly #blocks: ReadonlyMap<string, string>;
  readonly #services = new Map<string, CatalogService>();
  readonly #actions = new Map<string, ReadonlyMap<string, CatalogAction>>();
  readonly #expanded = new Map<string, readonly string[]>();
  #byArnService: ReadonlyMap<string, readonly CatalogService[]> | undefined;

  /** `text`: what tools/generate-catalog.ts wrote. */
  constructor(text: string) {
    this.#blocks = blocksOf(text);
  }

  /** Prefixes of all services, sorted. */
  get services(): readonly string[] {
    return [...this.#blocks.keys()];
  }

  /** A service by its prefix, without case. */
  service(prefix: string): CatalogService | undefined {
    const key = prefix.toLowerCase();
    const known = this.#services.get(key);
    if (known !== undefined) return known;
    const block = this.#blocks.get(key);
    if (block === undefined) return undefined;
    const service = readService(block);
    this.#services.set(key, service);
    return service;
  }

  /** An action by its name `service:Action`, without case. */
  action(name: string): CatalogAction | undefined {
    const colon = name.indexOf(':');
    return colon < 0 ? undefined : this.#actionsOf(name.slice(0, colon).toLowerCase()).get(name.toLowerCase());
  }

  /** The service of an action. */
  serviceOf(action: string): CatalogService | undefined {
    return this.service(action.split(':', 1)[0]!);
  }

  levelOf(action: string): AccessLevel | undefined {
    return this.action(action)?.level;
  }

  /** What an action puts into the caller's hands beyond settings, such as `secrets`; `undefined` for most actions. */
  exposes(action: string): string | undefined {
    return exposedBy.get(action.toLowerCase());
  }

  /**
   * Names of the actions that a pattern of a policy covers (`*` and `?`, without case), sorted, in AWS's spelling. Empty
   * when there is none.
   */
  expandActions(pattern: string): readonly string[] {
    const key = pattern.toLowerCase();
    const known = this.#expanded.get(key);
    if (known !== undefined) return known;
    const found = this.#expand(key);
    this.#expanded.set(key, found);
    return found;
  }

  /** The action of the nearest spelling, for a name that does not exist; a service's own actions come first. */
  nearestAction(name: string): string | undefined {
    const [prefix = '', operation] = name.split(':');
    if (operation === undefined) return undefined;
    const service = this.service(prefix) ?? this.service(nearestName(prefix.toLowerCase(), this.services) ?? '');
    if (service === undefined) return undefined;
    const operations = service.actions.map((action) => action.name.slice(service.prefix.length + 1));
    const same = operations.find((it) => it.toLowerCase() === operation.toLowerCase());
    const near = same ?? nearestName(operation, operations);
    return near === undefined ? undefined : `${service.prefix}:${near}`;
  }

  /** Names of the actions that can be asked for a resource, by the form of its ARN, sorted; wildcards count as text. */
  actionsFor(resourceArn: string): readonly string[] {
    const services = this.#servicesOfArn(resourceArn.split(':')[2] ?? '');
    const types = matchingTypes(
      services.flatMap((service) => service.types),
      resourceArn,
    );
    return services
      .flatMap(({ actions }) => actions)
      .filter(({ resources }) => resources.some(({ type }) => types.has(type)))
      .map(({ name }) => name)
      .sort();
  }

  /** Condition keys of the action's own that its requests may carry; global keys are left out. */
  conditionKeysOf(action: string): readonly string[] {
    return this.action(action)?.conditionKeys ?? [];
  }

  /** A condition key of a service by its name as a policy has it: `ec2:ResourceTag/team` finds `ec2:ResourceTag/${TagKey}`. */
  conditionKey(service: string, key: string): ConditionKey | undefined {
    const lower = key.toLowerCase();
    return this.service(service)?.conditionKeys.find((it) =>
      wildcardMatcher(it.key.toLowerCase().replaceAll(/\$\{[^}]*\}/g, '?*'))(lower),
    );
  }

  #actionsOf(prefix: string): ReadonlyMap<string, CatalogAction> {
    const known = this.#actions.get(prefix);
    if (known !== undefined) return known;
    const table = new Map((this.service(prefix)?.actions ?? []).map((it) => [it.name.toLowerCase(), it]));
    this.#actions.set(prefix, table);
    return table;
  }

  #expand(pattern: string): readonly string[] {
    if (pattern === '*') return this.services.flatMap((prefix) => this.#namesOf(prefix, '*'));
    const colon = pattern.indexOf(':');
    if (colon < 0) return [];
    const prefix = pattern.slice(0, colon);
    const fits = wildcardMatcher(prefix);
    const services = /[*?]/.test(prefix) ? this.services.filter(fits) : [prefix];
    return services.flatMap((service) => this.#namesOf(service, pattern.slice(colon + 1)));
  }

  #namesOf(prefix: string, operation: string): readonly string[] {
    if (!/[*?]/.test(operation)) {
      const action = this.#actionsOf(prefix).get(`${prefix}:${operation}`);
      return action === undefined ? [] : [action.name];
    }
    const names = (this.service(prefix)?.actions ?? []).map(({ name }) => name);
    if (operation === '*') return names;
    const fits = wildcardMatcher(operation, { ignoreCase: true });
    return names.filter((name) => fits(name.slice(prefix.length + 1)));
  }

  #servicesOfArn(arnService: string): readonly CatalogService[] {
    if (this.#byArnService === undefined) {
      const table = new Map<string, Set<CatalogService>>();
      for (const prefix of this.services) {
        const service = this.service(prefix)!;
        for (const arn of service.types.flatMap(({ arns }) => arns)) {
          const key = templateService(arn);
          table.set(key, (table.get(key) ?? new Set()).add(service));
        }
      }
      this.#byArnService = new Map([...table].map(([key, found]) => [key, [...found]]));
    }
    return this.#byArnService.get(arnService) ?? [];
  }
}
