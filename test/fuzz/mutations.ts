// What is done to a request. All of it comes from one source of numbers, so that a seed tells the whole run.

export class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** 0 to `limit - 1`. Marsaglia's xorshift. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const bomb = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 12 }, (_, index) => `<!ENTITY a${index} "${`&a${index === 0 ? '' : index - 1};`.repeat(10)}">`).join('')}]><a>&a11;</a>`;

/** Values that have broken a parser somewhere. */
const nasty: readonly string[] = [
  '',
  '\u0000',
  '%00',
  '%FF%FE',
  '%',
  '\uD800',
  '\u{1F600}'.repeat(50),
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '../../../../etc/passwd',
  '${aws:username}',
  '${jndi:ldap://x}',
  '-1',
  '0',
  '1e400',
  '99999999999999999999999',
  'NaN',
  'null',
  'true',
  '[]',
  '{}',
  '[['.repeat(20_000),
  '{"a":'.repeat(20_000),
  `{"Version":"2012-10-17","Statement":${'['.repeat(5000)}`,
  JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*'.repeat(5000), Resource: '*' } }),
  '<a>'.repeat(20_000),
  bomb,
  '9999-99-99T99:99:99Z',
  'arn:aws:iam::111111111111:role/',
  'arn:'.repeat(500),
  'a'.repeat(100_000),
  '*?'.repeat(3000),
];

const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8');

const mutateBytes: readonly ((bytes: Buffer, numbers: Numbers) => Buffer)[] = [
  (bytes, numbers) => {
    const changed = Buffer.from(bytes);
    for (let count = 1 + numbers.below(8); count > 0 && changed.length > 0; count--) {
      changed[numbers.below(changed.length)] = numbers.below(256);
    }
    return changed;
  },
  (bytes, numbers) => bytes.subarray(0, numbers.below(bytes.length + 1)),
  (bytes, numbers) => {
    const at = numbers.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), bytesOf(numbers.of(nasty)), bytes.subarray(at)]);
  },
  (bytes) => Buffer.concat([bytes, bytes]),
  (_bytes, numbers) => bytesOf(numbers.of(nasty)),
  (_bytes, numbers) => Buffer.from(Array.from({ length: numbers.below(500) }, () => numbers.below(256))),
];

/** One value of a form, of JSON or of XML made nasty, by the shape of the text; else bytes. */
function mutateText(bytes: Buffer, numbers: Numbers): Buffer {
  const text = bytes.toString('latin1');
  const value = numbers.of(nasty);
  const patterns = [/=[^&]*/g, /"[^"]*"(?=[,}\]])/g, />[^<]+</g, /\b[\w.]{1,60}(?==)/g, /\d+/g];
  const pattern = numbers.of(patterns);
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return numbers.of(mutateBytes)(bytes, numbers);
  const match = numbers.of(found);
  const [whole] = match;
  const put = whole.startsWith('=')
    ? `=${encodeURIComponent(value.toWellFormed())}`
    : whole.startsWith('"')
      ? JSON.stringify(value)
      : whole.startsWith('>')
        ? `>${value}<`
        : value;
  return bytesOf(text.slice(0, match.index) + put + text.slice(match.index + whole.length));
}

const headerNames = [
  'content-type',
  'x-amz-target',
  'host',
  'x-amz-security-token',
  'x-amz-decoded-content-length',
  'content-md5',
  'range',
  'if-match',
  'x-amz-copy-source',
  'x-amz-meta-a',
  'transfer-encoding',
  'expect',
  'x-amz-checksum-crc32',
  'content-encoding',
] as const;

/** Header values are kept to what a client can send at all. */
const headerText = (text: string): string => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '').slice(0, 8000);

const mutations: readonly ((request: Request, numbers: Numbers) => Request)[] = [
  (request, numbers) => ({ ...request, body: mutateText(Buffer.from(request.body), numbers) }),
  (request, numbers) => ({ ...request, body: mutateText(Buffer.from(request.body), numbers) }),
  (request, numbers) => ({ ...request, body: numbers.of(mutateBytes)(Buffer.from(request.body), numbers) }),
  (request, numbers) => ({ ...request, query: urlText(mutateText(bytesOf(request.query), numbers)) }),
  (request, numbers) => ({ ...request, path: `/${urlText(numbers.of(mutateBytes)(bytesOf(request.path), numbers))}` }),
  (request, numbers) => ({
    ...request,
    headers: { ...request.headers, [numbers.of(headerNames)]: headerText(numbers.of(nasty)) },
  }),
  (request, numbers) => ({
    ...request,
    method: numbers.of(['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS']),
  }),
  (request) => request,
];

function urlText(bytes: Buffer): string {
  return [...bytes.subarray(0, 6000)]
    .map((byte) =>
      /[\w\-.~/&=%+]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).padStart(2, '0')}`,
    )
    .join('');
}

/** One to three things done to the request. */
export function mutate(request: Request, numbers: Numbers): Request {
  let mutated = request;
  for (let count = 1 + numbers.below(3); count > 0; count--) mutated = numbers.of(mutations)(mutated, numbers);
  return mutated;
}
