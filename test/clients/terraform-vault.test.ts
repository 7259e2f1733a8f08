// The lending server judged by Terraform's provider for Vault, on a machine that holds it.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lendableAccount } from './lendable.ts';
import { root, run, startCloudProcess, startServerProcess, temporaryFolder } from './support.ts';
import { mirrorOf, skipUnlessMirrored, terraform } from './terraform-cli.ts';

type Keys = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;

function publicKey(): string {
  const { publicKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

test(
  'Terraform sets the lending server up, finds nothing to change, changes it, restores it, reads credentials, and ends them',
  { skip: skipUnlessMirrored('vault') },
  async (t) => {
    const cloud = await startCloudProcess(t);
    const [server, account] = await Promise.all([startServerProcess(t, cloud), lendableAccount(cloud)]);
    const cwd = temporaryFolder(t);
    cpSync(join(root, 'test/clients/terraform-vault'), cwd, { recursive: true });
    const variables = {
      address: server.address,
      token: server.rootToken,
      endpoint: cloud.endpoint,
      public_key: publicKey(),
      audit_file: join(cwd, 'audit.log'),
      account: { ...account, access_key: account.accessKeyId, secret_key: account.secretAccessKey },
    };
    writeFileSync(join(cwd, 'terraform.tfvars.json'), JSON.stringify(variables), { mode: 0o600 });
    const env = {
      ...cloud.admin('dev'),
      CHECKPOINT_DISABLE: '1',
      TF_IN_AUTOMATION: '1',
      TF_CLI_CONFIG_FILE: '/dev/null',
    };
    const call = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(terraform!, [...args, '-no-color'], env, cwd);
      assert.equal(code, 0, `terraform ${args.join(' ')}\n${stdout}\n${stderr}`);
      return stdout;
    };
    const who = (keys: Keys) => run('aws', ['sts', 'get-caller-identity'], cloud.as(keys));

    await call('init', `-plugin-dir=${mirrorOf('vault')}`);
    const count = /Apply complete! Resources: (\d+) added/.exec(await call('apply', '-auto-approve'))?.[1];
    assert.ok(Number(count) > 30, count);
    // Exits with 2 where there is something to change.
    await call('plan', '-detailed-exitcode');
    const changed = await call('apply', '-auto-approve', '-refresh=false', '-var=minutes=20');
    assert.match(changed, /Resources: 2 added, 22 changed, 2 destroyed/);
    await call('plan', '-detailed-exitcode', '-var=minutes=20');

    // Taken away by hand: it is missed, and made again.
    await fetch(`${server.address}/v1/sys/mounts/platform/aws`, {
      method: 'DELETE',
      headers: { 'X-Vault-Token': server.rootToken },
    });
    const again = await call('apply', '-auto-approve', '-var=minutes=20', '-var=lend=true');
    assert.match(again, /Resources: 8 added, 0 changed, 0 destroyed/);

    const outputs = JSON.parse(await call('output', '-json')) as { lent: { value: Record<string, Keys> } };
    const lent = outputs.lent.value;
    assert.deepEqual(Object.keys(lent).sort(), ['assumed', 'federated', 'static', 'user']);
    const alive = await Promise.all(Object.values(lent).map(who));
    assert.deepEqual(
      alive.map(({ code }) => code),
      [0, 0, 0, 0],
    );

    const destroyed = await call('destroy', '-auto-approve', '-refresh=false', '-var=minutes=20');
    assert.equal(/Destroy complete! Resources: (\d+) destroyed/.exec(destroyed)?.[1], count);
    const { user } = lent;
    const refused = await who(user!);
    assert.match(refused.stderr, /InvalidClientTokenId/);
    const written = readFileSync(variables.audit_file, 'utf8');
    assert.ok(written.includes('"path":"platform/aws/creds/user"') && !written.includes(user!.secretAccessKey));
  },
);
