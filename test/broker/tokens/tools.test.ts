// sys/tools: random bytes and hashes, in Vault's shapes and texts.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { testBroker } from '../support.ts';
import { refused } from './support.ts';

const randomCases: readonly (readonly [path: string, body: object, bytes: number, encoding: BufferEncoding])[] = [
  ['random', {}, 32, 'base64'],
  ['random', { bytes: 16, format: 'hex' }, 16, 'hex'],
  ['random/8', { bytes: 16 }, 8, 'base64'],
  ['random/platform', { bytes: '5' }, 5, 'base64'],
  ['random/all/9', {}, 9, 'base64'],
  ['random/131072', { format: 'hex' }, 131_072, 'hex'],
];

test('random bytes are as many as asked for, in the form asked for, and never the same', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  for (const [path, body, count, encoding] of randomCases) {
    const draw = async (): Promise<string> =>
      String((await call('POST', `/v1/sys/tools/${path}`, { body })).body.data['random_bytes']);
    const [one, other] = [await draw(), await draw()];
    assert.equal(Buffer.from(one, encoding).length, count, path);
    assert.equal(Buffer.from(one, encoding).toString(encoding), one);
    assert.notEqual(one, other);
  }
  const seal = await call('POST', '/v1/sys/tools/random/seal/8');
  assert.deepEqual(seal.body['warnings'], ['no seal/entropy augmentation available, using platform entropy source']);
  const named = await call('POST', '/v1/sys/tools/random', { body: { source: 'odd' } });
  assert.match(String((named.body['warnings'] as string[])[0]), /captured from the endpoint's path: \[source\]$/);
});

const refusals: readonly (readonly [path: string, body: object, text: string])[] = [
  ['random', { bytes: 0 }, "'bytes' cannot be less than 1"],
  ['random/-1', {}, "'bytes' cannot be less than 1"],
  ['random', { bytes: 131_073 }, "'bytes' should be less than 131072"],
  ['random/999999999', {}, "'bytes' should be less than 131072"],
  ['random/odd', {}, 'error parsing url-set byte count: strconv.Atoi: parsing "odd": invalid syntax'],
  ['random/platform/x', {}, 'error parsing url-set byte count: strconv.Atoi: parsing "x": invalid syntax'],
  ['random/odd/8', {}, 'unsupported entropy source "odd"; must be "platform" or "seal", or "all"'],
  ['random', { format: 'x' }, 'unsupported encoding format "x"; must be "hex" or "base64"'],
  ['hash', { input: 'dGVzdA==', format: 'x' }, 'unsupported encoding format x; must be "hex" or "base64"'],
  ['hash/md5', { input: 'dGVzdA==' }, 'unsupported algorithm md5'],
  ['hash', { algorithm: 'constructor' }, 'unsupported algorithm constructor'],
  ['hash', { input: 'x' }, 'unable to decode input as base64: illegal base64 data at input byte 0'],
  ['hash', { input: 'dGVzdA' }, 'unable to decode input as base64: illegal base64 data at input byte 4'],
  ['hash', { input: 'dGV!' }, 'unable to decode input as base64: illegal base64 data at input byte 3'],
];

test('what cannot be drawn or hashed is refused in Vault’s words', async (t) => {
  const world = await testBroker((end) => t.after(end));
  for (const [path, body, text] of refusals) {
    assert.deepEqual(await refused(world, `sys/tools/${path}`, body), [400, text], path);
  }
});

test('hashes are those of the algorithm that the path or the body names', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const sum = async (path: string, body: object): Promise<unknown> =>
    (await call('POST', `/v1/sys/tools/${path}`, { body: { input: 'dGVz\ndA==', ...body } })).body.data['sum'];
  const expected = (algorithm: string, encoding: 'hex' | 'base64'): string =>
    createHash(algorithm).update('test').digest(encoding);
  assert.equal(await sum('hash', {}), expected('sha256', 'hex'));
  assert.equal(await sum('hash', { algorithm: 'sha3-512', format: 'base64' }), expected('sha3-512', 'base64'));
  assert.equal(await sum('hash/sha2-384', { algorithm: 'sha2-512' }), expected('sha384', 'hex'));
  for (const [name, node] of [
    ['sha2-224', 'sha224'],
    ['sha2-512', 'sha512'],
    ['sha3-224', 'sha3-224'],
  ] as const) {
    assert.equal(await sum(`hash/${name}`, {}), expected(node, 'hex'));
  }
});
