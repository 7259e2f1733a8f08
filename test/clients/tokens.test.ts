// Tokens, wrapping, leases and quotas as the clients of Vault call them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import nodeVault from 'node-vault';
import { run, skipUnless, startCloudProcess, startServerProcess } from './support.ts';

test(
  'hvac: every call on tokens, roles, wrapping, cubbyholes, leases and quotas',
  { skip: skipUnless('python') },
  async (t) => {
    const cloud = await startCloudProcess(t);
    const { address, rootToken } = await startServerProcess(t, cloud);
    const env = { ...cloud.admin('dev'), VAULT_ADDR: address, VAULT_TOKEN: rootToken };
    const { code, stdout, stderr } = await run('python', ['test/clients/programs/hvac_tokens.py'], env);
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      tokens: {
        meta: { team: 'x' },
        name: 'token-ci',
        by_accessor: '',
        listed: true,
        renewed: 1800,
        renewed_by_accessor: 1800,
        orphan: true,
        batch: 'batch',
        self: true,
        renewed_self: true,
        logged_in: true,
        after: 'Forbidden',
        child_lives: true,
        child_after: 'Forbidden',
      },
      roles: { period: [0, 3600], listed: ['ci'], made: 3600, refused: 'InvalidRequest', after: 'InvalidPath' },
      wrapping: { path: 'sys/wrapping/wrap', data: { a: 'b' }, again: 'InvalidRequest', accessor: true },
      cubbyhole: { read: { k: 'v' }, list: ['a'], after: null },
      leases: {
        read: true,
        list: 1,
        renew: 600,
        quotas: ['all', 'slow'],
        quota: 100_000,
        too_many: ['allowed', 'RateLimitExceeded'],
        after: 'InvalidRequest',
        left: 'InvalidPath',
      },
    });
  },
);

test('node-vault: tokens, roles, wrapping and revoking', async (t) => {
  const cloud = await startCloudProcess(t);
  const { address, rootToken } = await startServerProcess(t, cloud);
  const vault = nodeVault({ endpoint: address, token: rootToken });
  const made = await vault.tokenCreate({ policies: ['default'], ttl: '1h' });
  const { client_token: token, accessor } = made.auth;
  // It takes every token it is given for its own.
  const asRoot = (): typeof vault => Object.assign(vault, { token: rootToken });
  assert.equal((await asRoot().tokenLookup({ token })).data.accessor, accessor);
  assert.equal((await asRoot().tokenLookupAccessor({ accessor })).data.id, '');
  assert.equal((await asRoot().tokenRenew({ token, increment: '30m' })).auth.lease_duration, 1800);
  assert.ok((await asRoot().tokenAccessors()).data.keys.includes(accessor));
  assert.equal((await asRoot().tokenCreateOrphan({ policies: ['default'] })).auth.orphan, true);
  await asRoot().addTokenRole({ role_name: 'ci', allowed_policies: 'default' });
  assert.deepEqual((await asRoot().tokenRoles()).data.keys, ['ci']);
  assert.equal((await asRoot().getTokenRole({ role_name: 'ci' })).data.name, 'ci');
  assert.deepEqual((await asRoot().tokenCreateRole({ role_name: 'ci' })).auth.policies, ['default']);
  await asRoot().removeTokenRole({ role_name: 'ci' });
  await asRoot().tokenRevoke({ token });
  await assert.rejects(asRoot().tokenLookup({ token }), /bad token/);
});
