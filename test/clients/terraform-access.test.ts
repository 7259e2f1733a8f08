// An export judged by Terraform itself: what Stint applied is imported, and nothing is left to change.
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

const tutorial = join(root, 'examples/tutorial/stint.config.ts');

/** Applies the tutorial; answers how `stint` and Terraform are run there by the central account's admin. */
async function applied(t: TestContext): Promise<{
  stint(...args: readonly string[]): Promise<string>;
  terraform(cwd: string, ...args: readonly string[]): Promise<string>;
}> {
  const cloud: RunningCloud = await startCloudProcess(t);
  const admin = cloud.admin('central');
  const runStint = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await stint([...args, '--config', tutorial], admin);
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

test(
  'Terraform imports all of an export, changes nothing and finds nothing to change, in every layout',
  { skip: skipUnlessMirrored('aws') },
  async (t) => {
    const run = await applied(t);
    const target = temporaryFolder(t);
    const layouts = { hcl: ['--single-root'], json: ['--single-root', '--json-only'], each: [] };
    for (const [name, choices] of Object.entries(layouts)) {
      await run.stint('export', 'terraform', join(target, name), ...choices);
    }
    await run.terraform(target, 'fmt', '-recursive', '-check');
    const planned = async (folder: string): Promise<string | undefined> => {
      await run.terraform(folder, 'init', `-plugin-dir=${mirrorOf('aws')}`);
      const text = await run.terraform(folder, 'plan', '-parallelism=20');
      return /^Plan: (.*)\.$/m.exec(text)?.[1];
    };
    const nothingElse = '0 to add, 0 to change, 0 to destroy';
    assert.equal(await planned(join(target, 'json')), `20 to import, ${nothingElse}`);
    assert.equal(await planned(join(target, 'each/central')), `11 to import, ${nothingElse}`);
    assert.equal(await planned(join(target, 'each/dev')), `5 to import, ${nothingElse}`);
    assert.equal(await planned(join(target, 'hcl')), `20 to import, ${nothingElse}`);
    const text = await run.terraform(join(target, 'hcl'), 'apply', '-auto-approve', '-parallelism=20');
    assert.match(text, /Resources: 20 imported, 0 added, 0 changed, 0 destroyed/);
    assert.match(await run.terraform(join(target, 'hcl'), 'plan', '-detailed-exitcode'), /No changes\./);
    // Stint itself has nothing to say against it either.
    await run.stint('plan', '--detailed-exitcode');
  },
);
