// Filters and pages of the Describe operations.
import { wildcardMatcher } from '../../../policy/index.ts';
import { awsFailure } from '../../failures.ts';
import { invalidCombination, invalidParameter } from './failures.ts';
import type { Tags } from './model.ts';

export interface Filter {
  readonly Name?: string | undefined;
  readonly Values?: readonly string[] | undefined;
}

/** The values an entity has under each filter name; `tag:…` and `tag-key` are served by `tags`. */
export interface Filterable<Entity> {
  readonly fields: Readonly<Record<string, (entity: Entity) => string | readonly (string | undefined)[] | undefined>>;
  readonly tags: (entity: Entity) => Tags;
}

/**
 * What passes every filter: within one its values are alternatives, `*` and `?` are wildcards, and plain after a backslash.
 * @throws InvalidParameterValue 400 for a filter this operation does not have
 */
export function filtered<Entity>(
  entities: Iterable<Entity>,
  filters: readonly Filter[] | undefined,
  by: Filterable<Entity>,
): readonly Entity[] {
  const tests = (filters ?? []).map((filter) => testOf(filter, by));
  const kept: Entity[] = [];
  for (const entity of entities) if (tests.every((test) => test(entity))) kept.push(entity);
  return kept;
}

function testOf<Entity>(filter: Filter, by: Filterable<Entity>): (entity: Entity) => boolean {
  const name = filter.Name ?? '';
  const matchers = (filter.Values ?? []).map((value) => wildcardMatcher(value, { escapes: true }));
  const any = (values: readonly string[]): boolean =>
    values.some((value) => matchers.some((matches) => matches(value)));
  if (name.startsWith('tag:')) {
    const key = name.slice('tag:'.length);
    return (entity) => {
      const tags = by.tags(entity);
      return Object.hasOwn(tags, key) && any([tags[key]!]);
    };
  }
  if (name === 'tag-key') return (entity) => any(Object.keys(by.tags(entity)));
  const field = Object.hasOwn(by.fields, name) ? by.fields[name] : undefined;
  if (field === undefined) throw invalidParameter(`The filter '${name}' is invalid`);
  return (entity) => {
    const value = field(entity);
    return any(
      (Array.isArray(value) ? (value as readonly (string | undefined)[]) : [value as string | undefined]).filter(
        (one) => one !== undefined,
      ),
    );
  };
}

interface PageInput {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

/** Pages are of what is searched for, not of what is named: asked before the ids are looked up. @throws InvalidParameterCombination 400 */
export function checkNotPaged(ids: readonly string[] | undefined, input: PageInput): void {
  if (ids === undefined || ids.length === 0 || input.MaxResults === undefined) return;
  throw invalidCombination('The parameter instancesSet cannot be used with the parameter maxResults');
}

/** @throws InvalidParameterValue, InvalidNextToken 400 */
export function paged<Entity>(
  entities: readonly Entity[],
  input: PageInput,
  options: { readonly min?: number; readonly max?: number; readonly ids?: readonly string[] | undefined } = {},
): { readonly page: readonly Entity[]; readonly NextToken?: string } {
  const { min = 5, max = 1000 } = options;
  if (input.MaxResults === undefined && input.NextToken === undefined) return { page: entities };
  checkNotPaged(options.ids, input);
  const most = input.MaxResults ?? max;
  if (most < min || most > max) {
    throw invalidParameter(
      `Value ( ${most} ) for parameter maxResults is invalid. Expecting a value between ${min} and ${max}.`,
    );
  }
  const from = input.NextToken === undefined ? 0 : Number(Buffer.from(input.NextToken, 'base64url').toString());
  if (!Number.isInteger(from) || from < 0) {
    throw awsFailure('InvalidNextToken', 'The specified token is not valid', { status: 400 });
  }
  const page = entities.slice(from, from + most);
  const next = from + most;
  return next < entities.length ? { page, NextToken: Buffer.from(String(next)).toString('base64url') } : { page };
}

/** For what nobody can tag. */
export const noTags = (): Tags => ({});
