// An imported definition judged as every definition is. AWS holds things that no definition can: their entries go,
// each with a finding, and the rest stays sound.
import type { Finding } from '../findings.ts';
import { definitionSchema, type Definition } from '../model.ts';
import { pathText, schemaProblems, type Problem } from '../problems.ts';
import { referenceProblems } from '../references.ts';
import type { Entry, Found } from './found.ts';

/** The definition as `load` would have it: variables put in. Undefined where it does not fit the schema. */
export function parsed(found: Found, definition: Entry): Definition | undefined {
  return definitionSchema.safeParse(filled(found, definition)).data;
}

function filled(found: Found, definition: Entry): unknown {
  const text = JSON.stringify(definition).replaceAll(
    /\$\{var\.(\w+)\}/g,
    (whole, name: string) => found.variables[name] ?? whole,
  );
  return JSON.parse(text);
}

function problemsOf(found: Found, definition: Entry): readonly Problem[] {
  const result = definitionSchema.safeParse(filled(found, definition));
  return result.success ? referenceProblems(result.data) : schemaProblems(definitionSchema, result.error.issues);
}

/** Parts whose entries can go one by one; what is wrong elsewhere is a defect of the import. */
const parts: ReadonlySet<string> = new Set(['roles', 'policies', 'groups', 'people', 'providers', 'guardrails']);

function without(definition: Entry, [part, name]: readonly (string | number)[]): Entry | undefined {
  if (part === 'passwordPolicy') {
    const { passwordPolicy: _, ...rest } = definition;
    return rest;
  }
  const entries = parts.has(String(part)) ? (definition[part!] as Entry) : undefined;
  if (entries === undefined || name === undefined || !Object.hasOwn(entries, name)) return undefined;
  const { [name]: _, ...rest } = entries;
  return { ...definition, [part!]: rest };
}

/** The definition without the entries that no definition can have. Terminates: each round takes an entry away. */
export function soundDefinition(found: Found, definition: Entry): { definition: Entry; findings: Finding[] } {
  const findings: Finding[] = [];
  let current = definition;
  for (;;) {
    const problems = problemsOf(found, current);
    if (problems.length === 0) return { definition: current, findings };
    const told = new Set<string>();
    for (const { path, message } of problems) {
      const place = pathText(path.slice(0, 2));
      const rest = told.has(place) ? undefined : without(current, path);
      if (rest === undefined) continue;
      told.add(place);
      current = rest;
      findings.push({
        severity: 'warning',
        code: 'not-taken-over',
        message: `\`${place}\` is not taken over, since no definition can hold it: ${message}`,
        hint: 'write it by hand, or change it in AWS first',
      });
    }
    if (told.size === 0) throw new Error(`an imported definition is not sound: ${problems[0]!.message}`);
  }
}
