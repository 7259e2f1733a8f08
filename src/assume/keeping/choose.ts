// Which keyring is meant: `STINT_KEYRING`.
import { nearestName } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { Environment } from '../model.ts';
import { keyringNames, type KeyringName } from './keyring.ts';

/** What is there to choose from. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  /** Whether a command of that name is in PATH. */
  readonly has: (command: string) => boolean;
  readonly exists: (path: string) => boolean;
}

/** The best that is there, for `auto`: what the desktop has, else a store of `pass` that was set up. */
function best(env: Environment, { platform, has, exists }: Surroundings): KeyringName | undefined {
  if (platform === 'darwin') return has('security') ? 'security' : undefined;
  if (env['DBUS_SESSION_BUS_ADDRESS'] && has('secret-tool')) return 'secret-tool';
  const store = env['PASSWORD_STORE_DIR'] || `${env['HOME'] ?? ''}/.password-store`;
  return has('pass') && exists(`${store}/.gpg-id`) ? 'pass' : undefined;
}

/**
 * The keyring that the environment asks for; undefined for none: kept sessions are then plain files of mode 0600.
 * A keyring that is named and not there is still the answer: what should be encrypted is never plain.
 * @throws Failure `setting-invalid`
 */
export function chosenKeyring(env: Environment, surroundings: Surroundings): KeyringName | undefined {
  const wanted = env['STINT_KEYRING'] || 'none';
  if (wanted === 'none') return undefined;
  if (wanted === 'auto') return best(env, surroundings);
  const name = keyringNames.find((each) => each === wanted);
  if (name !== undefined) return name;
  const all = ['auto', 'none', ...keyringNames];
  const near = nearestName(wanted, all);
  throw failure('setting-invalid', `STINT_KEYRING: there is no keyring \`${wanted}\``, {
    hint: near === undefined ? `it takes ${all.join(', ')}` : `did you mean \`${near}\`?`,
  });
}

/** This machine. */
export function surroundingsOf(env: Environment): Surroundings {
  const { existsSync } = process.getBuiltinModule('node:fs');
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  return {
    platform: process.platform,
    has: (command) => folders.some((folder) => existsSync(`${folder}/${command}`)),
    exists: existsSync,
  };
}
