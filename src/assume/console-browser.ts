// The browser that a console opens in: which command, with which words, in which Firefox container. Started without a
// shell, and without the keys that this environment may hold.
import { isFailure, type Millis } from '../base/index.ts';
import { withoutSecrets } from './environment.ts';
import { failure } from './failures.ts';
import type { Environment } from './model.ts';
import { splitCommand } from './sources/credential-process.ts';

/** A program and its arguments. */
export type Words = readonly [string, ...string[]];

export interface BrowserAsk {
  readonly url: string;
  /** What `{profile}` stands for: the target. */
  readonly profile: string;
  /** A command line with `{url}` and `{profile}`; `place` is where it was written. */
  readonly command?: { readonly line: string; readonly place: string } | undefined;
  /** Only Firefox understands the address of a container. */
  readonly container: boolean;
}

function wordsOf(line: string, place: string): Words {
  try {
    return splitCommand(line, place);
  } catch (cause) {
    if (!isFailure(cause)) throw cause;
    throw failure('setting-invalid', `${place}: \`${line}\` is no command: it is empty, or a quote does not end`, {
      hint: 'write it like `firefox -P work {url}`, and quote words with blanks',
      cause,
    });
  }
}

/** A word of a command line with the address in it, or the address as a further word. */
function withAddress([program, ...words]: Words, url: string, fill: (word: string) => string): Words {
  const filled = words.map(fill);
  return [program, ...filled, ...(filled.some((word) => word.includes(url)) ? [] : [url])];
}

/**
 * The commands to try, the first that is there. A line is parted into words before the address is put in, so that
 * nothing in the address is read as anything else.
 * SECURITY: the link stands in the arguments of the browser, where other programs of this machine can read it: no
 * browser takes an address another way. `--print` hands it out without that.
 * @throws Failure `setting-invalid` for a quote that does not end.
 */
export function browserCommands(ask: BrowserAsk, env: Environment, platform: NodeJS.Platform): readonly Words[] {
  const { url, profile, command, container } = ask;
  if (command !== undefined) {
    const fill = (word: string): string =>
      word.replaceAll(/\{(url|profile)\}/g, (_, name: string) => (name === 'url' ? url : profile));
    return [withAddress(wordsOf(command.line, command.place), url, fill)];
  }
  if (container) return firefoxes(platform).map((words): Words => [...words, url]);
  // A list parted by colons, each with `%s` for the address, as xdg-open and Python's webbrowser read it.
  const named = (env['BROWSER'] ?? '').split(':').filter((line) => line.trim() !== '');
  const fill = (word: string): string => word.replaceAll('%s', url);
  const own = named.map((line) => withAddress(wordsOf(line, 'BROWSER'), url, fill));
  return [...own, ...openers(platform, env).map((words): Words => [...words, url])];
}

function openers(platform: NodeJS.Platform, env: Environment): readonly Words[] {
  if (platform === 'darwin') return [['open']];
  if (platform === 'win32') return [['rundll32', 'url.dll,FileProtocolHandler']];
  // In Windows' subsystem for Linux the browser is on the other side.
  const wsl: readonly Words[] = env['WSL_DISTRO_NAME']
    ? [['wslview'], ['rundll32.exe', 'url.dll,FileProtocolHandler']]
    : [];
  return [...wsl, ['xdg-open']];
}

function firefoxes(platform: NodeJS.Platform): readonly Words[] {
  const plain: Words = ['firefox', '--new-tab'];
  return platform === 'darwin' ? [['/Applications/Firefox.app/Contents/MacOS/firefox', '--new-tab'], plain] : [plain];
}

export const containerColors = ['blue', 'turquoise', 'green', 'yellow', 'orange', 'red', 'pink', 'purple'] as const;
export const containerIcons =
  'fingerprint briefcase dollar cart circle gift vacation food fruit pet tree chill fence'.split(' ');

export interface Container {
  readonly name: string;
  readonly color?: string | undefined;
  readonly icon?: string | undefined;
}

/** True for the name of a target that is production, as far as a name tells. */
export function looksLikeProduction(name: string): boolean {
  return /(?:^|[^a-z])(?:prod|prd|production|live)(?:[^a-z]|$)/i.test(name);
}

/** Red for production, and for others one of the rest, the same every time. */
function colorOf(name: string): string {
  if (looksLikeProduction(name)) return 'red';
  const rest = containerColors.filter((color) => color !== 'red');
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)!) % 65_521;
  return rest[sum % rest.length]!;
}

/**
 * The address that opens `url` in a Firefox container of its own (extension "Granted Containers").
 * @throws Failure `invalid-option` for a colour or an icon that Firefox has not.
 */
export function containerAddress(url: string, { name, color, icon = 'briefcase' }: Container): string {
  const chosen = color ?? colorOf(name);
  checkOneOf('--color', chosen, containerColors);
  checkOneOf('--icon', icon, containerIcons);
  const parts = { name, url, color: chosen, icon };
  const text = Object.entries(parts).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return `ext+granted-containers:${text.join('&')}`;
}

function checkOneOf(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw failure('invalid-option', `\`${option}\` does not take \`${value}\``, {
    hint: `it takes ${allowed.join(', ')}`,
  });
}

/** In which a command that cannot open anything says so. */
const usualPatience: Millis = 1500;

/** What became of a start: it runs on or ended well, ended badly, or there is no such program. */
type Start = { readonly opened: true } | { readonly opened: false; readonly why: string; readonly missing: boolean };

async function start([program, ...args]: Words, env: Record<string, string>, patience: Millis): Promise<Start> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { promise, resolve } = Promise.withResolvers<Start>();
  // A browser outlives this program, and Ctrl-C at the terminal is not meant for it.
  const child = spawn(program, args, { env, stdio: 'ignore', detached: true });
  const timer = setTimeout(() => resolve({ opened: true }), patience);
  child.on('error', (error: NodeJS.ErrnoException) => {
    resolve({ opened: false, why: error.code ?? 'unknown error', missing: error.code === 'ENOENT' });
  });
  child.on('exit', (code, signal) => {
    resolve(
      code === 0 ? { opened: true } : { opened: false, why: signal ?? `exit code ${String(code)}`, missing: false },
    );
  });
  const result = await promise;
  clearTimeout(timer);
  child.unref();
  return result;
}

/**
 * Starts the first of the commands that is there. One that has not failed within `patience` has opened something.
 * @throws Failure `browser-failed` when none is, or when the one that is cannot open anything.
 */
export async function openBrowser(
  commands: readonly Words[],
  env: Environment,
  patience: Millis = usualPatience,
): Promise<void> {
  const tried: string[] = [];
  for (const words of commands) {
    const result = await start(words, withoutSecrets(env), patience);
    if (result.opened) return;
    tried.push(`\`${words[0]}\` (${result.why})`);
    if (!result.missing) break;
  }
  throw failure('browser-failed', `no browser was opened: ${tried.join(', ')}`, {
    hint: 'name one with `--browser "firefox {url}"`, STINT_BROWSER or BROWSER, or take the link from `--print`',
  });
}
