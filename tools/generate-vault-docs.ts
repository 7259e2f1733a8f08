// Writes docs/vault-compatibility.md: every path of Vault that concerns lending AWS credentials, with what
// serves it. What is served is read from the tables of the broker, so that the page cannot claim more.
// With `--check` it writes nothing and fails when the page is not fresh.
import { readFileSync, writeFileSync } from 'node:fs';
import { AdjustableClock, systemRandom } from '../src/base/index.ts';
import { backendPattern } from '../src/broker/backends.ts';
import { catalogOf } from '../src/broker/catalog.ts';
import { patternOf, routes, type Route } from '../src/broker/routes/table.ts';
import { vaultPaths, type VaultPath } from './vault-paths.ts';

const file = 'docs/vault-compatibility.md';

interface Served {
  readonly matches: RegExp;
  readonly operations: readonly string[];
}

/** Mounts at their default paths; `oidc` has the paths of `jwt`. */
function servedPaths(): readonly Served[] {
  const { engines, methods } = catalogOf({ clock: new AdjustableClock(), random: systemRandom, environment: {} });
  const mounted = [...engines.map((one) => ['', one] as const), ...methods.map((one) => ['auth/', one] as const)];
  const own = Object.entries<Route>(routes)
    .filter(([name]) => name !== 'engine')
    .map(([, { pattern, operations }]) => ({ matches: patternOf(pattern), operations }));
  const below = mounted.flatMap(([prefix, { type, paths }]) =>
    paths.map(({ pattern, operations }) => ({
      matches: new RegExp(`^${prefix}${type}/${backendPattern(pattern).source.slice(1)}`, 's'),
      operations,
    })),
  );
  return [...own, ...below];
}

const all = servedPaths();

function isServed({ path, operations }: VaultPath): boolean {
  const example = path.replaceAll(/:\w+/g, 'x1');
  return operations
    .split(' ')
    .every((operation) => all.some((one) => one.operations.includes(operation) && one.matches.test(example)));
}

/** @throws Error when the list and the tables disagree. */
function state(path: VaultPath): string {
  const served = isServed(path);
  if (served && path.out !== undefined) throw new Error(`${path.path} is served and listed as left out`);
  if (!served && path.out === undefined)
    throw new Error(`${path.operations} ${path.path} is neither served nor left out`);
  if (path.out !== undefined) return `left out | ${path.out}`;
  return path.better === undefined ? 'done |' : `better | ${path.better}`;
}

const methods: Readonly<Record<string, string>> = {
  read: 'GET',
  update: 'POST',
  list: 'LIST',
  delete: 'DELETE',
  patch: 'PATCH',
};

function page(): string {
  const counts = { done: 0, better: 0, 'left out': 0 };
  const sections = Object.entries(vaultPaths).map(([title, paths]) => {
    const rows = paths.map((path) => {
      const said = state(path);
      counts[said.split(' |')[0] as keyof typeof counts]++;
      const verbs = path.operations
        .split(' ')
        .map((operation) => methods[operation])
        .join(' ');
      return `| \`${path.path}\` | ${verbs} | ${said} |`;
    });
    return [`## ${title}`, '', '| Path | Methods | | |', '|---|---|---|---|', ...rows, ''].join('\n');
  });
  return [
    '# Which of Vault’s paths Stint serves',
    '',
    'For teams that run Vault or OpenBao to lend AWS credentials. `better` means: the path has Vault’s meaning, and more;',
    '[better-than-vault.md](better-than-vault.md) says what. POST and PUT are the same; LIST is also `GET ?list=true`.',
    'The page is generated from the tables that serve: `npm run generate:docs`.',
    '',
    `${counts.done + counts.better} paths are served, ${counts.better} of them better; ${counts['left out']} are left out.`,
    '',
    ...sections,
  ].join('\n');
}

if (!process.argv.includes('--check')) writeFileSync(file, page());
else if (readFileSync(file, 'utf8') !== page()) {
  console.error(`${file} is not fresh: run \`npm run generate:docs\``);
  process.exitCode = 1;
}
