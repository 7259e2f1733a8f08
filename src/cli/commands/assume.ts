// `stint assume TARGET`: lines that put a session into the current shell, through the function of `stint shell`.
import type { Command } from 'commander';
import { isoSeconds } from '../../base/index.ts';
import {
  clearingChange,
  languageOf,
  noteRecent,
  readOrigin,
  sessionChange,
  sessionFolder,
  shellLines,
  shellNames,
  type Shell,
} from '../../assume/index.ts';
import { UsageError, type AssumeChoices } from '../assume-options.ts';
import { assumeTarget } from '../assume-session.ts';
import { addTargetVerb } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { printData, say } from '../output.ts';
import { cliFailure } from '../failures.ts';
import { targetRows } from '../target-rows.ts';

/** The shell function says by STINT_SHELL which language it evaluates; without it, lines for sh are printed. */
function language(io: Io): Shell {
  const name = shellNames.find((shell) => shell === io.env['STINT_SHELL']);
  return name === undefined ? 'sh' : languageOf(name);
}

/** The target that a person picks. @throws UsageError `missing-target` without a terminal. */
async function pickOne(io: Io, config: string | undefined): Promise<string> {
  const { pickTarget } = await import('../pick-target.ts');
  const { rows, missing } = await targetRows(io, config);
  const target = await pickTarget(io, rows);
  if (target !== undefined) return target;
  if (missing !== undefined) throw missing;
  throw new UsageError(cliFailure('missing-target', 'a target is needed', { hint: '`stint ls` lists the targets' }));
}

/** Prints the lines that put a session of the target into a shell, and tells until when it lasts. */
export async function assume(io: Io, target: string, choices: AssumeChoices): Promise<void> {
  const { request, session } = await assumeTarget(io, target, choices);
  const folder = sessionFolder(io.env);
  if (folder !== undefined) noteRecent(target, folder, io.env);
  printData(io, shellLines(language(io), sessionChange(io.env, request, session)).join('\n'));
  if (choices.quiet) return;
  say(
    io,
    session.expiration === undefined
      ? `${target}: keys without an end`
      : `${target}: until ${isoSeconds(session.expiration)}`,
  );
  if (io.env['STINT_SHELL'] === undefined && io.stdout.isTTY) {
    say(
      io,
      'hint: `eval "$(stint shell bash)"` once, and `stint assume` sets these in your shell instead of printing them',
    );
  }
}

/** Prints the lines that take the session out of the shell; what this cannot bring back is told. */
function takeOut(io: Io): void {
  const change = clearingChange(io.env);
  for (const line of shellLines(language(io), change)) printData(io, line);
  if (change.unset.length === 0) say(io, 'note: this shell has no session of Stint: nothing is changed');
  if (readOrigin(io.env)?.base !== 'keys') return;
  say(io, 'note: the keys that this shell had before are kept nowhere: set them again');
}

export function register(program: Command, io: Io): void {
  const command = addTargetVerb(
    program,
    io,
    {
      name: 'assume',
      summary: 'put a session of the target into this shell',
      target: '[target]',
      examples: ['stint assume dev/test_role', 'eval "$(stint assume prod --duration 30m)"'],
    },
    async (target, choices, _, values) => {
      if (values['unset'] === true) {
        return takeOut(io);
      }
      await assume(io, target ?? (await pickOne(io, choices.config)), choices);
    },
  ).option('--unset', 'take the session out of the shell again');
  // The function evaluates stdout, so the help page must not go there.
  if (io.env['STINT_SHELL'] !== undefined) command.configureOutput({ writeOut: (text) => io.stderr.write(text) });
}
