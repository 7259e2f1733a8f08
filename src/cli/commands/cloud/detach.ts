// `stint cloud start --detach`: the embedded AWS as a process of its own. Resolves when it answers, so that the next
// line of a script may use it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { defaultCredentialsFile } from '../../../cloud/index.ts';
import type { Io } from '../../command.ts';
import { printData, say, tell } from '../../output.ts';

type Values = Readonly<Record<string, unknown>>;

interface Ready {
  readonly endpoint: string;
  readonly credentialsFile: string;
}

/** Exit code 1, with what the process said, when it could not start. */
export async function startDetached(io: Io, values: Values): Promise<void> {
  const log = join(dirname(credentialsFileOf(io, values)), 'cloud.log');
  const child = launch(io, argumentsOf(values), log);
  const line = await firstLine(child);
  child.stdout?.destroy();
  child.unref();
  if (line === undefined) {
    tell(io, readFileSync(log, 'utf8').trimEnd());
    return io.exit(1);
  }
  if (values['json'] === true) printData(io, line);
  if (values['quiet'] === true) return;
  const { endpoint, credentialsFile } = JSON.parse(line) as Ready;
  say(io, `embedded AWS ready at ${endpoint}, process ${child.pid}`);
  say(io, `credentials: ${credentialsFile}`);
  say(io, `log: ${log}`);
  say(io, 'end it: stint cloud stop');
}

function credentialsFileOf(io: Io, { credentialsFile, state }: Values): string {
  if (typeof credentialsFile === 'string') return resolve(io.cwd, credentialsFile);
  return defaultCredentialsFile(io.env, typeof state === 'string' ? resolve(io.cwd, state) : undefined);
}

/** The options of this command line for the process that stays. */
function argumentsOf(values: Values): readonly string[] {
  const kept = Object.entries(values).filter(([name]) => !['detach', 'json', 'quiet'].includes(name));
  const options = kept.map(([name, value]) => {
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? option : `${option}=${String(value)}`;
  });
  return ['cloud', 'start', '--json', ...options];
}

/** Its own process group, so that the end of the caller's terminal or job does not reach it. */
function launch({ program, env, cwd }: Io, args: readonly string[], log: string): ChildProcess {
  const [executable, ...first] = program;
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 });
  const file = openSync(log, 'w', 0o600);
  try {
    return spawn(executable, [...first, ...args], { cwd, env, detached: true, stdio: ['ignore', 'pipe', file] });
  } finally {
    closeSync(file);
  }
}

/** Undefined when the process ended without one. */
async function firstLine(child: ChildProcess): Promise<string | undefined> {
  const lines = createInterface({ input: child.stdout as Readable });
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'close').then(() => [])])) as [string?];
  return line;
}
