// Times as people read them. Pure: now, zone and language are given.

const units: readonly (readonly [name: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];

/** `2 h 5 min`: the largest unit and the next, whole, rounded down. Milliseconds in. */
export function span(millis: number): string {
  const seconds = Math.floor(Math.abs(millis) / 1000);
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0 s';
  const [name, size] = units[first]!;
  const whole = `${Math.floor(seconds / size)} ${name}`;
  const next = units[first + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds % size) / next[1]);
  return rest === 0 ? whole : `${whole} ${rest} ${next![0]}`;
}

/** `in 5 min`, `3 h ago`, `now`; a text that is no time is shown as it is. */
export function relativeTime(iso: string, now: number): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return iso;
  const left = at - now;
  if (Math.abs(left) < 1000) return 'now';
  return left > 0 ? `in ${span(left)}` : `${span(left)} ago`;
}

/** Date and time with the name of the zone; the reader's own language and zone unless given. */
export function exactTime(iso: string, locale?: string, timeZone?: string): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return iso;
  const form = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long', timeZone });
  return form.format(at);
}
