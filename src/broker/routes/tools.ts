// sys/tools/…: random bytes and hashes, with Vault's shapes, limits and texts.
import { createHash } from 'node:crypto';
import type { Random } from '../../base/index.ts';
import { enveloped, served, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import type { Handlers } from '../pipeline.ts';

const maxBytes = 128 * 1024;
/** So much is drawn in one call. */
const drawnBytes = 32 * 1024;
const defaultBytes = 32;
const sources = ['platform', 'seal', 'all'];

const randomFields = { bytes: 'int', format: 'string', source: 'string', urlbytes: 'string' } as const;
const hashFields = { input: 'string', algorithm: 'string', format: 'string', urlalgorithm: 'string' } as const;

/** Vault's names of algorithms, and Node's. */
const algorithms: Readonly<Record<string, string>> = {
  'sha2-224': 'sha224',
  'sha2-256': 'sha256',
  'sha2-384': 'sha384',
  'sha2-512': 'sha512',
  'sha3-224': 'sha3-224',
  'sha3-256': 'sha3-256',
  'sha3-384': 'sha3-384',
  'sha3-512': 'sha3-512',
};

type Names = 'random' | 'randomFrom' | 'randomBytes' | 'hash' | 'hashWith';

export function toolHandlers(random: Random): Pick<Handlers, Names> {
  const draw = served('Random bytes.', randomFields, async (call, fields) => randomAnswer(random, call, fields));
  const hash = served('The hash of an input.', hashFields, async (call, fields) => hashAnswer(call, fields));
  return { random: draw, randomFrom: draw, randomBytes: draw, hash, hashWith: hash };
}

function randomAnswer(random: Random, call: Call, fields: FieldValues<typeof randomFields>): Answer {
  const { source, count } = asked(call, fields);
  if (count < 1) throw refusal("'bytes' cannot be less than 1");
  if (count > maxBytes) throw refusal(`'bytes' should be less than ${maxBytes}`);
  const format = fields.format ?? 'base64';
  if (!isFormat(format)) throw refusal(`unsupported encoding format "${format}"; must be "hex" or "base64"`);
  if (!sources.includes(source)) {
    throw refusal(`unsupported entropy source "${source}"; must be "platform" or "seal", or "all"`);
  }
  const warnings = [
    ...(source === 'seal' ? ['no seal/entropy augmentation available, using platform entropy source'] : []),
    ...ignoredSource(call),
  ];
  return enveloped(call, { data: { random_bytes: drawn(random, count).toString(format) }, warnings });
}

// The path may name the source, the number, or both, so that policies can allow some of them only.
function asked({ params }: Call, { bytes }: FieldValues<typeof randomFields>): { source: string; count: number } {
  const { source: first = '', urlbytes } = params;
  if (urlbytes !== undefined) return { source: first, count: countOf(urlbytes) };
  if (first === '' || sources.includes(first)) return { source: first || 'platform', count: bytes ?? defaultBytes };
  return { source: 'platform', count: countOf(first) };
}

function countOf(text: string): number {
  if (/^[+-]?\d{1,18}$/.test(text)) return Number(text);
  throw refusal(`error parsing url-set byte count: strconv.Atoi: parsing "${text}": invalid syntax`);
}

/** The source is the path's to name; a body that names one is told so. */
function ignoredSource({ params, body }: Call): readonly string[] {
  if (!Object.hasOwn(body, 'source') || Object.hasOwn(params, 'source')) return [];
  return [
    "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [source]",
  ];
}

function drawn(random: Random, count: number): Buffer {
  const parts: Uint8Array[] = [];
  for (let left = count; left > 0; left -= drawnBytes) parts.push(random.bytes(Math.min(left, drawnBytes)));
  return Buffer.concat(parts);
}

function hashAnswer(call: Call, fields: FieldValues<typeof hashFields>): Answer {
  const input = decodeBase64(fields.input ?? '');
  const format = fields.format ?? 'hex';
  if (!isFormat(format)) throw refusal(`unsupported encoding format ${format}; must be "hex" or "base64"`);
  const name = call.params['urlalgorithm'] ?? fields.algorithm ?? 'sha2-256';
  const algorithm = Object.hasOwn(algorithms, name) ? algorithms[name]! : undefined;
  if (algorithm === undefined) throw refusal(`unsupported algorithm ${name}`);
  return enveloped(call, { data: { sum: createHash(algorithm).update(input).digest(format) } });
}

function isFormat(format: string): format is 'hex' | 'base64' {
  return format === 'hex' || format === 'base64';
}

/** Strict, as Go's decoder, which also says where it stopped; line ends are skipped. */
function decodeBase64(text: string): Buffer {
  const bad = /[^A-Za-z0-9+/=\r\n]|=(?!=?[\r\n]*$)/.exec(text)?.index;
  const plain = text.replace(/[\r\n]/g, '');
  const at = bad ?? (plain.length % 4 === 0 ? undefined : plain.length - (plain.length % 4));
  if (at === undefined) return Buffer.from(plain, 'base64');
  throw refusal(`unable to decode input as base64: illegal base64 data at input byte ${at}`);
}

function refusal(text: string): Error {
  return brokerFailure('bad-request', text);
}
