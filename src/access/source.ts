// A definition file as text: YAML and JSON parsed with places kept, TypeScript run apart from all credentials.
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { isNode, isMap, isPair, LineCounter, parseDocument, type Document as YamlDocument } from 'yaml';
import { evaluateModule, type EvaluateOptions } from './evaluate.ts';
import { accessFailure } from './failures.ts';
import { moduleOffset } from './module-place.ts';
import { markedAt } from './place.ts';

export interface Source {
  /** Name of the file as the user gave it. */
  readonly file: string;
  readonly raw: unknown;
  /** The file as it is written. */
  readonly text: string;
  /** `file:line:column` of the value at `path`, or of what comes nearest. */
  place(path: readonly (string | number)[]): string;
}

function readText(file: string, shown: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw accessFailure('definition-missing', `cannot read \`${shown}\``, {
      hint: 'name the definition with `--config FILE`',
      cause,
    });
  }
}

/** The offset of the key of `path` in the document, or of its nearest ancestor that exists. */
function yamlOffset(document: YamlDocument, path: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const [depth, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && String(item.key) === String(part));
      if (pair === undefined) break;
      if (isNode(pair.key) && pair.key.range) offset = pair.key.range[0];
      node = pair.value;
    } else {
      node = document.getIn(path.slice(0, depth + 1), true);
      if (isNode(node) && node.range) offset = node.range[0];
    }
  }
  return offset;
}

/** The document as plain JSON. An alias inside its own anchor, or aliases that multiply without end, have none. */
function plainValue(document: YamlDocument, shown: string): unknown {
  try {
    return JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 1000 }))) as unknown;
  } catch (cause) {
    const reason = cause instanceof ReferenceError ? 'its aliases multiply without end' : 'an alias contains itself';
    throw accessFailure('definition-unreadable', `${shown}: ${reason}`, { hint: 'write the parts out', cause });
  }
}

function parseYaml(text: string, shown: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    const place = `${shown}:${line}:${col}`;
    const told = `${place}: ${error.message.replace(/\.$/, '')}${markedAt(place, text)}`;
    throw accessFailure('definition-unreadable', told, {
      hint: error.code === 'DUPLICATE_KEY' ? 'give the two entries different names' : 'mend the YAML at this place',
    });
  }
  return {
    file: shown,
    raw: plainValue(document, shown),
    text,
    place: (path) => {
      const { line, col } = lines.linePos(yamlOffset(document, path));
      return `${shown}:${line}:${col}`;
    },
  };
}

/**
 * Reads a definition file by its extension: `.yaml`, `.yml`, `.json`, or a TypeScript or JavaScript module.
 * @throws Failure `definition-missing` or `definition-unreadable`, with file, line and column.
 */
export async function readSource(file: string, shown: string, options: EvaluateOptions): Promise<Source> {
  const text = readText(file, shown);
  if (['.yaml', '.yml', '.json'].includes(extname(file))) return parseYaml(text, shown);
  if (!/\.[cm]?[jt]s$/.test(file)) {
    throw accessFailure('definition-unreadable', `\`${basename(file)}\` is no kind of definition`, {
      hint: 'a definition is a `.ts`, `.yaml` or `.json` file',
    });
  }
  const raw = await evaluateModule(file, shown, options);
  return {
    file: shown,
    raw,
    text,
    place: (path) => {
      const before = text.slice(0, moduleOffset(text, path)).split('\n');
      return `${shown}:${before.length}:${before.at(-1)!.length + 1}`;
    },
  };
}
