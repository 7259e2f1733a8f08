// Installs the Python clients of test/clients into `.cache/clients`, and builds the one in Go, once per list of versions.
// A machine without Python or Go goes on without them; the tests then say which are missing.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = '.cache/clients';
const requirements = 'test/clients/requirements.txt';
const unpackVersion2 = 'tools/aws-cli-v2.py';
const stamp = `${folder}/installed`;

/** Version 2.38.5 of the AWS CLI, which is no package of its own. */
const version2 = 'aws-cdk-asset-awscli-v2==2.0.198';

function run(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function readStamp(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
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

function hashOf(files: readonly string[], more = ''): string {
  const hash = createHash('sha256').update(more);
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}

/** `go-identity`, by the AWS SDK for Go of the versions in its `go.mod`. */
function buildGo(): boolean {
  const source = 'test/clients/programs/go';
  const built = `${folder}/go-built`;
  const hash = hashOf(readdirSync(source).map((name) => join(source, name)));
  if (readStamp(built) === hash) return true;
  const program = resolve(folder, 'bin/go-identity');
  rmSync(program, { force: true });
  if (!run('go', 'build', '-C', source, '-o', program, '.')) return false;
  writeFileSync(built, hash);
  return true;
}

const wanted = hashOf([requirements, unpackVersion2], version2);
if (readStamp(stamp) !== wanted && !install(wanted)) console.error('the Python clients could not be installed');
if (!buildGo()) console.error('the client in Go could not be built: its tests will say so');
