// Builds the package: `tsc` emits the library subpaths, esbuild one executable file per command.
import { execFileSync } from 'node:child_process';
import { chmodSync, globSync, rmSync } from 'node:fs';
import { build, type BuildOptions } from 'esbuild';

const commands = ['src/cli/main.ts', 'src/cli/definition-targets.ts', ...globSync('src/cli/commands/*.ts')];
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
};

rmSync('dist', { recursive: true, force: true });
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
await build({
  ...shared,
  entryPoints: commands,
  // CommonJS packages inside an ES module bundle call `require` of Node's own modules.
  banner: {
    js: `${shebang}\nimport { createRequire as stintRequire } from 'node:module'; const require = stintRequire(import.meta.url);`,
  },
});
// Every millisecond of this one's start counts: a CommonJS file loads 3 ms sooner than an ES module.
await build({
  ...shared,
  entryPoints: ['src/cli/stint-credentials.ts'],
  format: 'cjs',
  minify: true,
  outExtension: { '.js': '.cjs' },
  banner: { js: `${shebang}\nconst stintUrl = require('node:url').pathToFileURL(__filename).href;` },
  define: { 'import.meta.url': 'stintUrl' },
});
for (const file of ['main.js', 'stint-credentials.cjs']) chmodSync(`dist/cli/${file}`, 0o755);
