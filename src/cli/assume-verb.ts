// How a verb with a TARGET is described to commander.
import type { Command } from 'commander';
import { assumeOptions, readChoices, type AssumeChoices, type OptionValues } from './assume-options.ts';
import { runVerb } from './assume-session.ts';
import type { Io } from './command.ts';

interface VerbText {
  readonly name: string;
  readonly summary: string;
  readonly target: '<target>' | '[target]';
  readonly examples: readonly [string, string];
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

/** The two examples that every help page ends with. */
export function exampleText(examples: readonly [string, string]): string {
  return `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}\n`;
}

/** Adds the options of assumeOptions to a command. */
function addOptions(command: Command): Command {
  for (const { name, value, many, help } of assumeOptions) {
    const flags = value === undefined ? `--${name}` : `--${name} <${value}>`;
    if (many === true) command.option(flags, help, collect);
    else command.option(flags, help);
  }
  return command;
}

/** Commander's camelCase values under their option names. */
function optionValues(values: Readonly<Record<string, unknown>>): OptionValues {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [kebab(name), value])) as OptionValues;
}

/** Adds a verb whose action gets the target, the rest of the line and the checked options. */
export function addTargetVerb(
  program: Command,
  io: Io,
  text: VerbText,
  action: (
    target: string | undefined,
    choices: AssumeChoices,
    rest: readonly string[],
    values: OptionValues,
  ) => Promise<void>,
): Command {
  const command = program
    .command(text.name)
    .description(text.summary)
    .argument(text.target, 'profile, account/role, role ARN or ACCOUNTID:role');
  addOptions(command).addHelpText('after', exampleText(text.examples));
  return command.action(async () => {
    const [target, ...rest] = command.args;
    const values = optionValues(command.opts());
    await runVerb(io, () => action(target, readChoices(values), rest, values));
  });
}
