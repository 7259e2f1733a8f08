// The login keychain of macOS, through its `security`.
import { Secret } from '../../base/index.ts';
import { complaint, runTool, unavailable, type Keyring, type KeyringPlace } from './keyring.ts';

/** errSecItemNotFound, as the tool ends with it. */
const notFound = 44;

export function securityKeyring({ id, env }: KeyringPlace): Keyring {
  const name = 'security';
  const item = ['-s', 'stint', '-a', id];
  const find = (): Secret | undefined => {
    const answer = runTool(name, ['find-generic-password', ...item, '-w'], env);
    if (answer.code === 0) return new Secret(answer.output.trim());
    if (answer.code === notFound) return undefined;
    throw unavailable(name, complaint(answer));
  };
  return {
    name,
    read: find,
    write: (key) => {
      // SECURITY: `-w KEY` would stand in the arguments, so the whole command is read from the input. Key and names are
      // letters and digits, of which nothing needs quoting there.
      const command = `add-generic-password -U ${item.join(' ')} -l stint -w ${key.reveal()}\n`;
      const answer = runTool(name, ['-i'], env, command);
      // `-i` ends with 0 whatever became of its commands.
      if (answer.code !== 0 || find()?.reveal() !== key.reveal()) throw unavailable(name, complaint(answer));
    },
    remove: () => {
      const answer = runTool(name, ['delete-generic-password', ...item], env);
      if (answer.code !== 0 && answer.code !== notFound) throw unavailable(name, complaint(answer));
    },
  };
}
