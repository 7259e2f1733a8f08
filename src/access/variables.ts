// `${var.NAME}` in the texts of a definition. Everything else that begins with `${` passes untouched:
// IAM has policy variables of its own, such as `${aws:username}`.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { nearestName } from '../base/index.ts';
import { accessFailure } from './failures.ts';
import type { Path, Problem } from './problems.ts';

/** Values from outside, in rising order of rank: environment, files, flags. */
export interface VariableInput {
  /** `--var k=v`. */
  readonly given?: Readonly<Record<string, string>> | undefined;
  /** `--var-file FILE`, later ones before earlier ones. */
  readonly files?: readonly string[] | undefined;
  /** `STINT_VAR_k` is read from here. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const use = /\$\{var\.([A-Za-z_]\w*)\}/g;

function readVariableFile(file: string): Record<string, string> {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw accessFailure('variable-file-invalid', `cannot read \`${file}\` as a file of variables`, {
      hint: 'write YAML or JSON: a line `name: "value"` for each',
      cause,
    });
  }
  const entries = typeof content === 'object' && content !== null ? Object.entries(content) : undefined;
  const wrong = entries?.find(([, value]) => typeof value !== 'string');
  if (entries === undefined || wrong !== undefined) {
    const what = wrong === undefined ? 'it is no map' : `\`${wrong[0]}\` is no text`;
    throw accessFailure('variable-file-invalid', `\`${file}\` is no file of variables: ${what}`, {
      hint: 'write YAML or JSON: a line `name: "value"` for each; ids of digits need quotes',
    });
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function declaredVariables(raw: unknown): Record<string, { default?: unknown }> {
  const variables = (raw as { variables?: unknown } | null)?.variables;
  return typeof variables === 'object' && variables !== null
    ? (variables as Record<string, { default?: unknown }>)
    : {};
}

/** The value of every declared variable. @throws Failure `variable-undeclared`, `variable-missing`. */
function variableValues(raw: unknown, input: VariableInput): Map<string, string> {
  const declared = declaredVariables(raw);
  const given: Record<string, string> = Object.assign({}, ...(input.files ?? []).map(readVariableFile), input.given);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue;
    const near = nearestName(name, Object.keys(declared));
    throw accessFailure('variable-undeclared', `the definition declares no variable \`${name}\``, {
      hint: near === undefined ? `declare it under \`variables\`` : `did you mean \`${near}\`?`,
    });
  }
  const values = new Map<string, string>();
  for (const [name, entry] of Object.entries(declared)) {
    const value = given[name] ?? input.env[`STINT_VAR_${name}`] ?? entry?.default;
    if (typeof value === 'string') values.set(name, value);
    else if (value === undefined) {
      throw accessFailure('variable-missing', `variable \`${name}\` has no value`, {
        hint: `give one with \`--var ${name}=…\`, \`STINT_VAR_${name}\` or a \`default\``,
      });
    }
  }
  return values;
}

/** `raw` with every `${var.NAME}` put in, and a problem for each name that is not declared. */
export function fillVariables(raw: unknown, input: VariableInput): { filled: unknown; problems: Problem[] } {
  const values = variableValues(raw, input);
  const problems: Problem[] = [];
  const fillText = (text: string, path: Path): string =>
    text.replaceAll(use, (whole, name: string) => {
      const value = values.get(name);
      if (value !== undefined) return value;
      const near = nearestName(name, values.keys());
      problems.push({
        path,
        message: `\`${whole}\` is used but not declared`,
        hint: near === undefined ? `declare it: \`variables: { ${name}: {} }\`` : `did you mean \`\${var.${near}}\`?`,
      });
      return whole;
    });
  const fill = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return fillText(value, path);
    if (Array.isArray(value)) return value.map((item, index) => fill(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        path.length === 0 && key === 'variables' ? member : fill(member, [...path, key]),
      ]),
    );
  };
  return { filled: fill(raw, []), problems };
}
