// What can be mounted, and which row of a mounted backend serves a path.
import { brokerFailure } from './failures.ts';
import { severalErrors } from './go-errors.ts';
import type { AuthMethod, Backend, Engine, PathRow } from './engines/engine.ts';
import type { Operation } from './model.ts';
import type { Located } from './mounts.ts';

/** Everything this server can mount. */
export interface Catalog {
  readonly engines: readonly Engine[];
  readonly methods: readonly AuthMethod[];
}

/** A path of a mount with the row that serves it. */
export interface LocatedPath extends Located {
  readonly row: PathRow;
  readonly params: Readonly<Record<string, string>>;
}

// Names as Vault allows them (sdk/framework, GenericNameWithAtRegex).
const nameSource = '\\w(?:[\\w.@-]*\\w)?';

interface Compiled {
  readonly row: PathRow;
  readonly matches: RegExp;
}

const compiled = new WeakMap<Backend, readonly Compiled[]>();

function compile(backend: Backend): readonly Compiled[] {
  const known = compiled.get(backend);
  if (known !== undefined) return known;
  const rows = backend.paths.map((row) => ({ row, matches: backendPattern(row.pattern) }));
  compiled.set(backend, rows);
  return rows;
}

/** What a row's pattern matches; `:name` is a name as Vault allows them. */
export function backendPattern(pattern: string): RegExp {
  const segments = pattern.split('/').map((segment) => {
    if (!segment.startsWith(':')) return segment.replace(/[.$^()+[\]{}|\\]/g, '\\$&');
    return segment.endsWith('*') ? `(?<${segment.slice(1, -1)}>.+)` : `(?<${segment.slice(1)}>${nameSource})`;
  });
  return new RegExp(`^${segments.join('/')}$`, 's');
}

/**
 * The row of the mount's backend that serves `operation` on the located path.
 * @throws Failure `no-route` for a path the backend does not have, `unsupported-operation`.
 */
export function rowOf(located: Located, operation: Operation): LocatedPath {
  let served = false;
  for (const { row, matches } of compile(located.backend)) {
    const found = matches.exec(located.rest);
    if (found === null) continue;
    if (operation === 'help' || row.operations.includes(operation))
      return { ...located, row, params: { ...found.groups } };
    served = true;
  }
  // Vault's core words what happens to a caller with a token, the method itself what happens to one without.
  const told = (text: string): string => (isOpenPath(located) ? text : severalErrors(text));
  if (served) throw brokerFailure('unsupported-operation', told('unsupported operation'));
  throw brokerFailure('no-route', told('unsupported path'));
}

/** Whether the path needs no token, by whatever operation it is asked. */
export function isOpenPath({ backend, rest }: Located): boolean {
  return compile(backend).some(({ row, matches }) => row.open === true && matches.test(rest));
}
