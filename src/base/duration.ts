// Durations as Go and Vault write them: `30m`, `1h30m`, `2d`, `900` (seconds).
import { Failure } from './failure.ts';

const unitSeconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
const pattern = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/**
 * Seconds of `30m`, `1h30m`, `1.5h`, `2d`, `"900"` or 900.
 * @throws Failure `invalid-duration` for anything else, also for a negative or infinite number.
 */
export function parseDuration(value: string | number): number {
  const text = String(value).trim();
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  if (!pattern.test(text)) {
    throw new Failure('invalid-duration', `\`${text}\` is not a duration`, {
      hint: 'write seconds, or a number with a unit: `900`, `30m`, `1h30m`, `2d`',
      status: 400,
    });
  }
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    seconds += Number(amount) * unitSeconds[unit!]!;
  }
  return seconds;
}

/** Go's form of whole seconds, as Vault prints leases: 1800 is `30m0s`, 3600 is `1h0m0s`, 5 is `5s`. */
export function formatGoDuration(seconds: number): string {
  const h = Math.floor(seconds / 3600);
  const m = Math.floor((seconds % 3600) / 60);
  const s = Math.floor(seconds % 60);
  return `${h > 0 ? `${h}h` : ''}${h > 0 || m > 0 ? `${m}m` : ''}${s}s`;
}

/** Short form for people: 1800 is `30m`, 5400 is `1h30m`, 86400 is `1d`. */
export function formatDuration(seconds: number): string {
  let rest = Math.round(seconds);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = unitSeconds[unit]!;
    if (rest >= size) text += `${Math.floor(rest / size)}${unit}`;
    rest %= size;
  }
  return text === '' ? '0s' : text;
}
