// The condition keys that a policy asks for: in its conditions and as variables in its resources and condition values.
import type { DocumentSource, StatementSource } from './grammar.ts';

// `${*}`, `${?}` and `${$}` are escapes and no keys; a default may follow the key.
const variable = /\$\{\s*([^\s*?$,}][^,}]*?)\s*(?:,[^}]*)?\}/g;

function variablesIn(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => Array.from(text.matchAll(variable), ([, key]) => key!));
}

/** The keys of one statement, as written, each once (compared without case); `hasVariables`: of version 2012-10-17. */
export function statementKeys(statement: StatementSource, hasVariables: boolean): readonly string[] {
  const { resource, conditions } = statement;
  const inResources = hasVariables ? variablesIn(resource?.values ?? []) : [];
  const inConditions = conditions.flatMap(({ key, values }) => [key, ...(hasVariables ? variablesIn(values) : [])]);
  return withoutRepeats([...inResources, ...inConditions]);
}

/** The keys of whole documents, in order of appearance. */
export function contextKeysOf(documents: readonly DocumentSource[]): readonly string[] {
  return withoutRepeats(
    documents.flatMap(({ version, statements }) =>
      statements.flatMap((statement) => statementKeys(statement, version === '2012-10-17')),
    ),
  );
}

function withoutRepeats(keys: readonly string[]): readonly string[] {
  const seen = new Map<string, string>();
  for (const key of keys) if (!seen.has(key.toLowerCase())) seen.set(key.toLowerCase(), key);
  return [...seen.values()];
}
