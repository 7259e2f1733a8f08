// How the demo tells its story: steps that prove things, one line for each proof, and a stop at the
// first thing that did not hold.

/** What a step may say. Each call is one line on the screen and one thing that was seen to hold. */
export interface Teller {
  /** Something that was allowed, and what came back. */
  allowed(what: string, seen: string): void;
  /** Something that was refused, in the words of the refusal. */
  refused(what: string, words: string): void;
  /** Something that was seen, neither a permission nor a refusal. */
  seen(what: string): void;
}

export interface Step<World> {
  /** Number in the tutorial: `1.2`. */
  readonly number: string;
  readonly title: string;
  tell(world: World, teller: Teller): Promise<void>;
}

/** Thrown by a step when the world is not as the story says. */
export class Untrue extends Error {}

/** Stops the story unless `holds`. */
export function hold(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Untrue(what);
}

/**
 * The error code of a call that must be refused, with the words of the refusal; stops the story
 * when the call passes, or fails for another reason than one of `codes`.
 */
export async function refusal(call: Promise<unknown>, ...codes: readonly string[]): Promise<string> {
  try {
    await call;
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    const message = error instanceof Error ? error.message : String(error);
    hold(codes.includes(name), `refused for the wrong reason: ${name}: ${message}`);
    return `${name}: ${message}`;
  }
  throw new Untrue('a call passed that must be refused');
}

interface Screen {
  write(text: string): void;
  readonly colour: boolean;
}

function paint(screen: Screen, code: number, text: string): string {
  return screen.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
}

/** Breaks words into lines of at most `width` characters, never inside a word. */
function wrap(words: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of words.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

const margin = 7;
const width = 116;

export function createTeller(screen: Screen): Teller {
  const line = (mark: string, colour: number, what: string, rest: string): void => {
    screen.write(`${' '.repeat(margin)}${paint(screen, colour, mark)} ${what}\n`);
    const indent = ' '.repeat(margin + mark.length + 1);
    if (rest === '') return;
    for (const text of wrap(rest, width - indent.length)) screen.write(`${indent}${paint(screen, 2, text)}\n`);
  };
  return {
    allowed: (what, seen) => line('allowed', 32, what, seen),
    refused: (what, words) => line('refused', 33, what, words),
    seen: (what) => line('seen   ', 36, what, ''),
  };
}

/** Tells the steps in order. Resolves with the number of the step that did not hold, and why; undefined when all did. */
export async function tellStory<World>(
  steps: readonly Step<World>[],
  world: World,
  screen: Screen,
): Promise<{ readonly step: Step<World>; readonly why: string } | undefined> {
  for (const step of steps) {
    screen.write(`${paint(screen, 1, step.number.padEnd(5))}  ${paint(screen, 1, step.title)}\n`);
    try {
      await step.tell(world, createTeller(screen));
    } catch (error) {
      const why =
        error instanceof Untrue ? error.message : String(error instanceof Error ? (error.stack ?? error) : error);
      screen.write(`       ${paint(screen, 31, 'did not hold')}  ${why}\n`);
      return { step, why };
    }
  }
  return undefined;
}
