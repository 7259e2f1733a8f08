// Answers of others, which may be of any length.
import type { IncomingMessage } from 'node:http';

/** The whole body. @throws Error when it is longer than `maxBytes`. */
export async function readLimited(response: IncomingMessage, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
