// Writes everything that is generated, in an order in which each finds what it reads; `docs` alone writes the pages.
// With `--check` it writes nothing and fails when a file is not fresh.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

/** What code reads, before the pages that are made of code. */
const tables = ['access', 'wire', 'catalog'];
const pages = ['completion', 'docs', 'cli-docs', 'vault-docs', 'cloud-docs', 'definition-docs', 'lint-docs'];

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true });
for (const name of positionals.includes('docs') ? pages : [...tables, ...pages]) {
  const file = new URL(`generate-${name}.ts`, import.meta.url).pathname;
  const { status } = spawnSync(process.execPath, [file, ...(values.check === true ? ['--check'] : [])], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
