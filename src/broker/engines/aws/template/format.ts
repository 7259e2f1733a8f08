// Go's fmt for the values of a template: Sprint, Sprintln and Sprintf with the verbs that make sense
// for strings, numbers and booleans. Strings hold bytes. Facts: pkg.go.dev/fmt.
import { quoteBytes, splitRunes, toBytes } from './quote.ts';
import { GoStruct, kindOf, typeName, type Value } from './values.ts';

/** `%v`. */
export function plainText(value: Value): string {
  if (value === null) return '<nil>';
  if (value instanceof GoStruct) return `{${Object.values(value.fields).join(' ')}}`;
  return typeof value === 'number' ? floatText(value, 'g', undefined) : String(value);
}

/** fmt.Sprint: a space between two operands when neither is a string. */
export function sprint(values: readonly Value[]): string {
  return values
    .map((value, index) => {
      const before = values[index - 1];
      const spaced = index > 0 && typeof value !== 'string' && typeof before !== 'string';
      return (spaced ? ' ' : '') + plainText(value);
    })
    .join('');
}

export function sprintln(values: readonly Value[]): string {
  return `${values.map(plainText).join(' ')}\n`;
}

interface Flags {
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

/** Wider fields make longer texts than any name may be. */
const widest = 20_000;

const directive = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([^\x80-\xff]|[\xc0-\xff][\x80-\xbf]*)?/g;

/** fmt.Sprintf, with its marks for what does not fit, for example `%!d(string=hi)`. */
export function sprintf(format: string, values: readonly Value[]): string {
  let used = 0;
  const next = (): Value | undefined => (used < values.length ? values[used++] : undefined);
  const text = format.replace(
    directive,
    (whole: string, flags: string, width?: string, precision?: string, verb?: string) => {
      if (verb === undefined) return '%!(NOVERB)';
      if (verb === '%') return '%';
      const problems: string[] = [];
      const read = (given: string | undefined, problem: string): number | undefined => {
        if (given !== '*') return given === undefined ? undefined : Math.min(Number(given), widest);
        const value = next();
        if (typeof value === 'bigint' && value >= -widest && value <= widest) return Number(value);
        problems.push(problem);
        return undefined;
      };
      const wide = read(width, '%!(BADWIDTH)');
      const hasPrecision = /^%[-+# 0]*(?:\*|\d+)?\./.test(whole);
      const precise = hasPrecision ? (read(precision, '%!(BADPREC)') ?? 0) : undefined;
      if (used >= values.length) return `${problems.join('')}%!${verb}(MISSING)`;
      return problems.join('') + formatOne(verb, next()!, readFlags(flags, wide, precise));
    },
  );
  return used < values.length ? `${text}%!(EXTRA ${values.slice(used).map(described).join(', ')})` : text;
}

function readFlags(flags: string, width: number | undefined, precision: number | undefined): Flags {
  const minus = flags.includes('-') || (width !== undefined && width < 0);
  return {
    minus,
    plus: flags.includes('+'),
    sharp: flags.includes('#'),
    space: flags.includes(' '),
    zero: flags.includes('0') && !minus,
    width: width === undefined ? undefined : Math.abs(width),
    precision: precision !== undefined && precision < 0 ? undefined : precision,
  };
}

function described(value: Value): string {
  return value === null ? '<nil>' : `${typeName(value)}=${plainText(value)}`;
}

function formatOne(verb: string, value: Value, flags: Flags): string {
  if (verb === 'T') return pad(typeName(value), { ...flags, zero: false });
  if (value === null) return verb === 'v' ? pad('<nil>', flags) : `%!${verb}(<nil>)`;
  if (verb === 'v') return formatOne(plainVerb(value), value, flags);
  if (value instanceof GoStruct) {
    return `{${Object.values(value.fields)
      .map((field) => formatOne(verb, field, flags))
      .join(' ')}}`;
  }
  const kind = kindOf(value);
  if (kind === 'string' && 'sqxX'.includes(verb)) return formatString(verb, value as string, flags);
  if (kind === 'int' && 'dboOxXcqU'.includes(verb)) return formatInteger(verb, value as bigint, flags);
  if (kind === 'float64' && 'eEfFgG'.includes(verb)) return formatFloat(verb, value as number, flags);
  if (kind === 'bool' && verb === 't') return pad(String(value), flags);
  if (verb === '{') return `{${plainText(value)}}`;
  return `%!${verb}(${described(value)})`;
}

function plainVerb(value: Value): string {
  return { string: 's', int: 'd', float64: 'g', bool: 't', struct: 's', nil: 'v' }[kindOf(value)];
}

function pad(text: string, { width = 0, minus, zero }: Flags): string {
  const missing = width - splitRunes(text).length;
  if (missing <= 0) return text;
  if (minus) return text + ' '.repeat(missing);
  return (zero ? '0' : ' ').repeat(missing) + text;
}

function formatString(verb: string, value: string, flags: Flags): string {
  const { precision, sharp, space } = flags;
  if (verb === 'x' || verb === 'X') {
    const bytes = precision === undefined ? value : value.slice(0, precision);
    const pairs = Buffer.from(bytes, 'latin1').toString('hex').match(/../g) ?? [];
    const prefix = sharp && pairs.length > 0 ? '0x' : '';
    const joined = space ? pairs.map((pair) => (sharp ? `0x${pair}` : pair)).join(' ') : prefix + pairs.join('');
    return pad(verb === 'X' ? joined.toUpperCase() : joined, flags);
  }
  const cut = precision === undefined ? value : splitRunes(value).slice(0, precision).join('');
  if (verb === 's') return pad(cut, flags);
  if (sharp && !cut.includes('`') && /^[\t\x20-\x7e\x80-\xff]*$/.test(cut)) return pad(`\`${cut}\``, flags);
  return pad(toBytes(quoteBytes(cut)), flags);
}

function formatInteger(verb: string, value: bigint, flags: Flags): string {
  if (verb === 'c') return pad(toBytes(character(value)), flags);
  if (verb === 'q') return pad(toBytes(quotedCharacter(value)), flags);
  if (verb === 'U')
    return pad(
      `U+${value
        .toString(16)
        .toUpperCase()
        .padStart(Math.max(4, flags.precision ?? 0), '0')}`,
      { ...flags, zero: false },
    );
  const base = { d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 }[verb]!;
  const { precision, width = 0, zero, sharp } = flags;
  const sign = value < 0n ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  const prefix = verb === 'O' ? '0o' : sharp ? ({ b: '0b', o: '0', x: '0x', X: '0X' }[verb] ?? '') : '';
  let digits = (value < 0n ? -value : value).toString(base);
  if (precision === 0 && value === 0n) digits = '';
  if (verb === 'X') digits = digits.toUpperCase();
  // As Go: the sign counts towards the width that zeros fill, the prefix does not.
  const wanted = precision ?? (zero ? width - sign.length : 0);
  const filled = digits.padStart(wanted, '0');
  return pad(sign + (prefix === '0' && filled.startsWith('0') ? '' : prefix) + filled, { ...flags, zero: false });
}

function character(value: bigint): string {
  const code = Number(value);
  return code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? '\ufffd' : String.fromCodePoint(code);
}

function quotedCharacter(value: bigint): string {
  const text = character(value);
  if (text === "'") return `'\\''`;
  if (text === '"') return `'"'`;
  return `'${quoteBytes(toBytes(text)).slice(1, -1)}'`;
}

function formatFloat(verb: string, value: number, flags: Flags): string {
  const digits = floatText(Math.abs(value), verb, flags.precision);
  const sign = value < 0 || Object.is(value, -0) ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  const { width = 0, zero } = flags;
  const filled = zero ? digits.padStart(width - sign.length, '0') : digits;
  return pad(sign + filled, { ...flags, zero: false });
}

function floatText(value: number, verb: string, precision: number | undefined): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const upper = verb === 'E' || verb === 'G';
  const text = exactFloat(value, verb.toLowerCase(), precision);
  return upper ? text.toUpperCase() : text;
}

function exactFloat(value: number, verb: string, precision: number | undefined): string {
  if (verb === 'f') return value.toFixed(Math.min(precision ?? 6, 100));
  if (verb === 'e') return goExponent(value.toExponential(Math.min(precision ?? 6, 100)));
  const shortest = precision === undefined ? value.toExponential() : value.toExponential(Math.max(precision, 1) - 1);
  const exponent = Number(shortest.slice(shortest.indexOf('e') + 1));
  // The shortest form turns to exponents at 7 digits before the point, the form with a precision at its own.
  const limit = precision === undefined ? 6 : Math.max(precision, 1);
  const digits = shortest.slice(0, shortest.indexOf('e'));
  const trimmed = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
  if (exponent < -4 || exponent >= limit) return goExponent(`${trimmed}e${exponent < 0 ? '' : '+'}${exponent}`);
  return value.toFixed(Math.min(100, Math.max(0, trimmed.replace(/[-.]/g, '').length - 1 - exponent)));
}

function goExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}
