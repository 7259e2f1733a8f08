// Lets a person pick a target on the terminal. Loaded only then.
import { loadPicker, recentTargets } from '../assume/index.ts';
import { openCache } from './assume-session.ts';
import type { Io } from './command.ts';
import type { TargetRow } from './target-rows.ts';

/** The name of the row that was picked; undefined without a terminal. @throws Failure `interrupted`. */
export async function pickTarget(io: Io, rows: readonly TargetRow[]): Promise<string | undefined> {
  const choices = rows.map(({ target, account, role, region, stage }) => ({
    name: target,
    detail: [account, role, region].filter((text) => text !== null).join('  '),
    production: isProduction(target, stage),
  }));
  const cache = openCache(io.env);
  const { pick } = await loadPicker();
  return pick(choices, {
    recent: cache === undefined ? [] : recentTargets(cache.folder, io.env),
    signal: io.signal,
    color: !io.env['NO_COLOR'],
  });
}

/** Of the stage prod, or named so: the same rule as the prompt of the shells, which knows the name only. */
function isProduction(name: string, stage: string | null): boolean {
  return stage === 'prod' || /prod/i.test(name);
}
