// One command for many targets, side by side: so many at a time, each with its own session and environment, all of
// them ended by Ctrl-C. What they print goes through `output`.
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { isFailure, type Clock, type Millis } from '../../base/index.ts';
import { commandFailure, endingOf, sharesTerminal, SignalListeners, type ExecEnding } from '../exec.ts';
import { failure } from '../failures.ts';

/** Takes a piece of output; a promise asks to wait with the next one. */
export type Sink = (chunk: Buffer) => Promise<void> | undefined;

export interface ManyOutcome {
  readonly target: string;
  /** How the command ended; undefined when it was not started. */
  readonly ending?: ExecEnding;
  /** Why it was not started, or could not be. */
  readonly error?: unknown;
  readonly durationMs: Millis;
}

export interface ManyTools {
  /** At a time. */
  readonly jobs: number;
  /** After the first failure nothing more is started, and what runs is ended. */
  readonly failFast: boolean;
  readonly clock: Clock;
  /** The environment for a target. Its rejection is the outcome of that target alone. */
  readonly environment: (target: string) => Promise<Readonly<Record<string, string>>>;
  readonly output: (target: string) => { readonly stdout: Sink; readonly stderr: Sink };
  /** Called as each target ends. */
  readonly onEnd: (outcome: ManyOutcome) => Promise<void> | void;
  /** A line for people. */
  readonly tell: (line: string) => void;
}

export interface ManyEnding {
  /** The signal that ended all of it. */
  readonly signal?: NodeJS.Signals;
}

/** What a child left running may still hold its output open; after so long without a word from it, nobody waits. */
const quietMillis: Millis = 200;
const ending: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
const typed: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/** Hands a stream on, no faster than it is taken. Returns whether something is being waited for. */
function forward(stream: Readable, sink: Sink, onData: () => void): () => boolean {
  let waiting = false;
  stream.on('data', (chunk: Buffer) => {
    onData();
    const busy = sink(chunk);
    if (busy === undefined) return;
    waiting = true;
    stream.pause();
    void busy.then(() => {
      waiting = false;
      stream.resume();
    });
  });
  return () => waiting;
}

/** Resolves when the child has ended and all that it printed was taken. */
async function ended(
  child: ChildProcess,
  command: string,
  sinks: ReturnType<ManyTools['output']>,
): Promise<ExecEnding> {
  const { promise, resolve } = Promise.withResolvers<ExecEnding>();
  child.on('error', (error) => child.pid === undefined && resolve(commandFailure(command, error)));
  // Without free file handles there are no pipes (undefined, not null), and the error says so.
  const [stdout, stderr] = [child.stdout ?? undefined, child.stderr ?? undefined];
  if (stdout === undefined || stderr === undefined) return promise;
  let quiet: NodeJS.Timeout | undefined;
  const streams = [stdout, stderr];
  let isHeard = false;
  const onData = (): void => {
    isHeard = true;
    quiet?.refresh();
  };
  const waits = [forward(stdout, sinks.stdout, onData), forward(stderr, sinks.stderr, onData)];
  const letGo = (): void => {
    isHeard = false;
    // Where this process was held up, or goes on just now, what was printed lies unread until after the next look.
    setImmediate(() => {
      if (isHeard || waits.some((waiting) => waiting())) quiet?.refresh();
      else for (const stream of streams) stream.destroy();
    });
  };
  child.on('exit', () => (quiet = setTimeout(letGo, quietMillis)));
  child.on('close', (code, signal) => {
    clearTimeout(quiet);
    quiet = undefined;
    resolve(endingOf(code, signal));
  });
  return promise;
}

class ManyRun {
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #tools: ManyTools;
  readonly #children = new Set<ChildProcess>();
  readonly #stopped = Promise.withResolvers<never>();
  #stopping: { readonly why: string; readonly signal?: NodeJS.Signals } | undefined;

  constructor(command: string, args: readonly string[], tools: ManyTools) {
    this.#command = command;
    this.#args = args;
    this.#tools = tools;
    // Nobody may be waiting for it when it comes.
    this.#stopped.promise.catch(() => undefined);
  }

  async run(targets: readonly string[]): Promise<ManyEnding> {
    const signals = new SignalListeners();
    signals.on(ending, (name) => this.#onSignal(name));
    const queue = targets.values();
    const worker = async (): Promise<void> => {
      for (const target of queue) await this.#one(target);
    };
    try {
      await Promise.all(Array.from({ length: Math.min(this.#tools.jobs, targets.length) }, worker));
    } finally {
      signals.off();
    }
    return this.#stopping?.signal === undefined ? {} : { signal: this.#stopping.signal };
  }

  #onSignal(name: NodeJS.Signals): void {
    if (this.#stopping?.signal !== undefined) return this.#kill('SIGKILL');
    if (this.#children.size > 0) this.#tools.tell(`note: ending ${this.#children.size} commands; once more kills them`);
    this.#stop(`ended by ${name}`, name);
    if (!typed.includes(name) || !sharesTerminal()) this.#kill(name);
  }

  #stop(why: string, signal?: NodeJS.Signals): void {
    this.#stopping = { why, ...(signal === undefined ? {} : { signal }) };
    this.#stopped.reject(this.#notStarted());
  }

  #kill(signal: NodeJS.Signals): void {
    for (const child of this.#children) child.kill(signal);
  }

  #notStarted(): Error {
    return failure('not-started', `not started: ${this.#stopping?.why ?? ''}`, {
      hint: 'run it again for these targets',
    });
  }

  async #one(target: string): Promise<void> {
    const began = this.#tools.clock.now();
    const outcome = await this.#outcome(target);
    await this.#tools.onEnd({ target, ...outcome, durationMs: Math.max(0, this.#tools.clock.now() - began) });
    if (!this.#tools.failFast || this.#stopping !== undefined || outcome.ending?.code === 0) return;
    this.#stop(`\`${target}\` failed, and --fail-fast was given`);
    this.#kill('SIGTERM');
  }

  async #outcome(target: string): Promise<Pick<ManyOutcome, 'ending' | 'error'>> {
    try {
      if (this.#stopping !== undefined) throw this.#notStarted();
      const env = await Promise.race([this.#tools.environment(target), this.#stopped.promise]);
      if (this.#stopping !== undefined) throw this.#notStarted();
      const how = await this.#spawn(target, env);
      return how.error === undefined ? { ending: how } : { ending: how, error: how.error };
    } catch (error) {
      if (!isFailure(error)) throw error;
      return { error };
    }
  }

  async #spawn(target: string, env: Readonly<Record<string, string>>): Promise<ExecEnding> {
    const { spawn } = process.getBuiltinModule('node:child_process');
    let child: ChildProcess;
    try {
      // One stdin cannot be read by many.
      child = spawn(this.#command, this.#args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      return commandFailure(this.#command, error as NodeJS.ErrnoException);
    }
    this.#children.add(child);
    try {
      return await ended(child, this.#command, this.#tools.output(target));
    } finally {
      this.#children.delete(child);
    }
  }
}

/** Runs the command for every target to the end of all. Resolves also when some, or all, have failed. */
export function execMany(
  targets: readonly string[],
  command: string,
  args: readonly string[],
  tools: ManyTools,
): Promise<ManyEnding> {
  return new ManyRun(command, args, tools).run(targets);
}
