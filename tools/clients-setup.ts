// Installs the Python clients of test/clients into `.cache/clients`, once per list of versions.
// A machine without Python goes on without them; the tests then say which are missing.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

const folder = '.cache/clients';
const requirements = 'test/clients/requirements.txt';
const unpackVersion2 = 'tools/aws-cli-v2.py';
const stamp = `${folder}/installed`;

/** Version 2.38.5 of the AWS CLI, which is no package of its own. */
const version2 = 'aws-cdk-asset-awscli-v2==2.0.198';

function run(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function readStamp(): string | undefined {
  try {
    return readFileSync(stamp, 'utf8');
  } catch {
    return undefined;
  }
}

function install(hash: string): boolean {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync('.cache', { recursive: true });
  if (!run('python3', '-m', 'venv', folder)) return false;
  if (!run(`${folder}/bin/pip`, 'install', '--quiet', '--disable-pip-version-check', '-r', requirements)) return false;
  if (!installVersion2()) console.error('version 2 of the AWS CLI could not be had: its tests will say so');
  writeFileSync(stamp, hash);
  return true;
}

/** `aws2`, where its files run. */
function installVersion2(): boolean {
  if (process.platform !== 'linux' || process.arch !== 'x64') return true;
  if (!run(`${folder}/bin/python`, unpackVersion2, version2, `${folder}/aws-cli-v2`)) return false;
  symlinkSync('../aws-cli-v2/dist/aws', `${folder}/bin/aws2`);
  return true;
}

const hash = createHash('sha256').update(version2);
for (const file of [requirements, unpackVersion2]) hash.update(readFileSync(file));
const wanted = hash.digest('hex');
if (readStamp() !== wanted && !install(wanted)) console.error('the Python clients could not be installed');
