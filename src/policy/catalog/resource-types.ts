// Resource types by the form of ARNs. Templates overlap (`table/${Name}` and `table/${Name}/index/${Index}`): the one
// that spells out most is meant.
import type { ResourceType } from './table.ts';

interface Template {
  readonly matches: RegExp;
  /** Characters that the template spells out. */
  readonly literal: number;
}

const templates = new Map<string, Template>();

const placeholder = /\$\{[^}]*\}/g;

/** Service segment of a template, or of an ARN. */
export function templateService(arn: string): string {
  return arn.split(':')[2] ?? '';
}

// Names of buckets hold no slash, so that a bucket and its objects are told apart (S3 user guide, "Bucket naming rules").
function fill(name: string): string {
  return name === '${BucketName}' ? '[^/]+' : '.+';
}

function templateOf(arn: string): Template {
  const known = templates.get(arn);
  if (known !== undefined) return known;
  const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const texts = arn.split(placeholder);
  const names = arn.match(placeholder) ?? [];
  const source = texts.map((text, index) => escape(text) + (index < names.length ? fill(names[index]!) : '')).join('');
  // Region and account may be left out or be `*`.
  const loose = source.replace(/^arn:\.\+:([^:]*):\.\+:/, 'arn:.+:$1:.*:').replace(/^((?:[^:]*:){4})\.\+:/, '$1.*:');
  const template = { matches: new RegExp(`^${loose}$`), literal: texts.join('').length };
  templates.set(arn, template);
  return template;
}

/** The types that `arn` can be of: those whose template fits and spells out most. */
export function matchingTypes(types: readonly ResourceType[], arn: string): ReadonlySet<ResourceType> {
  const fitting = types.flatMap((type) =>
    type.arns
      .map(templateOf)
      .filter(({ matches }) => matches.test(arn))
      .map(({ literal }) => ({ type, literal })),
  );
  const most = Math.max(0, ...fitting.map(({ literal }) => literal));
  return new Set(fitting.filter(({ literal }) => literal === most).map(({ type }) => type));
}
