// What only a development server keeps: its root token, so that it starts again with the same one,
// and its moved clock, so that half an hour that passed stays passed. Both encrypted.
import { Secret, type AdjustableClock, type Clock } from '../base/index.ts';
import type { Barrier } from './barrier.ts';
import { makeRootToken } from './root-token.ts';
import type { Tokens } from './tokens.ts';

const clockKey = 'dev/clock';
const tokenKey = 'dev/root-token';

interface KeptClock {
  readonly now: number;
  readonly wall: number;
  readonly frozen: boolean;
}

/** Keeps where the clock stands. */
export async function keepClock(barrier: Barrier, clock: AdjustableClock, wall: Clock): Promise<void> {
  const kept: KeptClock = { now: clock.now(), wall: wall.now(), frozen: clock.frozen };
  await barrier.commit([{ key: clockKey, value: kept }]);
}

/** Sets the clock to where it would stand had the process never stopped. */
export async function restoreClock(barrier: Barrier, clock: AdjustableClock, wall: Clock): Promise<void> {
  const kept = (await barrier.get<KeptClock>(clockKey))?.value;
  if (kept === undefined) return;
  clock.freeze(kept.frozen);
  clock.set(kept.frozen ? kept.now : kept.now + Math.max(0, wall.now() - kept.wall));
}

/**
 * The root token: `wanted`, else the one of the last start or of initialising, else a new one. A former
 * one that differs can do nothing from then on; its leases run out by themselves.
 */
export async function rootToken(
  barrier: Barrier,
  tokens: Tokens,
  wanted: string | undefined,
  first: Secret | undefined,
): Promise<Secret> {
  const former = (await barrier.get<string>(tokenKey))?.value ?? first?.reveal();
  const id = wanted ?? former;
  if (former !== undefined && former !== id) await tokens.forgetId(former);
  if (id !== undefined && (await tokens.lookup(id))?.policies.includes('root') === true) return keep(barrier, id);
  if (id !== undefined) await tokens.forgetId(id);
  return keep(barrier, (await makeRootToken(tokens, id)).reveal());
}

async function keep(barrier: Barrier, id: string): Promise<Secret> {
  await barrier.commit([{ key: tokenKey, value: id }]);
  return new Secret(id);
}
