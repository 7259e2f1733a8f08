// The browser that a person signs in with: whether there is one, and opening it. Loaded only when it has come to that.
import { isFailure } from '../../base/index.ts';
import { browserCommands, openBrowser } from '../console-browser.ts';
import type { Environment } from '../model.ts';

/**
 * Is a browser likely to open where the person sits, and on this machine, so that it reaches our own address? Not over
 * SSH, not without a display; a `BROWSER` says yes, since editors that forward ports to a far machine set it. Pure.
 */
export function hasBrowser(platform: NodeJS.Platform, env: Environment): boolean {
  const isSet = (name: string): boolean => (env[name] ?? '').trim() !== '';
  if (isSet('STINT_BROWSER') || isSet('BROWSER')) return true;
  if (isSet('SSH_CONNECTION') || isSet('SSH_CLIENT') || isSet('SSH_TTY')) return false;
  if (platform === 'darwin' || platform === 'win32') return true;
  return isSet('DISPLAY') || isSet('WAYLAND_DISPLAY') || isSet('WSL_DISTRO_NAME');
}

/** Opens the address; why not, when nothing here can. */
export async function openAddress(
  url: string,
  platform: NodeJS.Platform,
  env: Environment,
): Promise<string | undefined> {
  const line = env['STINT_BROWSER'] ?? '';
  const command = line.trim() === '' ? undefined : { line, place: 'STINT_BROWSER' };
  try {
    await openBrowser(browserCommands({ url, profile: '', command, container: false }, env, platform), env);
    return undefined;
  } catch (error) {
    if (isFailure(error)) return error.message;
    throw error;
  }
}
