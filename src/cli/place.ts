// Where the files of the command line lie: sources in a clone, bundles when built. A piece of a bundle may lie in any
// folder below, so nothing else may be made of `import.meta.url`.

const here = import.meta.url;

/** True for the bundles of `dist/cli`. */
export const isBuilt = here.endsWith('js');

/** The folder `cli`, whichever it is. */
const folder = here.slice(0, here.lastIndexOf('/cli/') + '/cli/'.length);

/** A file of this folder, by its path in it. Sources are named without extension. */
export function cliFile(name: string): URL {
  return new URL(name, folder);
}

/** A module of this folder, to be imported: its source in a clone, its bundle when built. */
export function cliModule(name: string): URL {
  return cliFile(`${name}.${isBuilt ? 'js' : 'ts'}`);
}

/** The library that `import … from 'stint'` means inside a definition. */
export function libraryUrl(): URL {
  return cliFile(isBuilt ? '../lib/index.js' : '../index.ts');
}
