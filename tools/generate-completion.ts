// Writes src/cli/shell/words.txt, the words that shells complete: one line a command, from the commands themselves. With
// `--check` it writes nothing and fails when the file is not fresh.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CommandModule } from '../src/cli/command.ts';
import { processIo } from '../src/cli/process-io.ts';

const file = 'src/cli/shell/words.txt';

async function everyCommand(): Promise<Command> {
  const program = new Command('stint').exitOverride();
  for (const path of globSync('src/cli/commands/*.ts').sort()) {
    ((await import(`../${path}`)) as CommandModule).register(program, processIo());
  }
  return program;
}

function fullName(command: Command): string {
  const { parent } = command;
  return parent === null ? '' : `${fullName(parent)} ${command.name()}`.trim();
}

function line(command: Command): string {
  const subcommands = command.commands.map((each) => each.name()).sort();
  const options = command.options.filter(({ hidden, long }) => !hidden && long !== undefined && long !== null);
  const flags = options.map(({ long, required, optional }) => `${long!}${required || optional ? '=' : ''}`);
  const target = command.registeredArguments[0]?.name() === 'target' ? 'target' : '';
  return `${fullName(command)}|${target}|${[...subcommands, ...flags.sort(), '--help'].join(' ')}`;
}

function lines(command: Command): readonly string[] {
  return [line(command), ...command.commands.flatMap(lines)];
}

const fresh = `${[...lines(await everyCommand())].sort().join('\n')}\n`;
if (!process.argv.includes('--check')) writeFileSync(file, fresh);
else if (readFileSync(file, 'utf8') !== fresh) {
  console.error(`${file} is not fresh: run \`npm run generate\``);
  process.exitCode = 1;
}
