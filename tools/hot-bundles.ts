// How the files are bundled that are started all day: each is one file that loads nothing else. What they import with
// `await import(...)` stays out of them, and becomes a file of its own among the pieces of all other commands.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { build, type BuildOptions, type BuildResult, type Plugin } from 'esbuild';

export const shared: BuildOptions = {
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

const shebang = '#!/usr/bin/env node';

/** Below dist/cli, where `src/X.ts` lies when it is loaded later. */
const later = (source: string): string => `later/${source.replace(/\.ts$/, '')}`;

/** Leaves `import('./x.ts')` to the time when it is run, and adds `src/x.ts` to `sources`. */
function leavingLater(sources: Set<string>): Plugin {
  return {
    name: 'later',
    setup: (bundler) => {
      bundler.onResolve({ filter: /^\.\.?\// }, async ({ kind, path, resolveDir, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === 'asked') return undefined;
        const found = await bundler.resolve(path, { kind, resolveDir, pluginData: 'asked' });
        const source = relative('src', found.path);
        sources.add(source);
        return { path: `./${later(source)}.js`, external: true };
      });
    },
  };
}

export interface HotBundles {
  readonly results: readonly BuildResult[];
  /** Sources that are loaded later, below `src`. */
  readonly later: ReadonlySet<string>;
}

/** Bundles them; with `write: false` only to see what they are made of. */
export async function buildHot(write = true): Promise<HotBundles> {
  const sources = new Set<string>();
  const options: BuildOptions = { ...shared, write, plugins: [leavingLater(sources)] };
  const modules = await build({
    ...options,
    entryPoints: ['src/cli/main.ts'],
    banner: { js: shebang },
  });
  // Every millisecond of this one's start counts: a CommonJS file loads 3 ms sooner than an ES module.
  const script = await build({
    ...options,
    entryPoints: ['src/cli/stint-credentials.ts'],
    format: 'cjs',
    minify: true,
    outExtension: { '.js': '.cjs' },
    banner: { js: `const stintUrl = require('node:url').pathToFileURL(__filename).href;` },
    define: { ...shared.define, 'import.meta.url': 'stintUrl' },
  });
  // What both load by compiled.ts, which hands in the address.
  const body = await build({
    ...options,
    write: false,
    entryPoints: ['src/cli/hot.ts'],
    format: 'cjs',
    minify: true,
    outExtension: { '.js': '.cjs' },
    define: { ...shared.define, 'import.meta.url': 'stintUrl' },
  });
  if (write) writeHashed(body);
  return { results: [modules, script, body], later: sources };
}

/** Puts the files down as compiled.ts takes them: each begins with a comment that no other text would have. */
function writeHashed({ outputFiles }: BuildResult): void {
  for (const { path, text: bundled } of outputFiles ?? []) {
    const body = bundled.replaceAll(/(?<![\w$.])import\(/g, 'stintImport(');
    const text = `(function(module,exports,stintUrl,stintImport){${body}\n})\n`;
    mkdirSync(dirname(path), { recursive: true });
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 20);
    writeFileSync(path, `// ${hash}\n${text}`);
  }
}

/** The entry points of what is loaded later, for the bundle of everything else. */
export function laterEntries(sources: Iterable<string>): readonly { readonly in: string; readonly out: string }[] {
  return [...sources].map((source) => ({ in: `src/${source}`, out: later(source) }));
}
