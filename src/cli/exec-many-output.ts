// How the outputs of many commands reach stdout and stderr: labelled lines as they come, or one JSON object per target.
import { formatDuration, isFailure } from '../base/index.ts';
import { loadMany, type ManyOutcome, type NamedTarget, type Sink } from '../assume/index.ts';
import type { Io } from './command.ts';
import { printFailure, say, tell } from './output.ts';

export interface ManyOutput {
  readonly sinks: (target: string) => { readonly stdout: Sink; readonly stderr: Sink };
  /** Called as each target ends, before the next one starts in its place. */
  readonly end: (outcome: ManyOutcome) => Promise<void>;
  readonly summary: (outcomes: readonly ManyOutcome[]) => void;
}

interface OutputOptions {
  readonly json: boolean;
  /** Account ids by target, as they become known. */
  readonly accounts: ReadonlyMap<string, string>;
}

/** Of each stream of each target; what is beyond is left out and said to be. */
const keptBytes = 8 << 20;

/** Writes no faster than the reader reads, and never waits for one that has gone. */
class Writer {
  readonly #stream: NodeJS.WriteStream;
  #drained: Promise<void> | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  write(data: Buffer | string): Promise<void> | undefined {
    if (data.length === 0 || !this.#stream.writable) return undefined;
    if (this.#stream.write(data)) return undefined;
    this.#drained ??= this.#drain().finally(() => (this.#drained = undefined));
    return this.#drained;
  }

  #drain(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const events = ['drain', 'close', 'error'] as const;
    const done = (): void => {
      for (const event of events) this.#stream.off(event, done);
      resolve();
    };
    for (const event of events) this.#stream.on(event, done);
    return promise;
  }
}

const colours = [36, 32, 33, 34, 35, 96, 92, 93, 94, 95];
const productionColour = 31;

/** `prod-eu/reader | `, in a colour of its own on a terminal, where names are also made equally long. */
function labelMaker(io: Io, targets: readonly NamedTarget[], isProduction: (target: NamedTarget) => boolean) {
  const width = Math.max(...targets.map(({ name }) => name.length));
  const places = new Map(targets.map((target, at) => [target.name, { at, production: isProduction(target) }]));
  return (target: string, stream: NodeJS.WriteStream): string => {
    if (!stream.isTTY) return `${target} | `;
    const padded = target.padEnd(width);
    if (io.env['NO_COLOR']) return `${padded} | `;
    const { at, production } = places.get(target)!;
    return `\u001B[${production ? productionColour : colours[at % colours.length]!}m${padded} |\u001B[0m `;
  };
}

async function labelled(io: Io, targets: readonly NamedTarget[]): Promise<Pick<ManyOutput, 'sinks' | 'end'>> {
  const { LabelledLines, isProduction } = await loadMany();
  const label = labelMaker(io, targets, isProduction);
  const writers = { stdout: new Writer(io.stdout), stderr: new Writer(io.stderr) };
  type Lines = InstanceType<typeof LabelledLines>;
  const open = new Map<string, { readonly stdout: Lines; readonly stderr: Lines }>();
  return {
    sinks: (target) => {
      const lines = {
        stdout: new LabelledLines(label(target, io.stdout)),
        stderr: new LabelledLines(label(target, io.stderr)),
      };
      open.set(target, lines);
      return {
        stdout: (chunk) => writers.stdout.write(lines.stdout.push(chunk)),
        stderr: (chunk) => writers.stderr.write(lines.stderr.push(chunk)),
      };
    },
    end: async (outcome) => {
      const { target } = outcome;
      const lines = open.get(target);
      open.delete(target);
      if (lines !== undefined) {
        await writers.stdout.write(lines.stdout.flush());
        await writers.stderr.write(lines.stderr.flush());
      }
      if (outcome.ending?.code !== 0) await writers.stderr.write(`${label(target, io.stderr)}${whyNot(outcome)}\n`);
    },
  };
}

function errorOf(error: unknown): { code: string; message: string; hint?: string } | undefined {
  return isFailure(error) ? error.toJSON() : undefined;
}

async function asJson(io: Io, accounts: OutputOptions['accounts']): Promise<Pick<ManyOutput, 'sinks' | 'end'>> {
  const { KeptOutput } = await loadMany();
  const writer = new Writer(io.stdout);
  type Kept = InstanceType<typeof KeptOutput>;
  const open = new Map<string, { readonly stdout: Kept; readonly stderr: Kept }>();
  return {
    sinks: (target) => {
      const kept = { stdout: new KeptOutput(keptBytes), stderr: new KeptOutput(keptBytes) };
      open.set(target, kept);
      return {
        stdout: (chunk) => kept.stdout.push(chunk),
        stderr: (chunk) => kept.stderr.push(chunk),
      };
    },
    end: async ({ target, ending, error, durationMs }) => {
      const kept = open.get(target);
      open.delete(target);
      const line = {
        target,
        account: accounts.get(target) ?? null,
        exitCode: ending?.code ?? null,
        signal: ending?.signal ?? null,
        durationMs: Math.round(durationMs),
        stdout: kept?.stdout.text() ?? '',
        stderr: kept?.stderr.text() ?? '',
        ...(kept?.stdout.truncated === true || kept?.stderr.truncated === true ? { truncated: true } : {}),
        ...(error === undefined ? {} : { error: errorOf(error) }),
      };
      await writer.write(`${JSON.stringify(line)}\n`);
    },
  };
}

function howEnded({ code, signal }: NonNullable<ManyOutcome['ending']>): string {
  return signal === undefined ? `exit code ${code}` : `killed by ${signal}`;
}

function whyNot({ error, ending }: ManyOutcome): string {
  if (isFailure(error)) return `error[${error.code}]: ${error.message}`;
  return ending === undefined ? 'not started' : howEnded(ending);
}

/** How many of each, then each that failed, with why, and each cure once. */
function summarize(io: Io, outcomes: readonly ManyOutcome[]): void {
  const failed = outcomes.filter(({ ending }) => ending?.code !== 0);
  const waiting = failed.filter(({ error }) => isFailure(error) && error.code === 'not-started');
  const wrong = failed.filter((outcome) => !waiting.includes(outcome));
  const longest = Math.max(0, ...outcomes.map(({ durationMs }) => durationMs));
  const counts = [
    `${outcomes.length - failed.length} ok`,
    ...(wrong.length === 0 ? [] : [`${wrong.length} failed`]),
    ...(waiting.length === 0 ? [] : [`${waiting.length} not started`]),
  ];
  const line = `${outcomes.length} ${outcomes.length === 1 ? 'target' : 'targets'}: ${counts.join(', ')}`;
  const took = longest < 1000 ? '' : `; the longest took ${formatDuration(Math.round(longest / 1000))}`;
  if (failed.length === 0) return say(io, `${line}${took}`);
  tell(io, line);
  for (const outcome of wrong) tell(io, `  ${outcome.target}: ${whyNot(outcome)}`);
  if (waiting.length > 0) tell(io, `  not started: ${waiting.map(({ target }) => target).join(', ')}`);
  for (const hint of new Set(wrong.flatMap(({ error }) => (isFailure(error) && error.hint) || [])))
    tell(io, `hint: ${hint}`);
}

/** The way out for outputs, for people or programs. */
export async function manyOutput(
  io: Io,
  targets: readonly NamedTarget[],
  { json, accounts }: OutputOptions,
): Promise<ManyOutput> {
  const way = await (json ? asJson(io, accounts) : labelled(io, targets));
  return {
    ...way,
    summary: (outcomes) => {
      summarize(io, outcomes);
      // A defect of ours is no failure of a target: it is told as one.
      for (const { error } of outcomes) if (error !== undefined && !isFailure(error)) printFailure(io, error);
    },
  };
}
