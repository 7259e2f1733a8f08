// Stint and Terraform over the same accounts, Terraform being the judge: what Stint applied is imported with nothing
// left to change, and what Terraform applied becomes a definition whose plan is empty.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { cleanEnvironment, root, run, startCloudProcess, temporaryFolder } from './support.ts';
import { mirrorOf, skipUnlessMirrored, terraform } from './terraform-cli.ts';

const main = join(root, 'src/cli/main.ts');

interface Commands {
  /** A folder that goes with the test. */
  readonly folder: string;
  readonly stint: (cwd: string, ...args: readonly string[]) => Promise<string>;
  readonly terraform: (cwd: string, verb: string, ...args: readonly string[]) => Promise<string>;
  /** `terraform init`, then what its plan comes to. */
  readonly planned: (cwd: string) => Promise<string | undefined>;
}

/** Both tools, run by the central account's admin of an embedded AWS that ends with the test. */
async function commands(t: TestContext): Promise<Commands> {
  const cloud = await startCloudProcess(t);
  const admin = cloud.admin('central');
  const terraformEnv = { CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', TF_CLI_CONFIG_FILE: '/dev/null' };
  const env = { ...cleanEnvironment(), ...admin, ...terraformEnv };
  const succeed = async (command: string, args: readonly string[], cwd: string): Promise<string> => {
    const { code, stdout, stderr } = await run(command, args, env, cwd);
    assert.equal(code, 0, `${args.join(' ')}\n${stdout}\n${stderr}`);
    return stdout;
  };
  const runTerraform: Commands['terraform'] = (cwd, verb, ...args) =>
    succeed(terraform!, [verb, ...args, ...(verb === 'show' ? [] : ['-no-color'])], cwd);
  return {
    folder: temporaryFolder(t),
    stint: (cwd, ...args) => succeed(process.execPath, [main, ...args], cwd),
    terraform: runTerraform,
    planned: async (cwd) => {
      await runTerraform(cwd, 'init', `-plugin-dir=${mirrorOf('aws')}`);
      return /^Plan: (.*)\.$/m.exec(await runTerraform(cwd, 'plan', '-parallelism=20'))?.[1];
    },
  };
}

const nothingElse = '0 to add, 0 to change, 0 to destroy';

test(
  'Terraform imports all of an export, changes nothing and finds nothing to change, in every layout',
  { skip: skipUnlessMirrored('aws') },
  async (t) => {
    const { folder, stint, terraform, planned } = await commands(t);
    const tutorial = ['--config', join(root, 'examples/tutorial/stint.config.ts')];
    await stint(folder, 'apply', '--yes', ...tutorial);
    const layouts = { hcl: ['--single-root'], json: ['--single-root', '--json-only'], each: [] };
    for (const [name, choices] of Object.entries(layouts)) {
      await stint(folder, 'export', 'terraform', name, ...choices, ...tutorial);
    }
    await terraform(folder, 'fmt', '-recursive', '-check');
    assert.equal(await planned(join(folder, 'json')), `21 to import, ${nothingElse}`);
    assert.equal(await planned(join(folder, 'each/dev')), `6 to import, ${nothingElse}`);
    const hcl = join(folder, 'hcl');
    await terraform(hcl, 'init', `-plugin-dir=${mirrorOf('aws')}`);
    const text = await terraform(hcl, 'apply', '-auto-approve', '-parallelism=20');
    assert.match(text, /Resources: 21 imported, 0 added, 0 changed, 0 destroyed/);
    assert.match(await terraform(hcl, 'plan', '-detailed-exitcode'), /No changes\./);
    // Stint itself has nothing to say against it either.
    await stint(folder, 'plan', '--detailed-exitcode', ...tutorial);
  },
);

test(
  'what Terraform made is read from its state, let go, taken over and given back, without anything being changed',
  { skip: skipUnlessMirrored('aws') },
  async (t) => {
    const { folder, stint, terraform, planned } = await commands(t);
    const team = join(folder, 'team');
    cpSync(join(root, 'test/cases/access/terraform/part-2/main.tf'), join(team, 'main.tf'));
    await terraform(team, 'init', `-plugin-dir=${mirrorOf('aws')}`);
    await terraform(team, 'apply', '-auto-approve');
    const own = join(folder, 'stint');
    mkdirSync(own);
    writeFileSync(join(own, 'state.json'), await terraform(team, 'show', '-json'));
    await stint(own, 'init', '--from-terraform', 'state.json', '--account', '222222222222=dev:dev');
    await stint(own, 'plan', '--detailed-exitcode');
    const roles = ['aws_iam_role.test_role', 'aws_iam_role.instance'];
    const rest = ['aws_iam_role_policy_attachment.s3', 'aws_iam_instance_profile.test_profile'];
    await terraform(team, 'state', 'rm', ...roles, ...rest);
    const taken = await stint(
      own,
      'import',
      'role/test_role',
      'role/instance',
      'instance-profile/test_profile',
      '--yes',
    );
    assert.equal(taken.trim().split('\n').length, 3);
    await stint(own, 'plan', '--detailed-exitcode');
    await stint(own, 'export', 'terraform', 'back', '--single-root');
    assert.equal(await planned(join(own, 'back')), `5 to import, ${nothingElse}`);
  },
);
