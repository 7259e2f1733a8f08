// The shell function of `stint shell`, evaluated by the shells themselves, and `stint-credentials` run by the AWS CLI.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  cleanEnvironment,
  root,
  run,
  skipUnless,
  startCloudProcess,
  temporaryFolder,
  type Environment,
} from './support.ts';

const main = `'${process.execPath}' '${join(root, 'src/cli/main.ts')}'`;
// fish sets USER itself, so the session's name is left out.
const arn = 'arn:aws:sts::222222222222:assumed-role/OrganizationAccountAccessRole';

/** A home folder with the profile `my dev`, a role of the embedded AWS. */
async function homeWithProfile(t: TestContext): Promise<Environment> {
  const cloud = await startCloudProcess(t);
  const home = temporaryFolder(t);
  const keys = cloud.accounts['111111111111']!;
  const role = 'role_arn = arn:aws:iam::222222222222:role/OrganizationAccountAccessRole\nsource_profile = central';
  const program = `"${process.execPath}" "${join(root, 'src/cli/stint-credentials.ts')}" "my dev"`;
  writeFileSync(
    join(home, 'config'),
    `[profile "my dev"]\n${role}\nregion = eu-west-1\nendpoint_url = ${cloud.endpoint}\n[profile through]\nregion = eu-west-1\nendpoint_url = ${cloud.endpoint}\ncredential_process = ${program}\n`,
  );
  writeFileSync(
    join(home, 'credentials'),
    `[central]\naws_access_key_id = ${keys.accessKeyId}\naws_secret_access_key = ${keys.secretAccessKey}\n`,
  );
  return cleanEnvironment({
    HOME: home,
    USER: 'alice',
    AWS_CONFIG_FILE: join(home, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials'),
  });
}

/** With `CI=true` the shells that Stint promises are not skipped, so that the test fails without them. */
function skipWithout(shell: string): string | false {
  if (process.env['CI'] === 'true') return false;
  const found = (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, shell)));
  return found ? false : `${shell} is not installed here`;
}

const posix = (shell: string): string => `
eval "$(${main} shell ${shell})"
before=$(set | grep -c '^stint_')
stint assume 'my dev' --quiet || exit 1
after=$(set | grep -c '^stint_')
echo "$STINT_TARGET|$AWS_REGION|$((after - before))"
stint whoami | sed 's|/[^/]*$||'
stint assume nowhere 2>/dev/null; echo "$?|$STINT_TARGET"
stint assume --help >/dev/null 2>&1; echo "$?"
set -x
stint assume 'my dev' --quiet
{ set +x; } 2>/dev/null
stint assume --unset
echo "\${AWS_ACCESS_KEY_ID-none}|\${AWS_ENDPOINT_URL-none}|\${STINT_TARGET-none}"
`;

const fish = `
${main} shell fish | source
stint assume 'my dev' --quiet; or exit 1
set -n | grep '^stint_'
echo "$STINT_TARGET|$AWS_REGION|0"
stint whoami | sed 's|/[^/]*$||'
stint assume nowhere 2>/dev/null; echo "$status|$STINT_TARGET"
stint assume --help >/dev/null 2>&1; echo "$status"
stint assume 'my dev' --quiet
stint assume --unset
set -q AWS_ACCESS_KEY_ID; or set AWS_ACCESS_KEY_ID none
set -q AWS_ENDPOINT_URL; or set AWS_ENDPOINT_URL none
set -q STINT_TARGET; or set STINT_TARGET none
echo "$AWS_ACCESS_KEY_ID|$AWS_ENDPOINT_URL|$STINT_TARGET"
`;

const scripts: Readonly<Record<string, string>> = { bash: posix('bash'), zsh: posix('zsh'), fish };

for (const [shell, script] of Object.entries(scripts)) {
  test(
    `${shell}: stint assume changes the shell, leaves no variable of its own, traces no secret, and lets go again`,
    { skip: skipWithout(shell) },
    async (t) => {
      const env = await homeWithProfile(t);
      const { stdout, stderr, code } = await run(shell, ['-c', script], env);
      assert.deepEqual(stdout.split('\n'), ['my dev|eu-west-1|0', arn, '1|my dev', '0', 'none|none|none', ''], stderr);
      assert.equal(code, 0);
      assert.doesNotMatch(stderr, /AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN/);
    },
  );
}

test(
  'the AWS CLI takes its credentials from stint-credentials as credential_process',
  { skip: skipUnless('aws') },
  async (t) => {
    const env = await homeWithProfile(t);
    const done = await run(
      'aws',
      ['sts', 'get-caller-identity', '--profile', 'through', '--query', 'Arn', '--output', 'text'],
      env,
    );
    assert.equal(done.stdout.trim(), `${arn}/alice`, done.stderr);
  },
);
