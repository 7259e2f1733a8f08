// Sets of accounts in words: what people call them rather than a list of names. What is left out is counted.
import type { AccountRef } from './resources.ts';

/** So many names are read at a glance. */
const most = 4;
/** Exceptions from a stage, or from everything, beyond which a list of names says it better. */
const mostExceptions = 2;

const counted = (count: number): string => `(${count} accounts)`;

/** The stages of which all accounts are meant, with the exceptions; `undefined` where that is no shorter. */
function byStage(meant: ReadonlySet<string>, all: readonly AccountRef[]): string | undefined {
  const stages = [...new Set(all.filter(({ name }) => meant.has(name)).map(({ stage }) => stage))];
  const missing = all.filter(({ name, stage }) => stages.includes(stage) && !meant.has(name)).map(({ name }) => name);
  if (missing.length > mostExceptions || stages.length + missing.length > meant.size / 2) return undefined;
  const word = stages.length === 1 ? 'stage' : 'stages';
  const but = missing.length === 0 ? '' : ` but ${missing.join(', ')}`;
  return `${word} ${stages.join(', ')}${but} ${counted(meant.size)}`;
}

/**
 * Words for names of accounts, among `all` of a plan: their names, `all 20 accounts`, `all accounts but central (19)`,
 * `stages dev, test (10 accounts)`, or the first names and how many more. `full`: always every name.
 */
export function accountLabel(all: readonly AccountRef[], full = false): (names: readonly string[]) => string {
  return (names) => {
    const meant = new Set(names);
    const order = all.map(({ name }) => name).filter((name) => meant.has(name));
    const listed = [...order, ...[...meant].filter((name) => !order.includes(name))];
    if (full || meant.size <= most || listed.length > order.length) return listed.join(', ');
    const missing = all.filter(({ name }) => !meant.has(name)).map(({ name }) => name);
    if (missing.length === 0) return `all ${all.length} accounts`;
    if (missing.length <= mostExceptions) return `all accounts but ${missing.join(', ')} (${meant.size})`;
    return byStage(meant, all) ?? `${listed.slice(0, most - 1).join(', ')} and ${listed.length - most + 1} more`;
  };
}
