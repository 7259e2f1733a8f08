// The demo's child processes: `stint` as a user would run it, with an environment in which nothing
// of the user's AWS can be found.
import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hold } from './story.ts';

export type Environment = Readonly<Record<string, string>>;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Processes extends AsyncDisposable {
  /** Runs `stint ARGS` to its end. */
  stint(args: readonly string[], extra?: Environment): Promise<Finished>;
  /** Starts `stint ARGS --json` in the background and resolves with its ready line. */
  serve<Ready>(args: readonly string[], extra?: Environment): Promise<Ready>;
  /** Resolves when a background process ended by itself. */
  readonly ended: Promise<void>;
}

/**
 * SECURITY: the demo must never reach real AWS. Every `AWS_*`, `VAULT_*` and `STINT_*` variable is dropped, the
 * shared files point into `folder`, and the endpoint of every child is given explicitly.
 */
function cleanEnvironment(env: NodeJS.ProcessEnv, folder: string): Record<string, string> {
  const kept = Object.entries(env).filter(
    ([name, value]) => value !== undefined && !/^(AWS|VAULT|STINT|npm)_/.test(name),
  );
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    AWS_CONFIG_FILE: empty,
    AWS_SHARED_CREDENTIALS_FILE: empty,
    AWS_EC2_METADATA_DISABLED: 'true',
    STINT_HOME: join(folder, 'home'),
  };
}

function finish(child: ChildProcess): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

async function firstLine(child: ChildProcess, name: string): Promise<string> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const lines = createInterface({ input: child.stdout! });
  const line = await new Promise<string | undefined>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(undefined));
  });
  hold(line !== undefined, `\`stint ${name}\` did not start: ${errors.trim()}`);
  return line;
}

/** Children run in `cwd`, from the sources at `main`; those still running end with the story. */
export function createProcesses(main: string, cwd: string, folder: string): Processes {
  const env = cleanEnvironment(process.env, folder);
  const running = new Set<ChildProcess>();
  const start = (command: string, args: readonly string[], extra: Environment): ChildProcess => {
    const child = spawn(command, args, { cwd, env: { ...env, ...extra }, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    child.once('close', () => running.delete(child));
    return child;
  };
  const ended = Promise.withResolvers<void>();
  return {
    ended: ended.promise,
    stint: (args, extra = {}) => finish(start(process.execPath, [main, ...args], extra)),
    async serve<Ready>(args: readonly string[], extra: Environment = {}) {
      const child = start(process.execPath, [main, ...args, '--json'], extra);
      const ready = JSON.parse(await firstLine(child, args.join(' '))) as Ready;
      child.once('close', () => ended.resolve());
      return ready;
    },
    async [Symbol.asyncDispose]() {
      const ended = [...running].map((child) => new Promise((closed) => child.once('close', closed)));
      for (const child of running) child.kill('SIGTERM');
      await Promise.all(ended);
    },
  };
}
