// Fills `{{identity.…}}` in the paths of policies with what is known of the caller. A path that cannot
// be filled is dropped with its whole rule, so that it allows nothing.
// Source: OpenBao sdk/helper/identitytpl/templating.go (ACL mode).
import { brokerFailure } from './failures.ts';

export interface TemplateAlias {
  readonly id: string;
  readonly name: string;
  readonly mountAccessor: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly customMetadata: Readonly<Record<string, string>>;
}

export interface TemplateGroup {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Who calls, as templates see it. */
export interface TemplateIdentity {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly aliases: readonly TemplateAlias[];
  /** Groups of the entity, direct and inherited. */
  readonly groups: readonly TemplateGroup[];
}

export interface TemplateLimits {
  readonly allowSlashes: boolean;
  readonly allowWildcards: boolean;
}

/** @throws Failure `policy-invalid` when a `{{` has no `}}` or the reverse. */
export function checkTemplate(text: string): void {
  if (pieces(text) === undefined) {
    throw brokerFailure(
      'policy-invalid',
      'failed to parse policy: failed to validate policy templating: unbalanced templating characters',
      { hint: `close every \`{{\` with \`}}\` in \`${text}\`` },
    );
  }
}

/** The text with every template filled in; undefined when one of them has no value here. */
export function fillTemplate(
  text: string,
  identity: TemplateIdentity | undefined,
  limits: TemplateLimits,
): string | undefined {
  let filled = '';
  for (const piece of pieces(text) ?? [{ template: '' }]) {
    if ('literal' in piece) {
      filled += piece.literal;
      continue;
    }
    const value = identity === undefined ? undefined : lookUp(piece.template, identity);
    // SECURITY: a value with a wildcard or a slash would widen the rule to what its author did not
    // write (OpenBao 2.6 refuses them; `allow_…_in_identity_templates` of the policy permits them).
    if (value === undefined || (!limits.allowWildcards && /[*+]/.test(value))) return undefined;
    if (!limits.allowSlashes && value.includes('/')) return undefined;
    filled += value;
  }
  return filled;
}

type Piece = { readonly literal: string } | { readonly template: string };

function pieces(text: string): readonly Piece[] | undefined {
  const [before, ...parts] = text.split('{{') as [string, ...string[]];
  if (before.includes('}}')) return undefined;
  const result: Piece[] = [{ literal: before }];
  for (const part of parts) {
    const [template, literal, ...more] = part.split('}}');
    if (template === undefined || literal === undefined || more.length > 0) return undefined;
    result.push({ template: template.trim() }, { literal });
  }
  return result;
}

function lookUp(template: string, identity: TemplateIdentity): string | undefined {
  const [root, subject, ...rest] = template.split('.');
  if (root !== 'identity') return undefined;
  if (subject === 'entity') return ofEntity(rest, identity);
  return subject === 'groups' ? ofGroups(rest, identity.groups) : undefined;
}

function ofEntity([field, ...rest]: readonly string[], identity: TemplateIdentity): string | undefined {
  if (field === 'id' && rest.length === 0) return identity.id;
  if (field === 'name' && rest.length === 0) return present(identity.name);
  if (field === 'metadata') return member(identity.metadata, rest);
  if (field !== 'aliases') return undefined;
  const [accessor, ...selector] = rest;
  const alias = identity.aliases.find(({ mountAccessor }) => mountAccessor === accessor);
  return alias === undefined ? undefined : ofAlias(selector, alias);
}

function ofAlias([field, ...rest]: readonly string[], alias: TemplateAlias): string | undefined {
  if (field === 'id' && rest.length === 0) return alias.id;
  if (field === 'name' && rest.length === 0) return present(alias.name);
  if (field === 'metadata') return member(alias.metadata, rest);
  return field === 'custom_metadata' ? member(alias.customMetadata, rest) : undefined;
}

function ofGroups([by, key, ...rest]: readonly string[], groups: readonly TemplateGroup[]): string | undefined {
  if (by !== 'ids' && by !== 'names') return undefined;
  const group = groups.find(({ id, name }) => (by === 'ids' ? id : name) === key);
  const [field, ...more] = rest;
  if (group === undefined) return undefined;
  if (field === 'id' && more.length === 0) return group.id;
  if (field === 'name' && more.length === 0) return present(group.name);
  return field === 'metadata' ? member(group.metadata, more) : undefined;
}

function member(values: Readonly<Record<string, string>>, keys: readonly string[]): string | undefined {
  const key = keys.join('.');
  return keys.length > 0 && Object.hasOwn(values, key) ? values[key] : undefined;
}

function present(value: string): string | undefined {
  return value === '' ? undefined : value;
}
