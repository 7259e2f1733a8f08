// Go's quoted strings, for bytes (one character each): written as `%q` writes them, and read.

const short: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

/** `"…"` with what cannot be printed escaped; the result is text, not bytes. */
export function quoteBytes(bytes: string): string {
  // One character at a time where the bytes are no UTF-8, so that each bad byte is shown as it is.
  return `"${splitRunes(bytes).map(quoteRune).join('')}"`;
}

/** The text as bytes, one character for each. */
export function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The bytes as text; what is no UTF-8 becomes U+FFFD. */
export function toText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

const rune =
  /[^\x80-\xff]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;

/** The bytes of each character; a byte that belongs to none stands alone. */
export function splitRunes(bytes: string): readonly string[] {
  return bytes.match(rune) ?? [];
}

function quoteRune(bytes: string): string {
  if (bytes in short) return short[bytes]!;
  const code = bytes.charCodeAt(0);
  if (bytes.length === 1) return code >= 0x20 && code < 0x7f ? bytes : `\\x${code.toString(16).padStart(2, '0')}`;
  const text = toText(bytes);
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(text)) return text;
  const point = text.codePointAt(0)!;
  return point > 0xffff ? `\\U${point.toString(16).padStart(8, '0')}` : `\\u${point.toString(16).padStart(4, '0')}`;
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

/** The bytes of a quoted string or character; undefined where Go reads none. */
export function unquote(quoted: string): string | undefined {
  const quote = quoted[0]!;
  const pattern = /\\(?:x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))|([^\\])/gsy;
  const body = quoted.slice(1, -1);
  let bytes = '';
  for (const [, hex, octal, four, eight, one, plain] of body.matchAll(pattern)) {
    const next = plain ?? codeBytes(hex, octal, four ?? eight) ?? (one === quote ? quote : escapes[one ?? '']);
    if (next === undefined) return undefined;
    bytes += next;
  }
  return bytes;
}

function codeBytes(hex?: string, octal?: string, point?: string): string | undefined {
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
  if (octal !== undefined && Number.parseInt(octal, 8) < 256) return String.fromCharCode(Number.parseInt(octal, 8));
  if (point === undefined) return undefined;
  const code = Number.parseInt(point, 16);
  return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? undefined : toBytes(String.fromCodePoint(code));
}

/** As `%q` writes a text. */
export function goQuote(text: string): string {
  return quoteBytes(toBytes(text));
}
