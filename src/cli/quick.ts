// What Stint answers from the index of kept sessions before anything else of it is loaded: the same entries that shells
// read, for programs that start `stint` without its shell function. Whatever is not as plain as can be is left to the rest.
import { becomeCommand, changedEnvironment, readyChange, readyFor, type ReadyEntry } from '../assume/index.ts';
import { writeOut } from './write-out.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** The verbs that an entry answers -> how. False: it cannot be answered like this after all. */
const answers: Readonly<Record<string, (entry: ReadyEntry, env: Variables, command: readonly string[]) => boolean>> = {
  credentials: ({ json }) => {
    writeOut(`${json}\n`);
    return true;
  },
  // Does not return when the command runs.
  exec: (entry, env, [command, ...args]) => {
    becomeCommand(command!, args, changedEnvironment(env, readyChange(entry, env)));
    return false;
  },
};

/** True when the line has been answered. */
export function answerQuickly(argv: readonly string[], env: Variables, cwd: string): boolean {
  const [verb = '', target = '', dashes, ...command] = argv;
  const answer = Object.hasOwn(answers, verb) ? answers[verb] : undefined;
  const plain = verb === 'exec' ? dashes === '--' && command.length > 0 : dashes === undefined;
  if (answer === undefined || !plain || target === '' || target.startsWith('-')) return false;
  const entry = readyFor(target, env, cwd, Date.now());
  return entry !== undefined && answer(entry, env, command);
}
