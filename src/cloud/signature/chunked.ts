// The `aws-chunked` encoding of S3 uploads (S3 API reference, "Signature calculations: transferring
// payload in multiple chunks"): chunks signed in a chain or unsigned, and trailers after the last one.
import { timingSafeEqual } from 'node:crypto';
import { awsFailure } from '../failures.ts';
import type { HttpRequest } from '../http.ts';
import { emptyHash, type HmacKey, scopeText, sha256Hex } from './canonical.ts';
import type { Presented } from './parse.ts';
import { signatureRefusal } from './refusals.ts';

const signedChunks = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const signedTrailer = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
const unsignedTrailer = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

const maxTrailers = 16;
const maxLineBytes = 8192;

/** True for the values of `x-amz-content-sha256` that announce this encoding. */
export function isChunked(contentSha256: string | undefined): contentSha256 is string {
  return contentSha256 === signedChunks || contentSha256 === signedTrailer || contentSha256 === unsignedTrailer;
}

function incomplete(message = 'The request body terminated unexpectedly'): Error {
  return awsFailure('IncompleteBody', message, { status: 400 });
}

/**
 * The request with its plain body, trailers among its headers and the encoding taken out of them.
 * @throws `IncompleteBody`, `MalformedTrailerError`, `MissingContentLength`, `SignatureDoesNotMatch`
 */
export function decodeChunks(
  request: HttpRequest,
  mode: string,
  presented: Presented | undefined,
  signingKey: HmacKey | undefined,
): HttpRequest {
  const signed = mode !== unsignedTrailer;
  const chain = signed ? new SignatureChain(presented, signingKey) : undefined;
  const reader = new LineReader(request.body);
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { size, signature } = chunkHead(reader.line(), signed);
    const data = reader.bytes(size);
    chain?.checkChunk(data, signature);
    if (size === 0) break;
    chunks.push(data);
    if (reader.line() !== '') throw incomplete('A chunk is longer than its header says');
  }
  const trailers = mode === signedChunks ? {} : readTrailers(reader, request, chain);
  const body = new Uint8Array(Buffer.concat(chunks));
  checkLength(request.headers['x-amz-decoded-content-length'], body.length);
  return { ...request, body, headers: { ...plainHeaders(request.headers, body.length), ...trailers } };
}

function checkLength(stated: string | undefined, length: number): void {
  if (stated === undefined || !/^\d{1,15}$/.test(stated)) {
    throw awsFailure('MissingContentLength', 'You must provide the Content-Length HTTP header.', { status: 411 });
  }
  if (Number(stated) === length) return;
  throw incomplete('You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header');
}

function plainHeaders(headers: HttpRequest['headers'], length: number): Record<string, string> {
  const { 'content-encoding': encoding, ...rest } = headers;
  const kept = (encoding ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== 'aws-chunked');
  return {
    ...rest,
    'content-length': String(length),
    ...(kept.length > 0 ? { 'content-encoding': kept.join(',') } : {}),
  };
}

/** `1000;chunk-signature=…`: size in hexadecimal, and the signature when chunks are signed. */
function chunkHead(line: string, signed: boolean): { readonly size: number; readonly signature: string } {
  const found = /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-fA-F]{64}))?$/.exec(line);
  if (found === null || (signed && found[2] === undefined)) throw incomplete('A chunk header is malformed');
  return { size: Number.parseInt(found[1]!, 16), signature: found[2] ?? '' };
}

/** Reads the bytes of a body in order; whatever is missing is `IncompleteBody`. */
class LineReader {
  readonly #body: Uint8Array;
  #at = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  /** Up to the next line feed, without it and without a carriage return before it. */
  line(): string {
    const end = this.#body.indexOf(0x0a, this.#at);
    if (end === -1 || end - this.#at > maxLineBytes) throw incomplete();
    const text = Buffer.from(this.#body.subarray(this.#at, end)).toString('latin1');
    this.#at = end + 1;
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  }

  bytes(length: number): Uint8Array {
    if (length > this.#body.length - this.#at) throw incomplete();
    this.#at += length;
    return this.#body.subarray(this.#at - length, this.#at);
  }

  get ended(): boolean {
    return this.#at >= this.#body.length;
  }
}

function malformedTrailer(): Error {
  return awsFailure(
    'MalformedTrailerError',
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
    {
      status: 400,
    },
  );
}

/** Trailers announced by `x-amz-trailer`, and nothing else; their signature when chunks are signed. */
function readTrailers(
  reader: LineReader,
  request: HttpRequest,
  chain: SignatureChain | undefined,
): Record<string, string> {
  const announced = (request.headers['x-amz-trailer'] ?? '').split(',').map((name) => name.trim().toLowerCase());
  const trailers: Record<string, string> = {};
  let signature: string | undefined;
  for (let count = 0; !reader.ended; count++) {
    const line = reader.line();
    // S3's own example has an empty line between the trailers and their signature.
    if (line === '' && chain !== undefined && signature === undefined && count <= maxTrailers) continue;
    if (line === '') break;
    const colon = line.indexOf(':');
    if (colon === -1 || count > maxTrailers) throw malformedTrailer();
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'x-amz-trailer-signature') signature = value;
    else if (announced.includes(name) && trailers[name] === undefined) trailers[name] = value;
    else throw malformedTrailer();
  }
  if (announced.some((name) => name !== '' && trailers[name] === undefined)) throw malformedTrailer();
  chain?.checkTrailers(trailers, signature);
  return trailers;
}

/** Each signature covers the one before it; the first is the request's. */
class SignatureChain {
  readonly #presented: Presented;
  readonly #key: HmacKey;
  #previous: string;

  constructor(presented: Presented | undefined, key: HmacKey | undefined) {
    // Signed chunks under no signature have nothing to begin their chain with.
    if (presented === undefined || key === undefined) throw signatureRefusal('rest-xml', 'unsigned');
    this.#presented = presented;
    this.#key = key;
    this.#previous = presented.signature;
  }

  checkChunk(data: Uint8Array, signature: string): void {
    this.#check('AWS4-HMAC-SHA256-PAYLOAD', [emptyHash, sha256Hex(data)], signature);
  }

  checkTrailers(trailers: Readonly<Record<string, string>>, signature: string | undefined): void {
    if (signature === undefined || !/^[0-9a-fA-F]{64}$/.test(signature)) throw malformedTrailer();
    const text = Object.entries(trailers)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}:${value}\n`)
      .join('');
    this.#check('AWS4-HMAC-SHA256-TRAILER', [sha256Hex(text)], signature);
  }

  #check(algorithm: string, hashes: readonly string[], signature: string): void {
    const { timestamp, scope } = this.#presented;
    const right = this.#key.sign([algorithm, timestamp, scopeText(scope), this.#previous, ...hashes].join('\n'));
    if (!timingSafeEqual(right, Buffer.from(signature, 'hex'))) throw signatureRefusal('rest-xml', 'wrong-signature');
    this.#previous = signature.toLowerCase();
  }
}
