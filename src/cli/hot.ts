// The verbs that are typed all day, on their plainest lines, without the command line library: what this file and its
// imports load is the cost of `stint assume`. Lines with anything else on them are for program.ts.
import type { Io } from './command.ts';
import { readChoices } from './assume-options.ts';
import { runVerb } from './assume-session.ts';
import { assume } from './commands/assume.ts';
import { printCredentials } from './commands/credentials.ts';
import { list } from './commands/ls.ts';
import { printShell } from './commands/shell.ts';

export { runCredentialsLine } from './credentials-line.ts';

type Work = (io: Io, word: string) => Promise<void>;

const none = readChoices({});
/** A verb with one word after it. */
const words: Readonly<Record<string, Work>> = {
  assume: (io, target) => assume(io, target, none),
  credentials: (io, target) => printCredentials(io, target, none),
  shell: (io, name) => printShell(io, name),
};
/** A verb alone or with one switch. */
const switches: Readonly<Record<string, Work>> = {
  ls: (io) => list(io, {}),
  'ls --json': (io) => list(io, { json: true }),
  'ls --table': (io) => list(io, { table: true }),
  'ls --names': (io) => list(io, { names: true }),
};

const own = <Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/** True when the line was one of these, and has been run to its end. */
export async function runHot(argv: readonly string[], io: Io): Promise<boolean> {
  const [verb = '', word = '', ...more] = argv;
  const plain = more.length === 0 && word !== '' && !word.startsWith('-') ? own(words, verb) : undefined;
  const work = plain ?? own(switches, argv.join(' '));
  if (work === undefined) return false;
  await runVerb(io, () => work(io, word));
  return true;
}
