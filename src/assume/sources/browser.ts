// Opens an address in the person's browser, as the platform does. Never through a shell: addresses have `&` in them.
import { splitCommand } from './credential-process.ts';
import type { Environment } from '../model.ts';

/** A program and its arguments. */
export type BrowserCommand = readonly [program: string, ...args: string[]];

/** Programs of the platform that open an address, the best first. */
function platformCommands(platform: NodeJS.Platform, env: Environment): readonly BrowserCommand[] {
  if (platform === 'darwin') return [['open']];
  if (platform === 'win32') return [['rundll32', 'url.dll,FileProtocolHandler']];
  if (env['WSL_DISTRO_NAME']) return [['wslview'], ['rundll32.exe', 'url.dll,FileProtocolHandler'], ['xdg-open']];
  return [['xdg-open']];
}

/** `BROWSER`: commands parted by colons, `%s` where the address goes, else at the end. One that cannot be read is left out. */
function namedCommands(text: string): readonly BrowserCommand[] {
  return text.split(':').flatMap((command) => {
    try {
      return command.trim() === '' ? [] : [splitCommand(command, 'BROWSER')];
    } catch {
      return [];
    }
  });
}

function withAddress(command: BrowserCommand, url: string): BrowserCommand {
  const [program, ...args] = command;
  if (!args.some((word) => word.includes('%s'))) return [program, ...args, url];
  return [program, ...args.map((word) => word.replaceAll('%s', () => url))];
}

/** What to try, in order, to open the address. Pure. */
export function browserCommands(url: string, platform: NodeJS.Platform, env: Environment): readonly BrowserCommand[] {
  const named = namedCommands(env['BROWSER'] ?? '');
  return [...named, ...platformCommands(platform, env)].map((command) => withAddress(command, url));
}

/**
 * Is a browser likely to open where the person sits, and on this machine, so that it reaches our own address? Not over
 * SSH, not without a display; a `BROWSER` says yes, since editors that forward ports to a far machine set it. Pure.
 */
export function hasBrowser(platform: NodeJS.Platform, env: Environment): boolean {
  if (namedCommands(env['BROWSER'] ?? '').length > 0) return true;
  if (env['SSH_CONNECTION'] || env['SSH_CLIENT'] || env['SSH_TTY']) return false;
  if (platform === 'darwin' || platform === 'win32') return true;
  return [env['DISPLAY'], env['WAYLAND_DISPLAY'], env['WSL_DISTRO_NAME']].some(
    (value) => value !== undefined && value !== '',
  );
}

/** True once the program runs; it goes on by itself, and its output is nobody's. */
function launch([program, ...args]: BrowserCommand, env: Environment): Promise<boolean> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const child = spawn(program, args, { env: { ...env }, stdio: 'ignore', detached: true });
  child.once('error', () => resolve(false));
  child.once('spawn', () => resolve(true));
  child.unref();
  return promise;
}

/** Opens the address; false when nothing here can. */
export async function openBrowser(url: string, platform: NodeJS.Platform, env: Environment): Promise<boolean> {
  for (const command of browserCommands(url, platform, env)) if (await launch(command, env)) return true;
  return false;
}
