import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { hmacSha256, sha256 } from '../../src/assume/sha256.ts';

/** Bytes that look random and are the same in each run. */
function bytes(length: number, seed: number): Buffer {
  let state = seed + 1;
  return Buffer.from(Array.from({ length }, () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 24));
}

test('hashes as FIPS 180-4 gives them', () => {
  const vectors: Readonly<Record<string, string>> = {
    '': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    abc: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq:
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  };
  for (const [text, digest] of Object.entries(vectors)) assert.equal(sha256(Buffer.from(text)).toString('hex'), digest);
});

test('hashes texts of every length as node:crypto does', () => {
  for (const length of [...Array(300).keys(), 4095, 4096, 100_001]) {
    for (const message of [bytes(length, length), Buffer.alloc(length, 0xff), Buffer.alloc(length)])
      assert.deepEqual(sha256(message), createHash('sha256').update(message).digest(), `${length} bytes`);
  }
});

test('takes keys of every length as node:crypto does', () => {
  for (let length = 0; length < 200; length++) {
    const [key, message] = [bytes(length, 7), bytes(3 * length, length)];
    assert.deepEqual(hmacSha256(key, message), createHmac('sha256', key).update(message).digest(), `${length} bytes`);
  }
});

test('leaves what it was given as it was', () => {
  const [key, message] = [bytes(100, 1), bytes(100, 2)];
  hmacSha256(key, message);
  assert.deepEqual([key, message], [bytes(100, 1), bytes(100, 2)]);
});
