// Reads the server's configuration file, YAML or JSON, and tells every mistake with its line and column.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isMap, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { nearestName, type Failure } from '../../base/index.ts';
import type { z } from 'zod';
import { cliFailure } from '../failures.ts';
import { configSchema, configVersion, type ServerConfig } from './config-schema.ts';

/** @throws Failure `file-unreadable`, `config-invalid`, `config-newer`. */
export function readConfig(file: string, cwd: string): ServerConfig {
  const path = resolve(cwd, file);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw cliFailure('file-unreadable', `the configuration \`${file}\` cannot be read`, {
      hint: 'check the path, and that you may read it',
      cause: error,
    });
  }
  return anchored(parseConfig(text, file), dirname(path));
}

/** Reads the text of a configuration; `file` is its name for messages. @throws as `readConfig`. */
export function parseConfig(text: string, file: string): ServerConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const places = { document, lines };
  if (document.errors.length > 0) {
    throw invalid(
      file,
      document.errors.map(({ pos, message }) => `${placeAt(lines, pos[0])} ${message}`),
    );
  }
  const value = plainValue(document, file);
  checkVersion(value, file);
  const parsed = configSchema.safeParse(value);
  if (!parsed.success)
    throw invalid(
      file,
      parsed.error.issues.flatMap((issue) => issueLines(issue, places)),
    );
  const problems = contradictions(parsed.data, places);
  if (problems.length > 0) throw invalid(file, problems);
  return parsed.data;
}

function plainValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw invalid(file, [`1:1 aliases that multiply are not followed (${String(error)})`]);
  }
}

interface Places {
  readonly document: Document;
  readonly lines: LineCounter;
}

function checkVersion(value: unknown, file: string): void {
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined;
  if (typeof version !== 'number' || version <= configVersion) return;
  throw cliFailure('config-newer', `\`${file}\` has version ${version}`, {
    hint: `this stint reads version ${configVersion}; use a newer one`,
  });
}

/** What the shape cannot say. */
function contradictions({ listener, audit }: ServerConfig, places: Places): readonly string[] {
  const found: string[] = [];
  const tell = (path: readonly PropertyKey[], message: string): void =>
    void found.push(`${placeOf(places, path)} ${message}`);
  if (listener.tls === undefined && !listener.plaintext && !/^(localhost|127\.|\[::1\])/.test(listener.address)) {
    tell(['listener'], 'without `tls`, tokens cross the network in clear: add it, or say `plaintext: true`');
  }
  if (listener.tls !== undefined && listener.plaintext) {
    tell(['listener', 'plaintext'], '`plaintext` and `tls` contradict each other');
  }
  const seen = new Set<string>();
  for (const [index, { path }] of audit.entries()) {
    const name = path.replace(/\/$/, '');
    if (seen.has(name)) tell(['audit', index, 'path'], `the audit device \`${name}\` is given twice`);
    seen.add(name);
  }
  return found;
}

function issueLines(issue: z.core.$ZodIssue, places: Places): readonly string[] {
  const name = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const near = nearestName(key, namesAt(issue.path));
      const meant =
        near === undefined ? `the names here are ${namesAt(issue.path).join(', ')}` : `did you mean \`${near}\`?`;
      return `${keyPlace(places, issue.path, key)} unknown name \`${key}\`: ${meant}`;
    });
  }
  const text =
    issue.code === 'invalid_union' && name === 'seal' ? 'one of `shamir: {}` and `local: {}` is needed' : issue.message;
  return [
    `${placeOf(places, issue.path)} ${name === '' ? '' : `\`${name}\`: `}${text.charAt(0).toLowerCase()}${text.slice(1)}`,
  ];
}

/** The names that the object at `path` may have. */
function namesAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = configSchema;
  for (const step of path) schema = memberOf(schema, step);
  return Object.keys((unwrapped(schema) as { shape?: object } | undefined)?.shape ?? {});
}

function memberOf(schema: unknown, step: PropertyKey): unknown {
  const plain = unwrapped(schema) as { shape?: Readonly<Record<PropertyKey, unknown>>; element?: unknown } | undefined;
  return typeof step === 'number' ? plain?.element : plain?.shape?.[step];
}

function unwrapped(schema: unknown): unknown {
  const inner = (schema as { def?: { innerType?: unknown } } | undefined)?.def?.innerType;
  return inner === undefined ? schema : unwrapped(inner);
}

function placeAt(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${line}:${col}`;
}

/** Place of the value at `path`, or of what would hold it. */
function placeOf({ document, lines }: Places, path: readonly PropertyKey[]): string {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node?.range) return placeAt(lines, node.range[0]);
  }
  return '1:1';
}

function keyPlace(places: Places, path: readonly PropertyKey[], key: string): string {
  const map = path.length === 0 ? places.document.contents : places.document.getIn(path, true);
  const pair = isMap<Node>(map) ? map.items.find((item) => String(item.key) === key) : undefined;
  return pair?.key.range ? placeAt(places.lines, pair.key.range[0]) : placeOf(places, path);
}

function invalid(file: string, problems: readonly string[]): Failure {
  const told = problems.length === 1 ? problems[0] : `${problems.length} mistakes: ${problems.join('; ')}`;
  return cliFailure('config-invalid', `in \`${file}\`: ${told}`, {
    hint: 'docs/server.md shows a whole configuration and says what each name does',
  });
}

/** Paths of the file are meant from its own folder. */
function anchored(config: ServerConfig, folder: string): ServerConfig {
  const { listener, storage, audit } = config;
  const at = (path: string): string => resolve(folder, path);
  return {
    ...config,
    listener:
      listener.tls === undefined
        ? listener
        : { ...listener, tls: { ...listener.tls, cert: at(listener.tls.cert), key: at(listener.tls.key) } },
    storage: { sqlite: { path: at(storage.sqlite.path) } },
    audit: audit.map((device) => {
      const file = device.options['file_path'];
      const plain = file === undefined || /^(stdout|discard)$/i.test(file);
      return plain ? device : { ...device, options: { ...device.options, file_path: at(file) } };
    }),
  };
}
