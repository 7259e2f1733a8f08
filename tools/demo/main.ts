// `npm run demo`: the whole story of the tutorial on one screen, with real calls on an embedded AWS.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createProcesses } from './processes.ts';
import { assumeSteps } from './steps/assume.ts';
import { defineSteps } from './steps/define.ts';
import { instanceSteps } from './steps/instance.ts';
import { lendSteps } from './steps/lend.ts';
import { tellStory } from './story.ts';
import { openWorld, type World } from './world.ts';

const root = join(import.meta.dirname, '..', '..');
const steps = [...defineSteps, ...assumeSteps, ...instanceSteps, ...lendSteps];
const usage = 'usage: npm run demo [-- --once] [-- --port 4566] [-- --listen 127.0.0.1:8200]';

interface Options {
  readonly once: boolean;
  readonly port: string;
  readonly listen: string;
}

function readOptions(argv: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        once: { type: 'boolean' },
        port: { type: 'string' },
        listen: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help === true) return undefined;
    const once = values.once === true;
    return {
      once,
      port: values.port ?? (once ? '0' : '4566'),
      listen: values.listen ?? (once ? '127.0.0.1:0' : '127.0.0.1:8200'),
    };
  } catch {
    return undefined;
  }
}

function printHow(world: World): void {
  const stint = `node ${join('src', 'cli', 'main.ts')}`;
  const file = `--credentials-file ${world.credentialsFile}`;
  process.stdout.write(`
Everything is still running: the embedded AWS at ${world.endpoint}, the server at ${world.server.address}.
In another shell, in this folder (\`export PATH="$PWD/node_modules/.bin:$PATH"\` first):

  eval "$(${stint} cloud env central ${file})"
  export VAULT_ADDR=${world.server.address} VAULT_TOKEN=${world.server.rootToken}

The server’s web page is ${world.server.address}/ui/: sign in with that VAULT_TOKEN.

Three things to try:
  ${stint} plan --config examples/tutorial/stint.config.ts
  ${stint} cloud events ${file}
  curl -s -H "x-vault-token: $VAULT_TOKEN" $VAULT_ADDR/v1/aws/creds/s3

Ctrl-C ends it.
`);
}

/** Resolves at Ctrl-C or SIGTERM, whenever it comes. */
function interruption(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve('interrupted'));
  });
}

async function main(options: Options): Promise<number> {
  const interrupted = interruption();
  const folder = mkdtempSync(join(tmpdir(), 'stint-demo-'));
  try {
    await using processes = createProcesses(join(root, 'src/cli/main.ts'), root, folder);
    const began = performance.now();
    const world = await openWorld(processes, options, root, folder);
    process.stdout.write(
      `Embedded AWS at ${world.endpoint}, lending server at ${world.server.address}; real AWS is never called.\n\n`,
    );
    const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
    let told = true;
    // After an interruption the steps fail because their processes end; that is not part of the story.
    const screen = { write: (text: string) => void (told && process.stdout.write(text)), colour };
    const failed = await Promise.race([tellStory(steps, world, screen), interrupted]);
    if (failed === 'interrupted') {
      told = false;
      return 130;
    }
    if (failed !== undefined) {
      const { number, title } = failed.step;
      process.stderr.write(`\nerror[demo-step]: step ${number} (${title}) did not hold: ${failed.why}\n`);
      return 1;
    }
    process.stdout.write(`\nEvery step held, in ${((performance.now() - began) / 1000).toFixed(1)} s.\n`);
    if (options.once) return 0;
    printHow(world);
    await Promise.race([interrupted, world.processes.ended]);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const options = readOptions(process.argv.slice(2));
if (options === undefined) {
  process.stderr.write(`${usage}\n`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await main(options);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`error[demo-start]: ${why.split('\nhint:')[0]}\n`);
    process.stderr.write('hint: `npm run demo -- --port 0 --listen 127.0.0.1:0` picks free ports\n');
    process.exitCode = 1;
  }
}
