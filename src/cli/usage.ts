// How every command line is read alike: the switches that all commands take, and what is typed wrongly told as
// `error[usage]` with its cure. Promises: commander's own words never reach a person.
import type { Command, CommanderError } from 'commander';
import { nearestName, type Failure } from '../base/index.ts';
import type { Io } from './command.ts';
import { cliFailure } from './failures.ts';

/** How much a command tells; set when its options have been read. */
export interface Talk {
  quiet: boolean;
  verbose: boolean;
}

/** `io` with `talk` in it; streams are still opened only when they are first used. */
export function talkingIo(io: Io, talk: Talk): Io {
  const get = (name: keyof Talk) => ({ get: () => talk[name], enumerable: true });
  return Object.create(io, { quiet: get('quiet'), verbose: get('verbose') }) as Io;
}

/** Gives every command below `program` `--quiet` and `--verbose`, and lets `talk` follow them. */
export function addTalkOptions(program: Command, talk: Talk): void {
  for (const command of program.commands) addTo(command);
  program.hook('preAction', (_, action) => {
    const { quiet, verbose } = action.optsWithGlobals<{ quiet?: true; verbose?: true }>();
    talk.quiet = quiet === true;
    talk.verbose = verbose === true;
  });
}

function addTo(command: Command): void {
  const missing = (name: string): boolean => command.options.every(({ long }) => long !== name);
  if (missing('--quiet')) command.option('--quiet', 'no notes on stderr, only errors');
  if (missing('--verbose')) command.option('--verbose', 'when it fails, say what caused it');
  command.commands.forEach(addTo);
}

/** The command that the words of `argv` name, as deep as they do. */
function namedCommand(program: Command, argv: readonly string[]): Command {
  let found = program;
  for (const word of argv) {
    const next = found.commands.find((command) => command.name() === word);
    if (next !== undefined) found = next;
    else if (!word.startsWith('-')) break;
  }
  return found;
}

/**
 * `argv` with the long options of the named command in Vault's spelling (`-prefix`, `-path=x`, `-sync=false`) in
 * ours. Only names that the command knows change, and nothing after `--`.
 */
export function withDoubleDashes(program: Command, argv: readonly string[]): readonly string[] {
  const { options } = namedCommand(program, argv);
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  return argv.flatMap((word, index) => {
    const [, name, value] = /^-?-([a-z][a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
    const option = options.find(({ long }) => long === `--${name}`);
    if (index >= end || name === undefined || option === undefined) return [word];
    if (value === undefined || option.required || option.optional) return [word.replace(/^-?-/, '--')];
    return (
      switched(
        name,
        value,
        options.some(({ long }) => long === `--no-${name}`),
      ) ?? [word]
    );
  });
}

/** A switch with a value, as Go's flags have it; undefined for a value that is none. */
function switched(name: string, value: string, negatable: boolean): readonly string[] | undefined {
  if (/^(1|t|true)$/i.test(value)) return [`--${name}`];
  if (!/^(0|f|false)$/i.test(value)) return undefined;
  return negatable ? [`--no-${name}`] : [];
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** What commander says of a wrong command line, in our words. */
export function usageFailure(program: Command, argv: readonly string[], error: CommanderError): Failure {
  const command = namedCommand(program, argv);
  const name = fullName(command);
  const [first = ''] = error.message.replace(/^error: /, '').split('\n');
  const near = /\(Did you mean (?:one of )?([^,?)]+)/.exec(error.message)?.[1];
  const subcommand = error.code === 'commander.unknownCommand';
  const wrong = subcommand ? /'(.*)'/.exec(first)?.[1] : undefined;
  const meant = near ?? (wrong === undefined ? undefined : nearestName(wrong, subcommands(command)));
  const message = first
    .replaceAll(/'([^']*)'/g, '`$1`')
    .replace(/^./, (letter) => letter.toLowerCase())
    .replaceAll(/\. ([A-Za-z])/g, (_, letter: string) => `: ${letter.toLowerCase()}`)
    .replace(/\.$/, '');
  return cliFailure('usage', message, { hint: hintFor(name, subcommand, meant) });
}

/** A group of commands was named without one of them. */
export function subcommandMissing(program: Command, argv: readonly string[]): Failure {
  const command = namedCommand(program, argv);
  const name = fullName(command);
  return cliFailure('usage', `\`${name}\` needs one of its commands: ${subcommands(command).join(', ')}`, {
    hint: `\`${name} --help\` says what they do`,
  });
}

function subcommands(command: Command): readonly string[] {
  return command.commands.map((each) => each.name());
}

function hintFor(name: string, subcommand: boolean, meant: string | undefined): string {
  if (meant === undefined) return `\`${name} --help\` shows how it is used`;
  return subcommand ? `did you mean \`${name} ${meant}\`?` : `did you mean \`${meant}\`?`;
}
