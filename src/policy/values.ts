// The typed values of conditions: numbers, dates, booleans, binary, IP ranges. Every reader gives
// `undefined` for text it cannot read, and an unreadable value matches nothing.

/** An integer or decimal number. */
export function readNumber(text: string): number | undefined {
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : undefined;
}

const isoDate = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$/i;
const basicDate = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/i;

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return zone.startsWith('-') ? -minutes : minutes;
}

const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
// `Date.UTC` takes years below 100 for 19xx; the calendar repeats every 400 years, so it is asked 400 years later.
const cycleYears = 400;
const cycleMillis = 12_622_780_800_000;

function dateMillis(parts: RegExpExecArray): number | undefined {
  const year = Number(parts[1]) + cycleYears;
  const month = Number(parts[2] ?? 1);
  const day = Number(parts[3] ?? 1);
  const hour = Number(parts[4] ?? 0);
  const minute = Number(parts[5] ?? 0);
  const second = Number(parts[6] ?? 0);
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > monthDays[month - 1]! || (month === 2 && day === 29 && !leap)) return undefined;
  const millis = parts[7] === undefined ? 0 : Math.trunc(Number(`0.${parts[7]}`) * 1000);
  return Date.UTC(year, month - 1, day, hour, minute, second, millis) - cycleMillis - zoneMinutes(parts[8]) * 60_000;
}

/**
 * Milliseconds of an ISO 8601 date (the W3C profiles and the basic form; UTC without a zone) or of epoch seconds.
 * Four digits are a year. Source: IAM user guide, "Date condition operators".
 */
export function readDate(text: string): number | undefined {
  const parts = isoDate.exec(text) ?? basicDate.exec(text);
  if (parts !== null) return dateMillis(parts);
  return /^\d{1,19}(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined;
}

const largestSeconds = 9_223_372_036_854_775_807n;
const savableDate =
  /^(-?\d{1,9})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:T(?:(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.\d{1,9})?(?:Z|[+-](\d\d)(?::?(\d\d))?)?)?)?(?:Z)?)?)?$/i;

/**
 * May the text stand in a policy as a date? IAM saves more than it can compare: years of up to nine digits, a date
 * without its time, a zone without minutes. Source: moto, tests/test_iam/test_iam_policies.py (recorded on AWS).
 */
export function isSavableDate(text: string): boolean {
  if (/^\d+(?:\.\d+)?$/.test(text)) return BigInt(text.split('.')[0]!) <= largestSeconds;
  if (readDate(text) !== undefined) return true;
  const parts = savableDate.exec(text);
  if (parts === null) return false;
  const [year, month, day, ...time] = parts.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  const limits = [23, 59, 59, 23, 59];
  return (
    year! >= -292_275_054 &&
    year! <= 292_278_993 &&
    within(month ?? 1, 1, 12) &&
    within(day ?? 1, 1, 31) &&
    time.every((value, index) => within(value ?? 0, 0, limits[index]!))
  );
}

function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

/** `true` or `false` in any case. */
export function readBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : undefined;
}

/** The bytes of base 64, as text of one character per byte. */
export function readBinary(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1) return undefined;
  try {
    return atob(text);
  } catch {
    return undefined;
  }
}

/** An address or range: its bits, of which the first `prefix` count. IPv4 fits a number, which compares ten times quicker. */
export type IpRange =
  | { readonly version: 4; readonly bits: number; readonly prefix: number }
  | { readonly version: 6; readonly bits: bigint; readonly prefix: number };

function readV4(text: string): number | undefined {
  let bits = 0;
  let octet = -1;
  let octets = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? 0x2e : text.charCodeAt(at);
    if (code === 0x2e) {
      if (octet < 0 || octet > 255) return undefined;
      bits = bits * 256 + octet;
      octets += 1;
      octet = -1;
    } else if (code >= 0x30 && code <= 0x39) {
      octet = Math.max(octet, 0) * 10 + (code - 0x30);
    } else return undefined;
  }
  return octets === 4 ? bits : undefined;
}

function readV6(text: string): bigint | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const v4 = tail === null ? undefined : readV4(tail[2]!);
  if (tail !== null && v4 === undefined) return undefined;
  const plain = tail === null ? text : `${tail[1]}${(v4! >>> 16).toString(16)}:${(v4! & 0xffff).toString(16)}`;
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const [head, rest] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const groups = [...head!, ...(rest ?? [])];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const missing = 8 - groups.length;
  if (rest === undefined ? missing !== 0 : missing < 1) return undefined;
  const full = rest === undefined ? groups : [...head!, ...Array<string>(missing).fill('0'), ...rest];
  return full.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

/** An IPv4 or IPv6 address, or a range in CIDR form; a bare address is a range of one. */
export function readIpRange(text: string): IpRange | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const prefix = slash < 0 ? undefined : text.slice(slash + 1);
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined;
  if (address.includes(':')) {
    const bits = readV6(address);
    const length = Number(prefix ?? 128);
    return bits === undefined || length > 128 ? undefined : { version: 6, bits, prefix: length };
  }
  const bits = readV4(address);
  const length = Number(prefix ?? 32);
  return bits === undefined || length > 32 ? undefined : { version: 4, bits, prefix: length };
}

/** True when every address of `inner` lies in `outer`. */
export function rangeContains(outer: IpRange, inner: IpRange): boolean {
  if (inner.prefix < outer.prefix) return false;
  if (outer.version === 4) {
    const size = 2 ** (32 - outer.prefix);
    return inner.version === 4 && Math.floor(outer.bits / size) === Math.floor(inner.bits / size);
  }
  const shift = BigInt(128 - outer.prefix);
  return inner.version === 6 && outer.bits >> shift === inner.bits >> shift;
}
