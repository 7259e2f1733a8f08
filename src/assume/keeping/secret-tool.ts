// The keyring of Linux desktops, through `secret-tool` of libsecret.
import { Secret } from '../../base/index.ts';
import { complaint, runTool, unavailable, type Keyring, type KeyringPlace } from './keyring.ts';

export function secretToolKeyring({ id, env }: KeyringPlace): Keyring {
  const name = 'secret-tool';
  const attributes = ['application', 'stint', 'sessions', id];
  return {
    name,
    read: () => {
      const answer = runTool(name, ['lookup', ...attributes], env);
      if (answer.code === 0) return new Secret(answer.output.trim());
      // "Not there" is the one refusal without a word.
      if (answer.error.trim() === '') return undefined;
      throw unavailable(name, complaint(answer));
    },
    write: (key) => {
      // SECURITY: without a terminal `store` reads the secret from its input.
      const answer = runTool(name, ['store', '--label', 'Stint: kept sessions', ...attributes], env, key.reveal());
      if (answer.code !== 0) throw unavailable(name, complaint(answer));
    },
    remove: () => {
      const answer = runTool(name, ['clear', ...attributes], env);
      if (answer.code !== 0 && answer.error.trim() !== '') throw unavailable(name, complaint(answer));
    },
  };
}
