import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signer } from '../broker/issuers.ts';
import { run, skipUnless, startCloudProcess, startServerProcess } from './support.ts';

test('hvac: userpass, approle, IAM and JWT logins', { skip: skipUnless('python') }, async (t) => {
  const cloud = await startCloudProcess(t);
  const server = await startServerProcess(t, cloud);
  const key = await signer();
  const now = Math.floor(Date.now() / 1000);
  const dev = Object.entries(cloud.accounts).find(([, { name }]) => name === 'dev')![0];
  const done = await run('python', ['test/clients/auth.py'], {
    ...cloud.admin('dev'),
    VAULT_ADDR: server.address,
    VAULT_TOKEN: server.rootToken,
    CALLER_ARN: `arn:aws:iam::${dev}:user/admin`,
    PUBLIC_KEY: key.pem,
    TOKEN: await key.sign({ sub: 'ann', aud: 'stint', iat: now, exp: now + 600 }),
  });
  assert.equal(done.code, 0, done.stderr);
  const refused = (text: string): readonly string[] => ['InvalidRequest', text];
  assert.deepEqual(JSON.parse(done.stdout), {
    userpass: {
      users: ['ann'],
      policies: ['a'],
      login: ['a', 'default'],
      wrong: refused('invalid username or password'),
      gone: 'InvalidPath',
    },
    approle: {
      role_id: 'web-id',
      login: ['default', 'web'],
      metadata: { host: 'one', role_name: 'web' },
      uses: 1,
      second: ['default', 'web'],
      spent: refused('invalid role or secret ID'),
      unwrapped: ['default', 'web'],
      accessors: true,
      ended: refused('invalid role or secret ID'),
    },
    aws: {
      login: ['default', 'dev'],
      'other server': refused(
        'error validating X-Vault-AWS-IAM-Server-ID header: expected "vault.example" but got "other.example"',
      ),
      'other key': 'InvalidRequest',
      'no role': refused('entry for role none not found'),
      'secret shown': false,
    },
    jwt: { roles: ['dev'], login: ['default', 'dev'], changed: 'InvalidRequest' },
  });
});
