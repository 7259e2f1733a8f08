import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { root, run, startCloudProcess, temporaryFolder, type Environment } from './support.ts';

/** A home with a profile `dev` that assumes a role of dev from central's admin. */
async function home(t: TestContext): Promise<Environment> {
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
    '[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/OrganizationAccountAccessRole\nsource_profile = central\nregion = us-east-1\n',
  );
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...env } = cloud.admin('central');
  return { ...env, HOME: folder, AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials };
}

// What the shell holds before and after: only AWS's variables may differ, and a failure changes nothing.
const script = (shell: string): string => `
eval "$(node ${join(root, 'src/cli/main.ts')} shell ${shell})"
before=$(set | grep -c '^stint_')
stint assume nobody 2>/dev/null; echo "failed=$?"
stint assume dev || exit 9
after=$(set | grep -c '^stint_')
echo "leaked=$((after - before))"
node -p '"key=" + process.env.AWS_ACCESS_KEY_ID.slice(0, 4) + " region=" + process.env.AWS_REGION + " profile=" + process.env.AWS_PROFILE'
stint exec dev -- sh -c 'exit 7'; echo "exit=$?"
`;

for (const shell of ['bash', 'zsh']) {
  const missing = spawnSync(shell, ['-c', 'exit 0']).error !== undefined ? `${shell} is not installed here` : false;
  test(
    `${shell}: the function stint exports a session into this shell and leaves nothing else behind`,
    { skip: missing },
    async (t) => {
      const env = await home(t);
      const done = await run(shell, ['-c', script(shell)], env);
      assert.equal(done.code, 0, done.stderr);
      assert.deepEqual(done.stdout.trim().split('\n'), [
        'failed=1',
        'leaked=0',
        'key=ASIA region=us-east-1 profile=undefined',
        'exit=7',
      ]);
      assert.ok(!done.stderr.includes('AWS_SESSION_TOKEN'), 'no export line reaches the screen');
    },
  );
}
