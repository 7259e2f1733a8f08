// What is wrong with a definition, told with file, line and column, and with the cure.
import type { Failure } from '../base/index.ts';
import { nearestName } from '../base/index.ts';
import type { z } from 'zod';
import { accessFailure } from './failures.ts';
import { markedAt } from './place.ts';
import type { Source } from './source.ts';

export type Path = readonly (string | number)[];

export interface Problem {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string | undefined;
}

type Issue = z.core.$ZodIssue;
type AnySchema = z.core.$ZodType;

/** `roles.app.trust[0]`, as people write it; the whole file is `definition`. */
export function pathText(path: Path): string {
  if (path.length === 0) return 'definition';
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

/** The keys that the schema allows at `path`; empty where any key is. */
function allowedKeys(schema: AnySchema, path: Path): string[] {
  const def = (schema as unknown as { _zod: { def: Record<string, unknown> } })._zod.def;
  switch (def['type']) {
    case 'optional':
      return allowedKeys(def['innerType'] as AnySchema, path);
    case 'union':
      return (def['options'] as AnySchema[]).flatMap((option) => allowedKeys(option, path));
    case 'record':
      return path.length === 0 ? [] : allowedKeys(def['valueType'] as AnySchema, path.slice(1));
    case 'array':
      return path.length === 0 ? [] : allowedKeys(def['element'] as AnySchema, path.slice(1));
    case 'object': {
      const shape = def['shape'] as Record<string, AnySchema>;
      if (path.length === 0) return Object.keys(shape);
      const member = shape[String(path[0])];
      return member === undefined ? [] : allowedKeys(member, path.slice(1));
    }
    default:
      return [];
  }
}

function unknownKeyProblems(schema: AnySchema, issue: Extract<Issue, { code: 'unrecognized_keys' }>): Problem[] {
  const path = issue.path as Path;
  const known = allowedKeys(schema, path);
  return issue.keys.map((key) => {
    const near = nearestName(key, known);
    return {
      path: [...path, key],
      message: `unknown key \`${key}\` in \`${pathText(path)}\``,
      hint: near === undefined ? `known keys: ${known.join(', ')}` : `did you mean \`${near}\`?`,
    };
  });
}

/** Of the branches of a union, the one whose complaint lies deepest: that is the form its author meant. */
function meantBranch(issue: Extract<Issue, { code: 'invalid_union' }>): readonly Issue[] | undefined {
  return issue.errors.find((branch) => branch.some(({ path, code }) => path.length > 0 || code !== 'invalid_type'));
}

/**
 * Problems of a definition in the words of its author, from the schema's issues. Unknown keys come first: a key that
 * is missing is often one that is misspelt.
 */
export function schemaProblems(schema: AnySchema, issues: readonly Issue[]): Problem[] {
  const unknown = issues.filter(({ code }) => code === 'unrecognized_keys');
  const others = issues.filter(({ code }) => code !== 'unrecognized_keys');
  return [...unknown, ...others].flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') return unknownKeyProblems(schema, issue);
    if (issue.code === 'invalid_union') {
      const branch = meantBranch(issue);
      const inner = branch?.filter(({ code }) => code !== 'invalid_value') ?? [];
      if (inner.length > 0) {
        return schemaProblems(
          schema,
          inner.map((it) => ({ ...it, path: [...issue.path, ...it.path] })),
        );
      }
    }
    if (issue.code === 'invalid_key') {
      const reason = issue.issues[0]?.message ?? 'is not allowed';
      return [{ path: issue.path as Path, message: `name \`${String(issue.path.at(-1))}\`: ${reason}` }];
    }
    const message = issue.message.replace(/^Invalid input: (?:expected .*, received undefined)?/, '') || 'is missing';
    return [{ path: issue.path as Path, message: `\`${pathText(issue.path as Path)}\`: ${message}` }];
  });
}

/** How many problems are shown with their line: more would hide what they say. */
const snippets = 10;

/** One failure that tells every problem, each with its place; the hint is the first one's cure. */
export function definitionFailure(source: Source, problems: readonly Problem[]): Failure {
  const lines = problems.map(({ path, message, hint }, index) => {
    const cure = index === 0 || hint === undefined ? '' : ` (${hint})`;
    const place = source.place(path);
    return `${place}: ${message}${cure}${index < snippets ? markedAt(place, source.text) : ''}`;
  });
  return accessFailure('definition-invalid', lines.join('\n'), {
    hint: problems[0]?.hint ?? 'docs/schema/stint.schema.json says what may stand there',
    detail: problems,
  });
}
