// Builds the package: `tsc` emits the library subpaths, esbuild one executable file per command.
import { execFileSync } from 'node:child_process';
import { chmodSync, globSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const entryPoints = ['src/cli/main.ts', ...globSync('src/cli/commands/*.ts')];

rmSync('dist', { recursive: true, force: true });
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
await build({
  entryPoints,
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
  // CommonJS packages inside an ES module bundle call `require` of Node's own modules.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as stintRequire } from 'node:module'; const require = stintRequire(import.meta.url);",
  },
});
chmodSync('dist/cli/main.js', 0o755);
