// Where pieces are shared, esbuild gives `await import('package')` of a CommonJS package nothing but its default; Node
// gives its names too, and the sources count on them. So each such package gets a module in front of it that names them.
import { type Plugin } from 'esbuild';

const namespace = 'named-exports';

/** The module in front of a package: its names as Node sees them. */
async function inFront(name: string): Promise<string> {
  const keys = Object.keys((await import(name)) as object).filter((key) => /^[A-Za-z_$][\w$]*$/.test(key));
  const lines = keys.map((key) => `export ${key === 'default' ? 'default' : `const ${key} =`} all.${key};`);
  return [`import * as all from ${JSON.stringify(name)};`, ...lines, ''].join('\n');
}

/** Gives packages that are imported with `import()` their names. */
export const namedExports: Plugin = {
  name: namespace,
  setup: (bundler) => {
    bundler.onResolve({ filter: /^[^./]/ }, ({ kind, path }) =>
      kind === 'dynamic-import' && !path.startsWith('node:') ? { path, namespace } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace }, async ({ path }) => ({
      contents: await inFront(path),
      resolveDir: process.cwd(),
    }));
  },
};
