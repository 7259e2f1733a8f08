import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run, skipUnless, startCloudProcess, temporaryFolder } from './support.ts';

test(
  'AWSume assumes a role of the embedded AWS through AWS_ENDPOINT_URL',
  { skip: skipUnless('awsume') },
  async (t) => {
    const cloud = await startCloudProcess(t);
    const folder = temporaryFolder(t);
    const keys = cloud.accounts['111111111111'];
    const config = join(folder, 'config');
    const credentials = join(folder, 'credentials');
    writeFileSync(
      credentials,
      `[central]\naws_access_key_id = ${keys?.accessKeyId}\naws_secret_access_key = ${keys?.secretAccessKey}\n`,
    );
    writeFileSync(
      config,
      '[profile central]\nregion = us-east-1\n\n[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/OrganizationAccountAccessRole\nsource_profile = central\nregion = us-east-1\n',
    );
    const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...env } = cloud.admin('central');
    const script = 'source "$(command -v awsume)" dev >&2 && aws sts get-caller-identity --query Arn --output text';
    const done = await run('bash', ['-c', script], {
      ...env,
      HOME: folder,
      XDG_CONFIG_HOME: join(folder, 'xdg'),
      XDG_CACHE_HOME: join(folder, 'xdg'),
      AWS_CONFIG_FILE: config,
      AWS_SHARED_CREDENTIALS_FILE: credentials,
      AWSUME_SKIP_ALIAS_SETUP: 'true',
    });
    assert.match(done.stdout, /^arn:aws:sts::222222222222:assumed-role\/OrganizationAccountAccessRole\//, done.stderr);
  },
);
