// Time-based one-time passwords (RFC 6238): six digits, SHA-1, steps of 30 seconds.
import { createHmac } from 'node:crypto';
import type { Millis } from '../../../base/index.ts';
import { base32Bytes } from './ids.ts';

const stepMillis = 30_000;

/** The code of one time step. `seed` is base32. */
export function codeAt(seed: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac('sha1', base32Bytes(seed)).update(counter).digest();
  const offset = hash[hash.length - 1]! & 0xf;
  return ((hash.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000).toString().padStart(6, '0');
}

export function stepOf(time: Millis): number {
  return Math.floor(time / stepMillis);
}

/**
 * The step whose code this is, within `drift` steps of now and behind `after`; undefined when there is
 * none. A step that was used once is behind `after` and never matches again (section 5.2).
 */
export function matchingStep(
  seed: string,
  code: string,
  options: { readonly now: Millis; readonly drift: number; readonly after: number },
): number | undefined {
  const now = stepOf(options.now);
  for (let step = Math.max(now - options.drift, options.after + 1); step <= now + options.drift; step++) {
    if (codeAt(seed, step) === code) return step;
  }
  return undefined;
}
