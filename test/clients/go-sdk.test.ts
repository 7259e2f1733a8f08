// The AWS SDK for Go v2, whose parsers are strict where others guess, reads every way out by its default chain.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { arn, openWorld } from './role-world.ts';
import { run, skipWithout, stint, type Finished } from './support.ts';

const client = 'go-identity';
const stintCommand = `${process.execPath} src/cli/main.ts`;

/** What the SDK says of the role `dev`; a source without an `ends` is one whose keys it takes for lasting ones. */
function assertSeen({ code, stdout, stderr }: Finished, source: RegExp, { account = '', ends = true } = {}): void {
  assert.equal(code, 0, stderr);
  const { source: found, ...seen } = JSON.parse(stdout) as { source: string };
  assert.match(found, source);
  assert.deepEqual(seen, { arn, region: 'eu-west-1', ends, account });
}

test('the AWS SDK for Go finds the role', { skip: skipWithout(client) }, async (t) => {
  const env = await openWorld(t);
  const { AWS_REGION: _region, AWS_DEFAULT_REGION: _default, ...plain } = env;
  const config = env['AWS_CONFIG_FILE']!;
  await t.test('at the container endpoint of stint metadata', async () => {
    const seen = await stint(['metadata', 'dev', '--quiet', '--ecs', '--', client], env);
    assertSeen(seen, /^CredentialsEndpointProvider$/, { account: '222222222222' });
  });
  await t.test('at the instance endpoint of stint metadata', async () => {
    const seen = await stint(['metadata', 'dev', '--quiet', '--imds', '--', client], env);
    assertSeen(seen, /^EC2RoleProvider$/);
  });
  await t.test('in the output of credential_process', async () => {
    appendFileSync(
      config,
      `[profile process]\nregion = eu-west-1\ncredential_process = ${stintCommand} credentials dev\n`,
    );
    assertSeen(await run(client, [], { ...plain, AWS_PROFILE: 'process' }), /^ProcessProvider$/, {
      account: '222222222222',
    });
  });
  await t.test('in a section that stint credentials wrote', async () => {
    assert.equal((await stint(['credentials', 'dev', '--write-profile', 'written'], env)).code, 0);
    appendFileSync(config, '[profile written]\nregion = eu-west-1\n');
    const seen = await run(client, [], { ...plain, AWS_PROFILE: 'written' });
    assertSeen(seen, /^SharedConfigCredentials: /, { ends: false });
  });
  await t.test('in the variables of stint exec', async () => {
    assertSeen(await stint(['exec', 'dev', '--', client], env), /^EnvConfigCredentials$/, { ends: false });
  });
});
