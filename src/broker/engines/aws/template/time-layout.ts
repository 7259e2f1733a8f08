// Go's time layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` written as one wants times
// written. Facts: pkg.go.dev/time, constants. Times are told in UTC.

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Longest first where one begins another; fractions are told apart by hand. */
const element =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|__2|_2(?!006)|002|01|02|03|04|05|06|15|-07:00:00|-07:00|-070000|-0700|-07|Z07:00:00|Z07:00|Z070000|Z0700|Z07|PM|pm|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5|_/g;

/** The time in the layout's form. */
export function formatTime(millis: number, layout: string): string {
  const time = new Date(millis);
  return layout.replace(element, (found) => writers[found]?.(time) ?? fraction(found, time) ?? found);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function yearDay(time: Date): number {
  return Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}

function hour12(time: Date): number {
  return time.getUTCHours() % 12 || 12;
}

const zone = (text: string) => (): string => text;

const writers: Readonly<Record<string, (time: Date) => string>> = {
  '2006': (time) => String(time.getUTCFullYear()).padStart(4, '0'),
  '06': (time) => two(time.getUTCFullYear() % 100),
  January: (time) => months[time.getUTCMonth()]!,
  Jan: (time) => months[time.getUTCMonth()]!.slice(0, 3),
  '01': (time) => two(time.getUTCMonth() + 1),
  '1': (time) => String(time.getUTCMonth() + 1),
  Monday: (time) => days[time.getUTCDay()]!,
  Mon: (time) => days[time.getUTCDay()]!.slice(0, 3),
  '02': (time) => two(time.getUTCDate()),
  _2: (time) => String(time.getUTCDate()).padStart(2),
  '2': (time) => String(time.getUTCDate()),
  __2: (time) => String(yearDay(time)).padStart(3),
  '002': (time) => String(yearDay(time)).padStart(3, '0'),
  '15': (time) => two(time.getUTCHours()),
  '03': (time) => two(hour12(time)),
  '3': (time) => String(hour12(time)),
  '04': (time) => two(time.getUTCMinutes()),
  '4': (time) => String(time.getUTCMinutes()),
  '05': (time) => two(time.getUTCSeconds()),
  '5': (time) => String(time.getUTCSeconds()),
  PM: (time) => (time.getUTCHours() < 12 ? 'AM' : 'PM'),
  pm: (time) => (time.getUTCHours() < 12 ? 'am' : 'pm'),
  MST: zone('UTC'),
  '-0700': zone('+0000'),
  '-07:00': zone('+00:00'),
  '-07': zone('+00'),
  '-070000': zone('+000000'),
  '-07:00:00': zone('+00:00:00'),
  Z0700: zone('Z'),
  'Z07:00': zone('Z'),
  Z07: zone('Z'),
  Z070000: zone('Z'),
  'Z07:00:00': zone('Z'),
};

// `.000` writes so many digits, `.999` drops the zeros at the end and itself when none are left.
function fraction(found: string, time: Date): string | undefined {
  if (!/^[.,]/.test(found)) return undefined;
  const digits = String(time.getUTCMilliseconds())
    .padStart(3, '0')
    .padEnd(9, '0')
    .slice(0, found.length - 1);
  if (found[1] === '0') return found[0]! + digits.padEnd(found.length - 1, '0');
  const kept = digits.replace(/0+$/, '');
  return kept === '' ? '' : found[0]! + kept;
}
