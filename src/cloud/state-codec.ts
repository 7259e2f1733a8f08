// The bytes of one state value. Values are JSON plus `Uint8Array` and `Secret`; bytes follow the JSON
// text instead of standing in it, so that an object of the store costs no more than its size.

import { Secret } from '../base/index.ts';

// A member name that stands for something JSON has no word for; a value's own `$…` member is wrapped.
const marks = { bytes: '$bytes', secret: '$secret', plain: '$plain' } as const;

/** The value's bytes: length of the JSON text (4 bytes, big-endian), the text, then every `Uint8Array` in order. */
export function encodeValue(value: unknown): Uint8Array {
  const blobs: Uint8Array[] = [];
  const text = Buffer.from(JSON.stringify(toJson(value, blobs)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, ...blobs]);
}

/** The inverse of `encodeValue`. @throws Error (plain) when the bytes are not its work. */
export function decodeValue(bytes: Uint8Array): unknown {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 4 + buffer.readUInt32BE(0);
  let offset = end;
  const take = (length: number): Uint8Array => {
    const start = offset;
    offset += length;
    return new Uint8Array(buffer.subarray(start, offset));
  };
  return fromJson(JSON.parse(buffer.toString('utf8', 4, end)) as unknown, take);
}

function toJson(value: unknown, blobs: Uint8Array[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Secret) return { [marks.secret]: value.reveal() };
  if (value instanceof Uint8Array) {
    blobs.push(value);
    return { [marks.bytes]: value.length };
  }
  if (Array.isArray(value)) return value.map((item) => toJson(item, blobs));
  if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null) {
    throw new TypeError(`a state value holds a ${value.constructor.name}, which cannot be kept`);
  }
  const members = Object.entries(value).map(([key, member]) => [key, toJson(member, blobs)] as const);
  const plain = Object.fromEntries(members);
  return members.some(([key]) => key.startsWith('$')) ? { [marks.plain]: plain } : plain;
}

function fromJson(json: unknown, take: (length: number) => Uint8Array): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map((item) => fromJson(item, take));
  const members = json as Record<string, unknown>;
  if (marks.secret in members) return new Secret(members[marks.secret] as string);
  if (marks.bytes in members) return take(members[marks.bytes] as number);
  const plain = (members[marks.plain] ?? members) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(plain).map(([key, member]) => [key, fromJson(member, take)]));
}
