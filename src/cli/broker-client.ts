// The small HTTP client of the verbs that talk to a server: address and token from the environment,
// one request, Vault's errors as failures.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Secret, type Failure } from '../base/index.ts';
import type { Io } from './command.ts';
import { cliFailure } from './failures.ts';

export interface ServerReply {
  readonly status: number;
  /** The parsed body; empty when the answer had none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Where `stint login` keeps the token, and Vault's own tools look for it. */
export function tokenFile(io: Io): string {
  return join(io.env['HOME'] ?? homedir(), '.vault-token');
}

export function serverAddress(io: Io): string {
  const address = io.env['STINT_ADDR'] || io.env['VAULT_ADDR'] || 'http://127.0.0.1:8200';
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address.replace(/\/+$/, '');
  throw cliFailure('address-invalid', `\`${address}\` is not the address of a server`, {
    hint: 'set STINT_ADDR to something like `http://127.0.0.1:8200`',
  });
}

function storedToken(io: Io): Secret | undefined {
  const given = io.env['STINT_TOKEN'] || io.env['VAULT_TOKEN'];
  if (given) return new Secret(given);
  try {
    const text = readFileSync(tokenFile(io), 'utf8').trim();
    return text === '' ? undefined : new Secret(text);
  } catch {
    return undefined;
  }
}

/**
 * Asks the server. A 404 without a message is an answer ("nothing there"), not a failure.
 * @throws Failure `server-unreachable`, or `server-refused` with the server's own words.
 */
export async function askServer(
  io: Io,
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly query?: string; readonly token?: Secret } = {},
): Promise<ServerReply> {
  const address = serverAddress(io);
  const token = options.token ?? storedToken(io);
  const target = path
    .replace(/^\/|\/$/g, '')
    .split('/')
    .map(encodeURIComponent)
    .join('/');
  const response = await fetch(`${address}/v1/${target}${options.query ? `?${options.query}` : ''}`, {
    method,
    signal: io.signal,
    headers: {
      'X-Vault-Request': 'true',
      ...(token === undefined ? {} : { 'X-Vault-Token': token.reveal() }),
      ...(options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  }).catch((error: unknown) => {
    throw cliFailure('server-unreachable', `no server answers at \`${address}\``, {
      hint: 'start one with `stint server --dev`, or set STINT_ADDR to where it is',
      cause: error,
    });
  });
  const body = parseBody(await response.text());
  const errors = Array.isArray(body['errors']) ? (body['errors'] as string[]) : undefined;
  if (response.status < 400 || (response.status === 404 && errors?.length === 0))
    return { status: response.status, body };
  throw refused(response.status, errors, body['hint']);
}

function parseBody(text: string): Readonly<Record<string, unknown>> {
  if (text === '') return {};
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw cliFailure('server-refused', 'the server does not speak Vault’s API', {
      hint: 'check STINT_ADDR',
      cause: error,
    });
  }
}

// Vault wraps some messages in several lines; a person reads one.
function refused(status: number, errors: readonly string[] | undefined, hint: unknown): Failure {
  const [message = `the server answered ${status}`] = errors ?? [];
  const plain = message
    .replace(/^1 error occurred:\s*\* /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
  const fallback =
    'see what was asked, as whom, and where: STINT_TOKEN and STINT_ADDR; `stint list` shows what is there';
  return cliFailure('server-refused', plain, { hint: typeof hint === 'string' ? hint : fallback, status });
}
