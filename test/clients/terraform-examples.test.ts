// The examples exported, judged by Terraform itself: what Stint applied is imported, and nothing is left to change. Then
// the other way: what Terraform holds is read back into a definition, and Stint has nothing to change either.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
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

interface Applied {
  /** A folder for what is written. */
  readonly folder: string;
  stint(cwd: string, ...args: readonly string[]): Promise<string>;
  terraform(cwd: string, ...args: readonly string[]): Promise<string>;
  /** Exports the definition into a folder of that name; answers its path. */
  export(name: string, ...options: readonly string[]): Promise<string>;
}

/** Applies an example; `stint` and Terraform are run there by the central account's admin. */
async function applied(t: TestContext, example: string, ...cloudOptions: readonly string[]): Promise<Applied> {
  const cloud: RunningCloud = await startCloudProcess(t, ...cloudOptions);
  const config = join(root, 'examples', example);
  const admin = cloud.admin('central');
  const folder = temporaryFolder(t);
  const runStint: Applied['stint'] = async (cwd, ...args) => {
    const { code, stdout, stderr } = await stint(args, admin, cwd);
    assert.equal(code, 0, `stint ${args.join(' ')}\n${stdout}\n${stderr}`);
    return stdout;
  };
  await runStint(folder, 'apply', '--yes', '--config', config);
  const env = {
    ...cleanEnvironment(),
    ...admin,
    CHECKPOINT_DISABLE: '1',
    TF_IN_AUTOMATION: '1',
    TF_CLI_CONFIG_FILE: '/dev/null',
  };
  return {
    folder,
    stint: runStint,
    terraform: async (cwd, ...args) => {
      const { code, stdout, stderr } = await run(terraform!, args, env, cwd);
      assert.equal(code, 0, `terraform ${args.join(' ')}\n${stdout}\n${stderr}`);
      return stdout;
    },
    export: async (name, ...options) => {
      const target = join(folder, name);
      await runStint(folder, 'export', 'terraform', target, '--config', config, ...options);
      return target;
    },
  };
}

const nothingElse = '0 to add, 0 to change, 0 to destroy';

/** Imports what a root exports: nothing else is planned, and nothing is left to plan. Answers the state as JSON. */
async function importsAll(on: Applied, folder: string): Promise<string> {
  await on.terraform(folder, 'init', '-no-color', `-plugin-dir=${mirrorOf('aws')}`);
  const plan = await on.terraform(folder, 'plan', '-no-color', '-parallelism=20', '-out=plan.bin');
  assert.match(plan, new RegExp(`^Plan: \\d+ to import, ${nothingElse}\\.$`, 'm'), folder);
  await on.terraform(folder, 'apply', '-no-color', '-parallelism=20', 'plan.bin');
  const again = await on.terraform(folder, 'plan', '-no-color', '-parallelism=20', '-detailed-exitcode');
  assert.match(again, /No changes\./, folder);
  return on.terraform(folder, 'show', '-json');
}

/** Reads states of Terraform back into a definition, with which Stint has nothing to plan. */
async function readsBack(on: Applied, states: readonly string[]): Promise<void> {
  const cwd = join(on.folder, 'back');
  mkdirSync(cwd);
  const files = states.map((text, index) => {
    writeFileSync(join(cwd, `${index}.json`), text);
    return `${index}.json`;
  });
  await on.stint(cwd, 'init', '--from-terraform', ...files);
  assert.match(await on.stint(cwd, 'plan', '--detailed-exitcode'), /^No changes: AWS is as the definition says\.$/m);
}

const small = ['tutorial/stint.config.ts', 'github-eks/stint.config.ts'];

for (const example of small) {
  test(
    `Terraform imports ${example} by one root in JSON and by a root for each account, and finds nothing to change`,
    {
      skip: skipUnlessMirrored('aws'),
    },
    async (t) => {
      const on = await applied(t, example);
      const one = await on.export('one', '--single-root', '--json-only');
      await importsAll(on, one);
      const each = await on.export('each');
      const states: string[] = [];
      for (const account of readdirSync(each).sort()) states.push(await importsAll(on, join(each, account)));
      await readsBack(on, states);
    },
  );
}

test(
  'Terraform imports the company of 20 accounts with its guard rails, and finds nothing to change',
  {
    skip: skipUnlessMirrored('aws'),
  },
  async (t) => {
    const on = await applied(t, 'company/stint.config.yaml', '--org', join(root, 'examples/company/org.yaml'));
    const state = await importsAll(on, await on.export('one', '--single-root'));
    for (const type of ['aws_organizations_policy"', 'aws_organizations_policy_attachment"', 'RESOURCE_CONTROL_POLICY'])
      assert.ok(state.includes(type), type);
    await readsBack(on, [state]);
    const each = await on.export('each');
    // The guard rails have their place in the root of the management account.
    for (const account of ['central', 'shop-prod']) await importsAll(on, join(each, account));
  },
);
