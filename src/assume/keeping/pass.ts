// The standard Unix password manager, `pass`: files encrypted with gpg, on machines without a desktop too.
import { Secret } from '../../base/index.ts';
import { complaint, runTool, unavailable, type Keyring, type KeyringPlace } from './keyring.ts';

export function passKeyring({ id, env }: KeyringPlace): Keyring {
  const name = 'pass';
  const entry = `stint/sessions-${id}`;
  const isMissing = (error: string): boolean => /is not in the password store/.test(error);
  return {
    name,
    read: () => {
      const answer = runTool(name, ['show', entry], env);
      if (answer.code === 0) return new Secret(answer.output.trim());
      if (isMissing(answer.error)) return undefined;
      throw unavailable(name, complaint(answer));
    },
    write: (key) => {
      // SECURITY: with `--multiline` the entry is read from the input to its end.
      const answer = runTool(name, ['insert', '--multiline', '--force', entry], env, `${key.reveal()}\n`);
      if (answer.code !== 0) throw unavailable(name, complaint(answer));
    },
    remove: () => {
      const answer = runTool(name, ['rm', '--force', entry], env);
      if (answer.code !== 0 && !isMissing(answer.error)) throw unavailable(name, complaint(answer));
    },
  };
}
