// `stint forget`: removes kept sessions from this machine, and gives back what a server lent.
import type { Command } from 'commander';
import { isFailure, isoSeconds } from '../../base/index.ts';
import { baseEnvironment, resolveTarget, type KeptEntry, type SessionCache } from '../../assume/index.ts';
import { UsageError } from '../assume-options.ts';
import { loadKeeping, loadLentCalls, openCache, runVerb, targetContext } from '../assume-session.ts';
import { exampleText } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { forgetLentNames } from '../lent-names.ts';
import { printFailure, say, tell } from '../output.ts';
import { cliFailure } from '../failures.ts';

interface Options {
  readonly all?: boolean;
  readonly config?: string;
}

/** What the target is called and the role it stands for; as typed when it is not known any more. */
async function meaningOf(
  io: Io,
  target: string,
  config: string | undefined,
): Promise<{ readonly name: string; readonly roleArn?: string | undefined; readonly unknown?: Error }> {
  try {
    const request = await resolveTarget(target, {}, targetContext(io, baseEnvironment(io.env), config));
    return { name: request.target, roleArn: request.roles.at(-1)?.roleArn };
  } catch (error) {
    return isFailure(error) && error.code === 'unknown-target' ? { name: target, unknown: error } : { name: target };
  }
}

/** The kept sessions that are meant. */
async function meant(
  io: Io,
  cache: SessionCache,
  target: string | undefined,
  config: string | undefined,
): Promise<readonly KeptEntry[]> {
  const kept = cache.list();
  if (target === undefined) return kept;
  const { name, roleArn, unknown } = await meaningOf(io, target, config);
  const found = kept.filter(
    (session) =>
      session.target === target || session.target === name || (roleArn !== undefined && session.roleArn === roleArn),
  );
  // Most likely a slip of the hand: whoever believes the session forgotten is told that it is not.
  if (found.length === 0 && unknown !== undefined) throw unknown;
  return found;
}

/** Gives back what is lent; returns how many leases the server has not ended. */
async function giveBack(io: Io, sessions: readonly KeptEntry[]): Promise<number> {
  let left = 0;
  for (const { target, credentials } of sessions) {
    if (credentials.lease === undefined) continue;
    const { id } = credentials.lease;
    try {
      await (await loadLentCalls()).giveBack(io, credentials.lease);
      say(io, `gave back the lease ${id} of ${target}`);
    } catch (error) {
      if (!isFailure(error)) throw error;
      left++;
      tell(
        io,
        `error[${error.code}]: the lease ${id} goes on until ${isoSeconds(credentials.expiration)}: ${error.message}`,
      );
      tell(io, `hint: ${error.code === 'lease-elsewhere' ? error.hint! : `stint lease revoke ${id}`}`);
    }
  }
  return left;
}

/** Removes keys with which nothing is sealed any more; returns how many keyrings did not do it. */
function forgetUnusedKeys(io: Io, cache: SessionCache, gone: readonly KeptEntry[]): number {
  const named = [cache.keyring, ...gone.map(({ sealedBy }) => sealedBy)];
  const inUse = new Set(cache.list().map(({ sealedBy }) => sealedBy));
  let left = 0;
  for (const name of new Set(named)) {
    if (name === undefined || inUse.has(name)) continue;
    try {
      loadKeeping().forgetKey(name, cache.folder, io.env);
    } catch (error) {
      if (!isFailure(error)) throw error;
      left++;
      printFailure(io, error);
    }
  }
  return left;
}

async function forget(io: Io, target: string | undefined, { all = false, config }: Options): Promise<void> {
  if ((target === undefined) !== all) {
    throw new UsageError(
      cliFailure('missing-target', 'either a target or `--all` is needed', {
        hint: 'write `stint forget TARGET` or `stint forget --all`',
      }),
    );
  }
  const cache = openCache(io.env);
  const sessions = cache === undefined ? [] : await meant(io, cache, target, config);
  // Forgotten here first: that succeeds also when the server does not answer.
  const count = cache === undefined ? 0 : all ? cache.removeAll() : cache.remove(sessions);
  if (cache !== undefined && sessions.some(({ credentials }) => credentials.lease !== undefined))
    forgetLentNames(cache.folder);
  const left = (await giveBack(io, sessions)) + (cache === undefined ? 0 : forgetUnusedKeys(io, cache, sessions));
  say(io, `forgot ${count} ${count === 1 ? 'session' : 'sessions'} on this machine; AWS ends them at their time`);
  if (left > 0) io.exit(1);
}

export function register(program: Command, io: Io): void {
  program
    .command('forget')
    .description('remove kept sessions from this machine, and give back what a server lent')
    .argument('[target]', 'the target whose sessions to remove')
    .option('--all', 'remove all of them, MFA sessions too')
    .option('--config <file>', 'the definition, for targets like dev/test_role')
    .addHelpText('after', exampleText(['stint forget dev/test_role', 'stint forget --all']))
    .action(async (target: string | undefined, options: Options) => runVerb(io, () => forget(io, target, options)));
}
