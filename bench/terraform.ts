// The same work by Terraform, where the machine has it and its AWS provider: one aliased provider an account.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Keys } from './signed-client.ts';

interface Work {
  readonly accounts: number;
  readonly roles: number;
}

const central = '111111111111';
const command = 'terraform';

function mirror(): string | undefined {
  const named = process.env['STINT_TF_MIRROR'];
  const inOpt = existsSync('/opt') ? readdirSync('/opt').map((name) => join('/opt', name)) : [];
  const folders = named === undefined ? [join(homedir(), '.terraform.d/plugins'), ...inOpt] : [named];
  return folders.find((folder) => existsSync(join(folder, 'registry.terraform.io/hashicorp/aws')));
}

function provider(endpoint: string, alias: string, role: string | undefined): string {
  const assume = role === undefined ? '' : `  assume_role { role_arn = "${role}" }\n`;
  return `provider "aws" {
  alias = "${alias}"
  region = "us-east-1"
  skip_requesting_account_id = true
  skip_metadata_api_check = true
  endpoints {
    iam = "${endpoint}"
    sts = "${endpoint}"
  }
${assume}}
`;
}

function roleBlocks(account: number, roles: number): string {
  const alias = `aws.a${account}`;
  const trust = `{ AWS = "arn:aws:iam::${central}:root" }`;
  const inline = `Action = "s3:GetObject", Resource = "*"`;
  return Array.from({ length: roles }, (_, index) => {
    const name = `a${account}_r${index}`;
    return `
resource "aws_iam_role" "${name}" {
  provider = ${alias}
  name = "role_${index}"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = ${trust}, Action = "sts:AssumeRole" }] })
}
resource "aws_iam_role_policy" "${name}" {
  provider = ${alias}
  name = "inline"
  role = aws_iam_role.${name}.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", ${inline} }] })
}
resource "aws_iam_role_policy_attachment" "${name}" {
  provider = ${alias}
  role = aws_iam_role.${name}.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}
resource "aws_iam_group_policy" "${name}" {
  provider = aws.central
  name = "${name}"
  group = aws_iam_group.g${index}.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Resource = aws_iam_role.${name}.arn }] })
}`;
  }).join('\n');
}

function configuration(endpoint: string, { accounts, roles }: Work, idOf: (index: number) => string): string {
  const each = Array.from({ length: accounts }, (_, index) => index);
  return [
    'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n',
    provider(endpoint, 'central', undefined),
    ...each.map((index) =>
      provider(endpoint, `a${index}`, `arn:aws:iam::${idOf(index)}:role/OrganizationAccountAccessRole`),
    ),
    ...Array.from(
      { length: roles },
      (_, index) => `resource "aws_iam_group" "g${index}" {\n  provider = aws.central\n  name = "tf_${index}"\n}`,
    ),
    ...each.map((index) => roleBlocks(index, roles)),
  ].join('\n');
}

/** Runs init, apply, an empty plan and destroy, and prints seconds and processor of each. */
export async function benchTerraform(
  endpoint: string,
  keys: Keys,
  work: Work,
  idOf: (index: number) => string,
): Promise<void> {
  const providers = mirror();
  if (providers === undefined) return console.log('  terraform: no mirror of its provider here');
  const folder = mkdtempSync(join(tmpdir(), 'stint-terraform-'));
  writeFileSync(join(folder, 'main.tf'), configuration(endpoint, work, idOf));
  writeFileSync(
    join(folder, 'terraform.rc'),
    `provider_installation {\n  filesystem_mirror {\n    path = "${providers}"\n  }\n}\n`,
  );
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    TF_CLI_CONFIG_FILE: join(folder, 'terraform.rc'),
    CHECKPOINT_DISABLE: '1',
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const commands = {
    init: ['init', '-no-color'],
    apply: ['apply', '-auto-approve', '-no-color'],
    'plan without changes': ['plan', '-no-color'],
    destroy: ['destroy', '-auto-approve', '-no-color'],
  };
  for (const [what, args] of Object.entries(commands)) {
    const began = performance.now();
    const { status, stderr, error } = spawnSync(command, args, { cwd: folder, env, encoding: 'utf8' });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`  terraform ${what.padEnd(22)} ${seconds} s`);
    if (status !== 0) {
      console.log(error?.message ?? stderr.slice(0, 600));
      break;
    }
  }
  rmSync(folder, { recursive: true, force: true });
}
