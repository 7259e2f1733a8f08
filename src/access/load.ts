// From a file to a definition that is known to be sound: read, variables put in, shape and names checked.
// The canonical JSON is what is hashed, reviewed and planned.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { canonicalJson } from '../base/index.ts';
import { accessFailure } from './failures.ts';
import { wordProblems } from './check-words.ts';
import { definitionSchema, type Definition } from './model.ts';
import { definitionFailure, schemaProblems, type Path } from './problems.ts';
import { referenceProblems } from './references.ts';
import { placeOf, type Place } from './place.ts';
import { readSource } from './source.ts';
import { fillVariables, type VariableInput } from './variables.ts';

export interface LoadOptions {
  readonly cwd: string;
  /** `--config FILE`; without it the folder must hold exactly one definition. */
  readonly config?: string | undefined;
  readonly variables: VariableInput;
  /** The running Stint's library: what `import … from 'stint'` means inside a TypeScript definition. */
  readonly library: URL;
  readonly signal?: AbortSignal | undefined;
}

export interface LoadedDefinition {
  readonly definition: Definition;
  /** The file, as the user named it. */
  readonly file: string;
  /** Canonical JSON of the definition, equal for equal definitions whatever door they came through. */
  readonly canonical: string;
  /** SHA-256 of `canonical`, hexadecimal. */
  readonly hash: string;
  /** `file:line:column` of the value at `path`, or of what comes nearest. */
  readonly place: (path: Path) => string;
  /** The same with the line that stands there. */
  readonly placeAt: (path: Path) => Place;
}

const fileNames = ['stint.config.ts', 'stint.config.yaml', 'stint.config.yml', 'stint.config.json'];

function chooseFile({ cwd, config }: LoadOptions): string {
  if (config !== undefined) return config;
  const found = fileNames.filter((name) => existsSync(join(cwd, name)));
  if (found.length === 1) return found[0]!;
  if (found.length === 0) {
    throw accessFailure('definition-missing', 'there is no `stint.config.ts`, `.yaml` or `.json` in this folder', {
      hint: 'name the definition with `--config FILE`',
    });
  }
  throw accessFailure('definition-ambiguous', `this folder holds ${found.map((it) => `\`${it}\``).join(' and ')}`, {
    hint: `choose one with \`--config ${found[0]}\``,
  });
}

/**
 * Loads and checks a definition.
 * @throws Failure `definition-missing`, `-ambiguous`, `-unreadable`, `-invalid` (every problem with file:line:column),
 * `variable-undeclared`, `variable-missing`, `variable-file-invalid`.
 */
export async function loadDefinition(options: LoadOptions): Promise<LoadedDefinition> {
  const file = chooseFile(options);
  const source = await readSource(resolve(options.cwd, file), file, options);
  const { filled, problems } = fillVariables(source.raw, {
    ...options.variables,
    files: options.variables.files?.map((name) => resolve(options.cwd, name)),
  });
  if (problems.length > 0) throw definitionFailure(source, problems);
  const parsed = definitionSchema.safeParse(filled);
  if (!parsed.success) throw definitionFailure(source, schemaProblems(definitionSchema, parsed.error.issues));
  const wrong = referenceProblems(parsed.data);
  if (wrong.length > 0) throw definitionFailure(source, wrong);
  const misspelt = await wordProblems(parsed.data);
  if (misspelt.length > 0) throw definitionFailure(source, misspelt);
  const { $schema: _, ...definition } = parsed.data;
  const canonical = canonicalJson(definition);
  return {
    definition,
    file,
    canonical,
    hash: createHash('sha256').update(canonical).digest('hex'),
    place: (path) => source.place(path),
    placeAt: (path) => placeOf(source.place(path), source.text),
  };
}
