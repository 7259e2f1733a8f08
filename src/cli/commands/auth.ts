// `stint auth …`: the auth methods of a server, with which people and machines get tokens.
import type { Command } from 'commander';
import type { Io } from '../command.ts';
import { registerDisable, registerEnable, registerMountList, registerTune, type MountWords } from '../lend/mounts.ts';
import { examples } from '../lend/options.ts';

const words: MountWords = {
  group: 'auth',
  api: 'sys/auth',
  thing: 'an auth method',
  types: 'userpass, approle, aws, jwt or oidc',
  example: 'userpass',
};

export function register(program: Command, io: Io): void {
  const auth = program
    .command('auth')
    .description('auth methods of the server')
    .addHelpText('after', examples('stint auth enable userpass', 'stint auth list'));
  registerEnable(auth, io, words);
  registerDisable(auth, io, words);
  registerMountList(auth, io, words);
  registerTune(auth, io, words);
}
