// The rule of the paths that are started all day: no package but @noble/hashes, no room but base and assume, and no import
// of Node's modules, whose facades load all that they can do (`node:http` undici, `node:fs` its promises):
// `process.getBuiltinModule` instead. `--list` prints what each file is made of, and how much of it.
import { buildHot } from './hot-bundles.ts';

/** Sources that may be part of them, and the one package that costs less than what Node has for it. */
const allowed = /^(?:src\/(?:base|assume|cli)|node_modules\/@noble\/hashes)\//;

let broken = false;
for (const { metafile } of (await buildHot(false)).results) {
  for (const [output, { bytes, inputs, imports }] of Object.entries(metafile!.outputs)) {
    if (!/\.c?js$/.test(output)) continue;
    const wrong = [
      ...Object.keys(inputs).filter((source) => !allowed.test(source)),
      ...imports.filter(({ kind }) => kind !== 'dynamic-import').map(({ path }) => path),
    ];
    broken ||= wrong.length > 0;
    for (const name of wrong)
      console.error(`${output} loads \`${name}\`: import it when it is needed, by \`await import\``);
    if (!process.argv.includes('--list')) continue;
    console.log(`${output}: ${Math.round(bytes / 1000)} kB, ${Object.keys(inputs).length} modules`);
    const parts = Object.entries(inputs).map(([source, { bytesInOutput }]) => ({ source, size: bytesInOutput }));
    for (const { source, size } of parts.sort((one, other) => other.size - one.size))
      console.log(`  ${size} ${source}`);
  }
}
process.exitCode = broken ? 1 : 0;
