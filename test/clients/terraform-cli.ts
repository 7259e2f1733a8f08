// Terraform and a mirror of its providers, where the machine has them.
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { commandOnPath } from './support.ts';

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

/** Where the provider lies; undefined where no folder holds it. */
export function mirrorOf(provider: 'aws' | 'vault'): string | undefined {
  return mirrorFolders().find((folder) => existsSync(join(folder, 'registry.terraform.io/hashicorp', provider)));
}

/** Path of the command; undefined where it is not installed. */
export const terraform = commandOnPath('terraform');

/** What `test()` takes as `skip`: false where Terraform can run with the provider. */
export function skipUnlessMirrored(provider: 'aws' | 'vault'): string | false {
  if (terraform === undefined) return 'terraform is not installed here';
  return mirrorOf(provider) === undefined ? `no mirror holds the provider ${provider} of Terraform` : false;
}
