// Terraform and a mirror of its AWS provider, where the machine has them.
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Folders that Terraform itself looks in, and where machines without a network keep its providers. */
function mirrorFolders(): readonly string[] {
  const named = process.env['STINT_TF_MIRROR'];
  if (named !== undefined) return [named];
  const implied = [
    join(homedir(), '.terraform.d/plugins'),
    '/usr/local/share/terraform/plugins',
    '/usr/share/terraform/plugins',
  ];
  const inOpt = existsSync('/opt') ? readdirSync('/opt').map((name) => join('/opt', name)) : [];
  return [...implied, ...inOpt];
}

/** Where the AWS provider lies; undefined where no folder holds it. */
export const mirror = mirrorFolders().find((folder) => existsSync(join(folder, 'registry.terraform.io/hashicorp/aws')));

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Path of the command; undefined where it is not installed. */
export const terraform = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'terraform'))
  .find(isExecutable);

/** What `test()` takes as `skip`: false where Terraform can run. */
export const skip =
  terraform === undefined
    ? 'terraform is not installed here'
    : mirror === undefined
      ? 'no mirror holds the AWS provider of Terraform'
      : false;
