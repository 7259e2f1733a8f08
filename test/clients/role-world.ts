// A person's `~/.aws` with roles of the embedded AWS, for programs that find their credentials by themselves.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startCloudProcess, temporaryFolder, type Environment } from './support.ts';

const role = 'OrganizationAccountAccessRole';

/** Who the profile `dev` becomes. */
export const arn = `arn:aws:sts::222222222222:assumed-role/${role}/alice`;

/** The profile `dev`, keys in `[default]` that no program shall take, and an AWS whose clock stands `behind` the machine's. */
export async function openWorld(t: TestContext, behind = 0): Promise<Environment> {
  const cloud = await startCloudProcess(t);
  if (behind > 0) {
    const response = await fetch(`${cloud.endpoint}/_stint/clock`, {
      method: 'POST',
      headers: { 'x-stint-control': cloud.controlToken, 'content-type': 'application/json' },
      body: JSON.stringify({ set: new Date(Date.now() - behind).toISOString() }),
    });
    assert.ok(response.ok, await response.text());
  }
  const home = temporaryFolder(t);
  const { accessKeyId, secretAccessKey } = cloud.accounts['111111111111']!;
  const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  const roles = [...Array(3).keys()].map(
    (at) =>
      `[profile team-${at}/admin]\nrole_arn = arn:aws:iam::${String(at + 2).repeat(12)}:role/${role}\nsource_profile = default\n`,
  );
  writeFileSync(
    join(home, 'config'),
    `[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/${role}\nsource_profile = default\nregion = eu-west-1\n${roles.join('')}`,
  );
  writeFileSync(join(home, 'credentials'), `[default]\n${keys}`);
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...env } = cloud.admin('central');
  return {
    ...env,
    USER: 'alice',
    AWS_CONFIG_FILE: join(home, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials'),
  };
}
