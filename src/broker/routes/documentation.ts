// sys/internal/specs/openapi and `?help=1`: the tables of routes and of mounted backends, as documents.
import type { Access } from '../access.ts';
import { bare, type Answer, type Call, type Served, served, tokenOf } from '../call.ts';
import { helpOfFolder, helpOfPath, openApi, type DocumentedPath } from '../documentation.ts';
import { brokerFailure } from '../failures.ts';
import { severalErrors } from '../go-errors.ts';
import type { Token } from '../model.ts';
import type { Mounts } from '../mounts.ts';
import type { Handlers } from '../pipeline.ts';
import { patternOf, routes, type Route, type RouteName } from './table.ts';

/** The Vault release whose API this server speaks; clients such as Terraform's provider choose fields by it. */
export const vaultVersion = '1.21.0';

export interface DocumentationParts {
  readonly mounts: Mounts;
  readonly access: Access;
  /** What serves the routes of the table. */
  readonly served: () => Readonly<Partial<Record<RouteName, Served>>>;
}

/** Serves the OpenAPI document. */
export function documentationHandlers(parts: DocumentationParts): Pick<Handlers, 'openapi'> {
  const fields = { generic_mount_paths: 'boolean', context: 'string' } as const;
  return {
    openapi: served(
      'The API as an OpenAPI document.',
      fields,
      async (call, { generic_mount_paths: generic = false }) => {
        // Which mounts there are is told only to who may touch them.
        const token = await parts.access.tokenOf(call.tokenId, call.remoteAddress);
        const mounted = token === undefined ? [] : await mountedPaths(parts, token, generic);
        return bare(openApi([...ownPaths(parts), ...mounted], vaultVersion));
      },
    ),
  };
}

/** Answers `?help=1`. @throws Failure `no-route` where nothing is. */
export async function help(parts: DocumentationParts, call: Call): Promise<Answer> {
  const { path } = call;
  const paths = [...ownPaths(parts), ...(await mountedPaths(parts, tokenOf(call), false))];
  const exact = paths.filter(({ pattern }) => patternOf(pattern).test(path));
  const below = paths.filter(({ pattern }) => pattern.startsWith(`${path}/`));
  const found = exact.length > 0 ? exact : below;
  const [first] = found;
  if (first === undefined) throw await nothingThere(parts, path);
  const text = exact.length > 0 ? helpOfPath(first, path) : helpOfFolder(below, path);
  return bare({ help: text, see_also: null, openapi: openApi(found, vaultVersion) });
}

async function nothingThere({ mounts }: DocumentationParts, path: string): Promise<Error> {
  const known = path.startsWith('sys/') || (await mounts.locate(path)) !== undefined;
  if (known) return brokerFailure('no-route', severalErrors('unsupported path'));
  return brokerFailure('no-route', `no handler for route "${path}". route entry not found.`);
}

/** The routes of the table. */
export function ownPaths(parts: Pick<DocumentationParts, 'served'>): readonly DocumentedPath[] {
  const handlers = parts.served();
  return (Object.entries(routes) as [RouteName, Route][])
    .filter(([name]) => name !== 'engine')
    .map(([name, { pattern, operations, checks }]) => ({
      pattern,
      operations,
      summary: handlers[name]?.summary ?? '',
      fields: handlers[name]?.fields ?? {},
      sudo: checks[5],
      open: !checks[3],
      creates: handlers[name]?.exists !== undefined,
    }));
}

async function mountedPaths(
  { mounts, access }: DocumentationParts,
  token: Token,
  generic: boolean,
): Promise<readonly DocumentedPath[]> {
  const all = await Promise.all(
    (await mounts.list()).map(async ({ path }) =>
      (await access.mayTouch(token, path)) ? mounts.locate(path) : undefined,
    ),
  );
  return all.flatMap((located) => {
    if (located === undefined) return [];
    const { mount, backend } = located;
    const at = generic ? `:${backend.type}_mount_path` : mount.path;
    return backend.paths.map(({ pattern, operations, summary, fields, sudo, open, exists }) => ({
      pattern: `${at}/${pattern}`,
      operations,
      summary,
      fields,
      sudo: sudo === true,
      open: open === true,
      creates: exists !== undefined,
    }));
  });
}
