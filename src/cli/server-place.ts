// Which server is meant, and the token for it, from options, the environment and `~/.vault-token`. Loads nothing, since
// a target that is lent is looked for on every path.
import { Secret } from '../base/index.ts';
import type { Io } from './command.ts';
import { cliFailure } from './failures.ts';

/** Where `stint login` keeps the token, and Vault's own tools look for it. */
export function tokenFile(io: Pick<Io, 'env'>): string {
  return `${io.env['HOME'] ?? process.getBuiltinModule('node:os').homedir()}/.vault-token`;
}

/** @throws Failure `address-invalid` for an address that is none. */
export function serverAddress(io: Pick<Io, 'env'>, { address: given }: { readonly address?: string } = {}): string {
  const address = given || namedAddress(io) || 'http://127.0.0.1:8200';
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address.replace(/\/+$/, '');
  throw cliFailure('address-invalid', `\`${address}\` is not the address of a server`, {
    hint: 'set STINT_ADDR to something like `http://127.0.0.1:8200`',
  });
}

/** The address as the environment has it, undefined when it has none. */
export function namedAddress(io: Pick<Io, 'env'>): string | undefined {
  return io.env['STINT_ADDR'] || io.env['VAULT_ADDR'] || undefined;
}

/** The token that calls are made with, if there is one. */
export function storedToken(io: Pick<Io, 'env'>): Secret | undefined {
  const given = io.env['STINT_TOKEN'] || io.env['VAULT_TOKEN'];
  if (given) return new Secret(given);
  try {
    const text = process.getBuiltinModule('node:fs').readFileSync(tokenFile(io), 'utf8').trim();
    return text === '' ? undefined : new Secret(text);
  } catch {
    return undefined;
  }
}

/** The names of what is lent begin so. */
export const lentPrefix = 'lend:';
export const usualMount = 'aws';

/** The one name of what is lent at a mount under a role's name. */
export function lentName(mount: string, role: string): string {
  return mount === usualMount ? `${lentPrefix}${role}` : `${lentPrefix}${mount}/${role}`;
}
