// Initialising, sealing, keys and snapshots as the clients of Vault call them, on a server as in production.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import nodeVault from 'node-vault';
import { sealedServer } from '../broker/seal/seal-support.ts';
import { cleanEnvironment, run, skipUnless } from './support.ts';

test('hvac: every call on init, seal, keys, root tokens and snapshots', { skip: skipUnless('python') }, async (t) => {
  const server = await sealedServer((end) => t.after(end));
  const env = cleanEnvironment({ VAULT_ADDR: server.address() });
  const { code, stdout, stderr } = await run('python', ['test/clients/programs/hvac_seal.py'], env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    opening: {
      initialized_before: false,
      health_before: 501,
      keys: 3,
      again: 'InvalidRequest',
      sealed: true,
      progress: 1,
      reset: 0,
      wrong: 'InvalidRequest',
      opened: false,
      leader: false,
      authenticated: true,
      sealed_again: 'VaultDown',
      status: false,
    },
    keys: {
      term: 2,
      started: true,
      complete: true,
      proof: true,
      proved: true,
      backup: 'InvalidRequest',
      cancelled: false,
    },
    root: { required: 2, progress: 1, policies: ['root'], cancelled: false },
    snapshots: { restored: true, damaged: 'InvalidRequest', forced: 'allowed' },
  });
});

test('node-vault: init, unseal, seal, generate-root, rotate and health', async (t) => {
  const server = await sealedServer((end) => t.after(end));
  const vault = nodeVault({ endpoint: server.address() });
  assert.deepEqual(await vault.initialized(), { initialized: false });
  const { keys, root_token: token } = (await vault.init({ secret_shares: 1, secret_threshold: 1 })) as {
    keys: [string];
    root_token: string;
  };
  Object.assign(vault, { token });
  assert.equal((await vault.status()).sealed, true);
  assert.equal((await vault.unseal({ key: keys[0] })).sealed, false);
  assert.equal((await vault.health()).initialized, true);
  await vault.rotate();
  const { nonce, otp } = (await vault.generateRootInit({})) as { nonce: string; otp: string };
  const { encoded_root_token: encoded } = (await vault.generateRootUpdate({ key: keys[0], nonce })) as {
    encoded_root_token: string;
  };
  const made = Buffer.from(Buffer.from(encoded, 'base64').map((byte, at) => byte ^ otp.charCodeAt(at))).toString();
  assert.deepEqual((await nodeVault({ endpoint: server.address(), token: made }).tokenLookupSelf()).data.policies, [
    'root',
  ]);
  await vault.generateRootInit({});
  await vault.generateRootCancel();
  await vault.seal();
  assert.equal((await vault.status()).sealed, true);
});
