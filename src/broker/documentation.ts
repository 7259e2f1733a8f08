// What the API is, said by the API: an OpenAPI document and `?help=1`, both made from the tables that
// serve it, so that they cannot say anything else.
import type { FieldSchema, FieldType } from './fields.ts';
import type { WireValue } from './http/wire.ts';
import type { Operation } from './model.ts';

/** A path of the API. */
export interface DocumentedPath {
  /** Below `/v1/`, variable parts as `:name` or `:name*`. */
  readonly pattern: string;
  readonly operations: readonly Operation[];
  readonly summary: string;
  readonly fields: FieldSchema;
  readonly sudo: boolean;
  /** Needs no token. */
  readonly open: boolean;
  /** A POST to something that is not there yet needs `create`. */
  readonly creates: boolean;
}

type Tree = { readonly [key: string]: WireValue };

const types: Readonly<Record<FieldType, Tree>> = {
  string: { type: 'string' },
  int: { type: 'integer' },
  float: { type: 'number', format: 'float' },
  seconds: { type: 'integer', format: 'seconds' },
  signedSeconds: { type: 'integer', format: 'seconds' },
  boolean: { type: 'boolean' },
  list: { type: 'array', items: { type: 'string' } },
  strings: { type: 'array', items: { type: 'string' } },
  map: { type: 'object', format: 'kvpairs' },
  object: { type: 'object', format: 'map' },
  headers: { type: 'string', format: 'headers' },
};

/** How the help names the types of fields, in Vault's words. */
const typeWords: Readonly<Record<FieldType, string>> = {
  string: 'string',
  int: 'int',
  float: 'float',
  seconds: 'duration (sec)',
  signedSeconds: 'duration (sec)',
  boolean: 'bool',
  list: 'comma-separated string slice',
  strings: 'string slice',
  map: 'keypair/list of keypairs',
  object: 'map',
  headers: 'header',
};

const verbs: readonly (readonly [operation: Operation, method: string, verb: string])[] = [
  ['list', 'get', 'list'],
  ['read', 'get', 'read'],
  ['update', 'post', 'write'],
  ['patch', 'patch', 'patch'],
  ['delete', 'delete', 'delete'],
];

/** An OpenAPI 3.0.2 document, with the extensions of Vault's own (`x-vault-sudo` and its like). */
export function openApi(paths: readonly DocumentedPath[], version: string): Tree {
  const items = new Map<string, Tree>();
  for (const path of paths) {
    const key = `/${path.pattern.replaceAll(/:(\w+)\*?/g, '{$1}')}`;
    items.set(key, { ...items.get(key), ...pathItem(path) });
  }
  const sorted = [...items].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    openapi: '3.0.2',
    info: {
      title: 'Stint API',
      description: 'Lends AWS access under leases. All paths are prefixed with `/v1/`.',
      version,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    paths: Object.fromEntries(sorted),
    components: { schemas: {} },
  };
}

function pathItem(path: DocumentedPath): Tree {
  const parameters = variablesOf(path).map(([name, type]): Tree => ({
    name,
    in: 'path',
    required: true,
    schema: types[type],
  }));
  const methods = verbs
    .filter(([operation]) => path.operations.includes(operation))
    .map(([operation, method, verb]) => [method, methodItem(path, operation, verb)] as const);
  return {
    description: path.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(path.creates ? { 'x-vault-createSupported': true } : {}),
    ...(path.sudo ? { 'x-vault-sudo': true } : {}),
    ...(path.open ? { 'x-vault-unauthenticated': true } : {}),
    ...Object.fromEntries(methods),
  };
}

function methodItem(path: DocumentedPath, operation: Operation, verb: string): Tree {
  const slug = path.pattern.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
  const response: readonly [string, Tree] =
    operation === 'delete' ? ['204', { description: 'empty body' }] : ['200', { description: 'OK' }];
  return {
    summary: path.summary,
    operationId: `${verb}-${slug}`,
    tags: [areaOf(path)],
    ...parametersOf(path, operation),
    ...bodyOf(path, operation),
    responses: Object.fromEntries([response]),
  };
}

function areaOf({ pattern }: DocumentedPath): string {
  const first = pattern.split('/')[0]!;
  return first === 'sys' ? 'system' : ['auth', 'identity', 'stint'].includes(first) ? first : 'secrets';
}

function parametersOf({ operations }: DocumentedPath, operation: Operation): Tree {
  if (operation !== 'list') return {};
  const required = !operations.includes('read');
  return { parameters: [{ name: 'list', in: 'query', required, schema: { type: 'string', enum: ['true'] } }] };
}

function bodyOf(path: DocumentedPath, operation: Operation): Tree {
  if (operation !== 'update' && operation !== 'patch') return {};
  const variables = new Set(variablesOf(path).map(([name]) => name));
  const fields = Object.entries(path.fields).filter(([name]) => !variables.has(name));
  if (fields.length === 0) return {};
  const properties = Object.fromEntries(fields.map(([name, type]) => [name, types[type]]));
  const type = operation === 'patch' ? 'application/merge-patch+json' : 'application/json';
  return { requestBody: { required: true, content: { [type]: { schema: { type: 'object', properties } } } } };
}

function variablesOf({ pattern, fields }: DocumentedPath): readonly (readonly [string, FieldType])[] {
  const names = [...pattern.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  return names.map((name) => [name, fields[name] ?? 'string'] as const);
}

/** The help of one path, as `?help=1` answers it. */
export function helpOfPath(path: DocumentedPath, asked: string): string {
  const fields = Object.entries(path.fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const parameters = fields.map(([name, type]) => `    ${name} (${typeWords[type]})\n`).join('\n');
  return [
    `Request:        ${asked}\nMatching Route: ${path.pattern}\n\n${path.summary}\n`,
    ...(fields.length === 0 ? [] : [`## PARAMETERS\n\n${parameters}`]),
    `## DESCRIPTION\n\n${path.summary}`,
  ].join('\n');
}

/** The help of all paths below `asked`. */
export function helpOfFolder(paths: readonly DocumentedPath[], asked: string): string {
  const lines = paths.map(({ pattern, summary }) => `    ${pattern}\n        ${summary}\n`);
  const words = 'The following paths are served. `?help=1` on any of them says more.';
  return `## DESCRIPTION\n\n${asked}/ of this server.\n\n## PATHS\n\n${words}\n\n${lines.join('\n')}`;
}
