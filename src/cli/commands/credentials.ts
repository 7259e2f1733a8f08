// `stint credentials TARGET`: JSON for `credential_process`, other forms, or a section of `~/.aws/credentials`.
import type { Command } from 'commander';
import { isFailure, isoSeconds, systemClock } from '../../base/index.ts';
import {
  baseEnvironment,
  checkProfileFree,
  checkSectionName,
  cleanSections,
  exportFormats,
  exportText,
  languageOf,
  processJson,
  shellNames,
  takeLock,
  writeSection,
  type CredentialsFileTools,
  type ExportFormat,
  type Shell,
} from '../../assume/index.ts';
import { UsageError, type AssumeChoices, type OptionValues } from '../assume-options.ts';
import { assumeTarget, openCache, targetContext } from '../assume-session.ts';
import { wait } from '../sign-in.ts';
import { addTargetVerb } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { printData, say } from '../output.ts';

function usage(code: 'invalid-option' | 'missing-target', text: string, hint: string): UsageError {
  return new UsageError(cliFailure(code, text, { hint }));
}

function formatOf(name: OptionValues[string]): ExportFormat {
  if (typeof name !== 'string') return 'process';
  const format = exportFormats.find((each) => each === name);
  if (format !== undefined) return format;
  throw usage('invalid-option', `\`--format\` does not take \`${name}\``, `it takes ${exportFormats.join(', ')}`);
}

function shellOf({ env }: Io): Shell {
  const name = shellNames.find((shell) => shell === env['STINT_SHELL']);
  return name === undefined ? 'sh' : languageOf(name);
}

function fileTools(io: Io, file: string): CredentialsFileTools {
  const cache = openCache(io.env);
  const note = (line: string): void => say(io, `note: ${line}`);
  const lock = async (): Promise<() => void> => {
    if (cache === undefined) return () => undefined;
    try {
      cache.prepare();
    } catch (error) {
      // Nowhere to lock, as where there is no home: what another one writes meanwhile is found by looking again.
      if (isFailure(error)) throw error;
      return () => undefined;
    }
    return takeLock(cache.lockFile(`credentials file ${file}`), { wait, onBusy: () => undefined });
  };
  return { file, note, lock };
}

async function writeProfile(io: Io, target: string, choices: AssumeChoices, name: string): Promise<void> {
  // What is typed wrongly, or would be in the way, is told before a session is fetched.
  checkSectionName(name);
  const { profiles } = targetContext(io, baseEnvironment(io.env), choices.config);
  if (name === target) {
    throw usage('invalid-option', `\`${name}\` cannot be written over itself`, 'choose a name that no profile has');
  }
  checkProfileFree(name, profiles);
  const { request, session } = await assumeTarget(io, target, choices);
  const { credentials: file } = profiles.files;
  const backup = await writeSection({ name, session, region: request.region }, fileTools(io, file));
  if (choices.quiet) return;
  const until = session.expiration === undefined ? 'without an end' : `until ${isoSeconds(session.expiration)}`;
  say(io, `wrote \`[${name}]\` to ${file}, ${until}${backup === undefined ? '' : `; as it was before: ${backup}`}`);
}

async function clean(io: Io, { quiet, config }: AssumeChoices): Promise<void> {
  const { credentials: file } = targetContext(io, baseEnvironment(io.env), config).profiles.files;
  const removed = await cleanSections(systemClock.now(), fileTools(io, file));
  if (!quiet) say(io, removed.length === 0 ? `nothing of Stint has ended in ${file}` : `removed ${removed.join(', ')}`);
}

/** Prints the session of the target as `credential_process` does. */
export async function printCredentials(io: Io, target: string, choices: AssumeChoices): Promise<void> {
  const { request, session } = await assumeTarget(io, target, choices);
  printData(io, processJson(request, session));
}

export function register(program: Command, io: Io): void {
  addTargetVerb(
    program,
    io,
    {
      name: 'credentials',
      summary: 'print a session of the target as JSON for credential_process, or in another form',
      target: '[target]',
      examples: ['stint credentials dev/test_role', 'stint credentials dev/test_role --write-profile test'],
    },
    async (target, choices, _, values) => {
      const { 'write-profile': name, clean: cleaning } = values;
      if ((name !== undefined || cleaning === true) && values['format'] !== undefined) {
        throw usage(
          'invalid-option',
          '`--format` is for what is printed',
          'leave it out with --write-profile or --clean',
        );
      }
      const format = formatOf(values['format']);
      if (cleaning === true) {
        await clean(io, choices);
        if (target === undefined && name === undefined) return;
      }
      if (target === undefined) throw usage('missing-target', 'a target is needed', '`stint ls` lists the targets');
      if (typeof name === 'string') return writeProfile(io, target, choices, name);
      const assumed = await assumeTarget(io, target, choices);
      printData(io, exportText(format, { ...assumed, shell: shellOf(io) }));
    },
  )
    .option('--format <form>', `${exportFormats.join(', ')} (default: process)`)
    .option('--write-profile <name>', 'write it as a section of ~/.aws/credentials that only Stint changes')
    .option('--clean', 'remove those of its sections that have ended');
}
