// Runs a program that prints a secret for us: keys, a token, a code. Its output is kept from everybody, its size is
// bounded, and one that asks Stint for the very thing it is asked for is found out.
import type { ChildProcess } from 'node:child_process';
import { failure } from '../failures.ts';
import type { Environment } from '../model.ts';

/** Names the profiles whose process is running, so that one which asks Stint for itself is found out. */
const guardVariable = 'STINT_PROCESS_PROFILES';
const longestOutput = 100_000;

export interface Ending {
  /** In words; undefined when the program ended well. */
  readonly problem: string | undefined;
  readonly output: string;
  readonly cause?: unknown;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Environment;
  /** A handle of the terminal for its questions; without one it has no stdin, and its stderr is ours. */
  readonly terminal?: number | undefined;
}

/**
 * The environment for the process of `profile`, marked.
 * @throws Failure `profile-circular` when that process is what runs us.
 */
export function guardedEnvironment(profile: string, what: string, place: string, env: Environment): Environment {
  const running = (env[guardVariable] ?? '').split('\n').filter((name) => name !== '');
  if (running.includes(profile)) {
    throw failure('profile-circular', `${place}: the ${what} of profile \`${profile}\` asks for that profile again`, {
      hint: 'let it name another profile, one with role_arn or keys',
    });
  }
  return { ...env, [guardVariable]: [...running, profile].join('\n') };
}

function collect(child: ChildProcess): Promise<Ending> {
  const { promise, resolve, reject } = Promise.withResolvers<Ending>();
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output.length <= longestOutput) return;
    // Closing the pipe as well ends whatever the process started.
    child.stdout?.destroy();
    child.kill('SIGKILL');
  });
  child.on('error', reject);
  child.on('close', (code, signal) => {
    const ended = code === 0 ? undefined : `ended with ${signal ?? `exit code ${String(code)}`}`;
    resolve({ problem: output.length > longestOutput ? 'printed far more than it should' : ended, output });
  });
  return promise;
}

/** Runs it to its end. Never rejects: a program that cannot be run has a problem, too. */
export async function runProgram({ command, args, env, terminal }: Program): Promise<Ending> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  try {
    const stdio = [terminal ?? 'ignore', 'pipe', terminal ?? 'inherit'] as const;
    return await collect(spawn(command, args, { env: { ...env }, stdio: [...stdio] }));
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    return { problem: `cannot be run: \`${command}\` (${why})`, output: '', cause };
  }
}

/** A command line that may use everything a shell gives, as aws-vault runs it. */
export function shellProgram(line: string): Pick<Program, 'command' | 'args'> {
  return { command: '/bin/sh', args: ['-c', line] };
}
