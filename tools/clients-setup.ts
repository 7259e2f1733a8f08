// Installs the Python clients of test/clients into `.cache/clients`, once per list of versions.
// A machine without Python goes on without them; the tests then say which are missing.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const folder = '.cache/clients';
const requirements = 'test/clients/requirements.txt';
const stamp = `${folder}/installed`;

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
  writeFileSync(stamp, hash);
  return true;
}

const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex');
if (readStamp() !== hash && !install(hash)) console.error('the Python clients could not be installed');
