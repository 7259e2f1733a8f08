// Runs a TypeScript definition in a child process that has no environment, no credentials and no right to
// write files or start programs; only the canonical JSON of its default export comes back.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { accessFailure } from './failures.ts';
import { markedAt } from './place.ts';

export interface EvaluateOptions {
  /** The running Stint's library: what `import … from 'stint'` means inside the definition. */
  readonly library: URL;
  readonly signal?: AbortSignal | undefined;
}

type Answer = { readonly json: string } | { readonly error: string; readonly stack?: string };

// A definition that has not ended by then waits for something it may not have. 100 accounts of definition take 0.1 s.
const limitMillis = 30_000;

const child = `
import { registerHooks } from 'node:module';
const [file, library] = process.argv.slice(1);
registerHooks({
  resolve: (name, context, next) => (name === 'stint' ? { url: library, shortCircuit: true } : next(name, context)),
});
const send = (answer) => process.send(answer, () => process.disconnect());
const plain = (key, value) => {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
    throw new TypeError('\`' + key + '\` is a ' + typeof value + ', which has no JSON form');
  return value;
};
try {
  const module = await import(file);
  if (module.default === undefined) throw new TypeError('the file has no default export');
  send({ json: JSON.stringify(await module.default, plain) });
} catch (error) {
  send({ error: String(error?.message ?? error), stack: String(error?.stack ?? '') });
}
`;

/** The folder a definition may read: the repository it lies in, else the package, else its own folder. */
function projectRoot(file: string): string {
  const above = (name: string): string | undefined => {
    for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
      if (existsSync(join(folder, name))) return folder;
    }
    return undefined;
  };
  return above('.git') ?? above('package.json') ?? dirname(file);
}

// A folder that holds one of these is somebody's home, whatever else lies in it.
const homeMarks = ['.aws', '.ssh', '.gnupg', '.vault-token', '.kube'];

const isHome = (folder: string): boolean => homeMarks.some((name) => existsSync(join(folder, name)));

/**
 * What a definition may read. SECURITY: a home folder under version control is no project: its credentials stay out
 * of reach, and a definition that lies in it reads nothing but itself and its packages.
 */
function readableFolders(file: string): string[] {
  const root = projectRoot(file);
  if (!isHome(root)) return [root];
  const own = dirname(file);
  return isHome(own) ? [file, join(own, 'node_modules'), join(own, 'package.json')] : [own];
}

function nodeArguments(file: string, library: URL): string[] {
  const libraryFolder = dirname(realpathSync(fileURLToPath(library)));
  const readable = [
    ...readableFolders(file),
    libraryFolder,
    join(libraryFolder, '..', 'package.json'),
    join(libraryFolder, '..', '..', 'package.json'),
  ];
  return [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--input-type=module',
    '--eval',
    child,
    pathToFileURL(file).href,
    library.href,
  ];
}

function runChild(file: string, { library, signal }: EvaluateOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // SECURITY: the child's environment is empty on purpose: no AWS_*, no tokens, no NODE_OPTIONS.
    const process_ = spawn(process.execPath, nodeArguments(file, library), {
      env: {},
      cwd: dirname(file),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      timeout: limitMillis,
      signal,
    });
    let answer: Answer | undefined;
    let noise = '';
    process_.stderr?.on('data', (chunk: Buffer) => (noise = (noise + chunk.toString('utf8')).slice(0, 4000)));
    process_.on('message', (message) => (answer = message as Answer));
    process_.on('error', reject);
    process_.on('close', (code, killedBy) => {
      if (answer !== undefined) resolve(answer);
      else if (killedBy === 'SIGTERM') resolve({ error: `it did not end within ${limitMillis / 1000} s` });
      else resolve({ error: `it ended by itself with code ${code}`, stack: noise });
    });
  });
}

function placeIn(stack: string, file: string, shown: string): string {
  const found = stack.split(file)[1]?.match(/^:(\d+)(?::(\d+))?/);
  return found === null || found === undefined ? shown : `${shown}:${found[1]}:${found[2] ?? 1}`;
}

function cureOf(error: string): string | undefined {
  if (error.includes('no default export')) return 'write `export default defineAccess({ … })`';
  if (error.includes('Access to this API has been restricted')) {
    return 'a definition may read the files of its own project, and nothing else: it writes nothing, starts no programs, and has no credentials; from Node 25 on it has no network either';
  }
  if (error.startsWith('Cannot find package')) return 'install the package beside the definition';
  return undefined;
}

/**
 * The default export of a TypeScript or JavaScript module, as plain JSON.
 * @throws Failure `definition-unreadable` when it cannot be run or exports something without a JSON form.
 */
export async function evaluateModule(file: string, shown: string, options: EvaluateOptions): Promise<unknown> {
  const real = realpathSync(file);
  const answer = await runChild(real, options);
  if ('json' in answer) return JSON.parse(answer.json) as unknown;
  const error = answer.error.split('\n')[0]!.replace(/\.$/, '');
  const place = placeIn(answer.stack ?? '', real, shown);
  const marked = place === shown ? '' : markedAt(place, readFileSync(real, 'utf8'));
  throw accessFailure('definition-unreadable', `${place}: ${error}${marked}`, {
    hint: cureOf(error) ?? 'mend the definition at this place; `node FILE` shows the same error',
    detail: answer.stack,
  });
}
