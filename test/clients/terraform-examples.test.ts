// The examples exported, judged by Terraform itself: what Stint applied is imported, and nothing is left to change.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  cleanEnvironment,
  root,
  run,
  startCloudProcess,
  stint,
  temporaryFolder,
  type RunningCloud,
} from './support.ts';
import { mirrorOf, skipUnlessMirrored, terraform } from './terraform-cli.ts';

/** Applies an example; answers how `stint` and Terraform are run there by the central account's admin. */
async function applied(
  t: TestContext,
  example: string,
  ...cloudOptions: readonly string[]
): Promise<{
  stint(...args: readonly string[]): Promise<string>;
  terraform(cwd: string, ...args: readonly string[]): Promise<string>;
}> {
  const cloud: RunningCloud = await startCloudProcess(t, ...cloudOptions);
  const config = join(root, 'examples', example);
  const admin = cloud.admin('central');
  const runStint = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await stint([...args, '--config', config], admin);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  await runStint('apply', '--yes');
  const env = {
    ...cleanEnvironment(),
    ...admin,
    CHECKPOINT_DISABLE: '1',
    TF_IN_AUTOMATION: '1',
    TF_CLI_CONFIG_FILE: '/dev/null',
  };
  return {
    stint: runStint,
    terraform: async (cwd, ...args) => {
      const { code, stdout, stderr } = await run(terraform!, [...args, '-no-color'], env, cwd);
      assert.equal(code, 0, `terraform ${args.join(' ')}\n${stdout}\n${stderr}`);
      return stdout;
    },
  };
}

const nothingElse = '0 to add, 0 to change, 0 to destroy';

test(
  'Terraform imports the workloads of GitHub Actions, EKS, ECS and with certificates, and finds nothing to change',
  { skip: skipUnlessMirrored('aws') },
  async (t) => {
    const run = await applied(t, 'github-eks/stint.config.ts');
    const folder = join(temporaryFolder(t), 'tf');
    await run.stint('export', 'terraform', folder, '--single-root');
    await run.terraform(folder, 'init', `-plugin-dir=${mirrorOf('aws')}`);
    const text = await run.terraform(folder, 'plan', '-parallelism=20');
    assert.match(text, new RegExp(`^Plan: \\d+ to import, ${nothingElse}\\.$`, 'm'));
    await run.terraform(folder, 'apply', '-auto-approve', '-parallelism=20');
    assert.match(await run.terraform(folder, 'plan', '-detailed-exitcode'), /No changes\./);
    await run.stint('plan', '--detailed-exitcode');
  },
);

test(
  'Terraform imports accounts of the company of 20, each by a root of its own, and finds nothing to change',
  { skip: skipUnlessMirrored('aws') },
  async (t) => {
    const run = await applied(t, 'company/stint.config.yaml', '--org', join(root, 'examples/company/org.yaml'));
    const target = join(temporaryFolder(t), 'tf');
    await run.stint('export', 'terraform', target);
    for (const account of ['central', 'shop-prod', 'security']) {
      const folder = join(target, account);
      await run.terraform(folder, 'init', `-plugin-dir=${mirrorOf('aws')}`);
      const text = await run.terraform(folder, 'plan', '-parallelism=20');
      assert.match(text, new RegExp(`^Plan: \\d+ to import, ${nothingElse}\\.$`, 'm'), account);
    }
  },
);
