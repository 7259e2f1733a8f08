// Writes docs/cli.md, the page of every command with its options and examples, from the commands themselves. With
// `--check` it writes nothing and fails when the page is not fresh.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { Command, type Option } from 'commander';
import type { CommandModule } from '../src/cli/command.ts';
import { processIo } from '../src/cli/process-io.ts';

const file = 'docs/cli.md';

async function everyCommand(): Promise<readonly Command[]> {
  const program = new Command('stint').exitOverride();
  for (const path of globSync('src/cli/commands/*.ts').sort()) {
    ((await import(`../${path}`)) as CommandModule).register(program, processIo());
  }
  return [...program.commands].sort((one, other) => (one.name() < other.name() ? -1 : 1));
}

function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function section(command: Command): string {
  const options = command.options.filter(({ hidden }) => !hidden);
  return [
    `### ${fullName(command)}`,
    '',
    `${command.description()}.`,
    '',
    '```text',
    `${fullName(command)} ${command.usage()}`,
    ...examplesOf(command),
    '```',
    '',
    ...(options.length === 0 ? [] : ['| Option | Does |', '|---|---|', ...options.map(row), '']),
  ].join('\n');
}

function examplesOf(command: Command): readonly string[] {
  let page = '';
  command.configureOutput({ writeOut: (text) => (page += text) }).outputHelp();
  return page.split('Examples:\n')[1]?.trimEnd().split('\n') ?? [];
}

function row({ flags, description, defaultValue, argChoices }: Option): string {
  const choices = argChoices === undefined ? '' : `: ${argChoices.join(', ')}`;
  const unset = ['string', 'number'].includes(typeof defaultValue) && defaultValue !== '' ? ` (${defaultValue})` : '';
  return `| \`${flags}\` | ${`${description}${choices}${unset}`.replaceAll('|', '\\|')} |`;
}

async function page(): Promise<string> {
  const parts = (await everyCommand()).map((command) =>
    [`## ${fullName(command)}`, '', ...leaves(command).map(section)].join('\n'),
  );
  return [
    '# Commands',
    '',
    'Every command also takes `--help`, `--quiet` (no notes on stderr) and `--verbose` (when it fails, what caused it).',
    'Options of the verbs that people know from Vault may be spelt with one dash, and switches take `=true` and `=false`.',
    'This page is generated from the source: `npm run generate:docs`.',
    '',
    ...parts,
  ].join('\n');
}

const fresh = await page();
if (!process.argv.includes('--check')) writeFileSync(file, fresh);
else if (readFileSync(file, 'utf8') !== fresh) {
  console.error(`${file} is not fresh: run \`npm run generate:docs\``);
  process.exitCode = 1;
}
