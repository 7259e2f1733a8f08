// The contract of a keyring: it keeps one key, under a name, for the person who is logged in. Its own tool is run for
// every word; the key goes by pipes, never in arguments, where every user of the machine could read it.
import type { Secret } from '../../base/index.ts';
import { withoutSecrets } from '../environment.ts';
import { failure } from '../failures.ts';
import type { Environment } from '../model.ts';

export const keyringNames = ['secret-tool', 'security', 'pass'] as const;
export type KeyringName = (typeof keyringNames)[number];

export interface Keyring {
  readonly name: KeyringName;
  /** The key, undefined when there is none yet. @throws Failure `keyring-unavailable` */
  read(): Secret | undefined;
  /** Keeps the key in place of the one there is. @throws Failure `keyring-unavailable` */
  write(key: Secret): void;
  /** Removes the key; none is as good. @throws Failure `keyring-unavailable` */
  remove(): void;
}

/** What a keyring is made of. */
export interface KeyringPlace {
  /** Letters and digits that name the key among others. */
  readonly id: string;
  readonly env: Environment;
}

export interface ToolAnswer {
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

/** A person may have to unlock the keyring. */
const patience = 120_000;

/**
 * Runs a keyring's tool to its end.
 * @throws Failure `keyring-unavailable` when it cannot be run, or does not end.
 */
export function runTool(command: KeyringName, args: readonly string[], env: Environment, input = ''): ToolAnswer {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const result = spawnSync(command, args, {
    input,
    env: withoutSecrets(env),
    encoding: 'utf8',
    timeout: patience,
    killSignal: 'SIGKILL',
    maxBuffer: 1_000_000,
  });
  if (result.error !== undefined || result.status === null) {
    const { code = 'unknown error' } = (result.error ?? {}) as NodeJS.ErrnoException;
    throw unavailable(command, result.signal ?? code);
  }
  return { code: result.status, output: result.stdout, error: result.stderr };
}

const cures: Readonly<Record<KeyringName, string>> = {
  'secret-tool': 'it needs libsecret-tools and a keyring of the desktop; without one use STINT_KEYRING=pass, or none',
  security: 'unlock the login keychain, or set STINT_KEYRING=none',
  pass: '`pass init` makes its store; gpg-agent must be able to ask for the passphrase (GPG_TTY)',
};

/** `why` is the tool's own first line of complaint, or what became of it. */
export function unavailable(name: KeyringName, why: string): Error {
  const line = why.trim().split('\n', 1)[0]!.slice(0, 200);
  return failure('keyring-unavailable', `the keyring \`${name}\` does not answer (${line})`, { hint: cures[name] });
}

/** The complaint of an answer that is a refusal. */
export function complaint({ code, error }: ToolAnswer): string {
  return error.trim() === '' ? `exit code ${code}` : error;
}
