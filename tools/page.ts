// Builds the web page of ui/ with esbuild, which the package is built with anyway: Vite would bring native add-ons
// (rolldown, lightningcss). Names of files hold a hash of what is in them, so that browsers may keep them for ever.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, type BuildResult } from 'esbuild';
import { version } from '../src/base/index.ts';

const root = join(import.meta.dirname, '..');

/** Builds the page into the folder, in the place of what was there. */
export async function buildPage(folder: string): Promise<BuildResult> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const result = await build({
    absWorkingDir: root,
    entryPoints: { app: 'ui/main.tsx', style: 'ui/style.css' },
    outdir: folder,
    entryNames: '[name]-[hash]',
    bundle: true,
    platform: 'browser',
    format: 'iife',
    target: 'es2023',
    jsx: 'automatic',
    minify: true,
    define: { 'process.env.NODE_ENV': '"production"', STINT_VERSION: JSON.stringify(version) },
    legalComments: 'eof',
    logLevel: 'warning',
    metafile: true,
  });
  const names = Object.keys(result.metafile.outputs).map((file) => basename(file));
  const html = readFileSync(join(root, 'ui/index.html'), 'utf8').replaceAll(/\{\{(\w+)\}\}/g, (_, entry: string) =>
    names.find((name) => name.startsWith(`${entry}-`))!,
  );
  writeFileSync(join(folder, 'index.html'), html);
  return result;
}
