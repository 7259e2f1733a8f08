// `stint` at a terminal of its own, with a browser: what a person has who sits at the machine.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment, mainFile, type Ended } from '../support.ts';
import type { IdentityCenter } from './identity-center.ts';

/** A sign-in session, a role of it, and a role assumed from that. */
export const config = `[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile dev]
sso_session = corp
sso_account_id = 222222222222
sso_role_name = ReadOnly
[profile dev-admin]
sso_session = corp
sso_account_id = 222222222222
sso_role_name = Admin
[profile chained]
role_arn = arn:aws:iam::333333333333:role/deploy
source_profile = dev
[profile old]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 222222222222
sso_role_name = ReadOnly
`;

/** Where the AWS CLI keeps the token of a session, or of a start URL. */
export function cacheFile(home: string, name: string): string {
  return join(home, '.aws/sso/cache', `${createHash('sha1').update(name).digest('hex')}.json`);
}

/** Puts a token there that `idc` knows, as the AWS CLI writes it, `endsIn` seconds before its end. Returns the file. */
export function putToken(
  home: string,
  idc: IdentityCenter,
  { endsIn = 3600, name = 'corp', extra = {} }: { endsIn?: number; name?: string; extra?: Record<string, unknown> },
): string {
  const file = cacheFile(home, name);
  const time = (seconds: number): string =>
    new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d{3}Z$/, 'Z');
  mkdirSync(join(home, '.aws/sso/cache'), { recursive: true });
  const token = {
    startUrl: 'https://corp.awsapps.com/start',
    region: 'eu-west-1',
    ...idc.signedIn(),
    expiresAt: time(endsIn),
    registrationExpiresAt: time(90 * 86_400),
    ...extra,
  };
  writeFileSync(file, JSON.stringify(token));
  return file;
}

/** The environment of a person whose AWS is `idc`, with the test's browser. */
export function personEnvironment(home: string, idc: IdentityCenter): Record<string, string> {
  return {
    ...childEnvironment(home),
    AWS_ENDPOINT_URL_SSO: idc.url,
    AWS_ENDPOINT_URL_SSO_OIDC: idc.url,
    BROWSER: `"${process.execPath}" "${fileURLToPath(new URL('./browser.ts', import.meta.url))}"`,
    OPENED: join(home, 'opened'),
  };
}

/** The addresses the browser was given. */
export function openedIn(home: string): readonly string[] {
  const file = join(home, 'opened');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

export interface AtTerminal {
  readonly ended: Promise<Ended>;
  /** Settles when the terminal shows the text. */
  readonly shows: (text: string) => Promise<void>;
  readonly type: (text: string) => void;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Starts `stint` at a terminal. stdout goes past it into a file, so that the terminal shows what people see. */
export function startAtTerminal(args: readonly string[], env: Record<string, string>): AtTerminal {
  const out = join(env['HOME']!, `stdout-${process.hrtime.bigint()}`);
  const command = `${[process.execPath, mainFile, ...args].map(quoted).join(' ')} > ${quoted(out)}`;
  const child = spawn('/usr/bin/script', ['-qefc', command, '/dev/null'], {
    env: { ...env, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let seen = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    seen += chunk;
    for (const look of waiting) look();
  });
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  child.on('error', reject);
  child.on('close', (code, signal) =>
    resolve({ code, signal, stdout: existsSync(out) ? readFileSync(out, 'utf8') : '', stderr: seen }),
  );
  return {
    ended: promise,
    type: (text) => child.stdin.write(text),
    shows: (text) => {
      const { promise: shown, resolve: show } = Promise.withResolvers<void>();
      const look = (): void => {
        if (!seen.includes(text)) return;
        waiting.delete(look);
        show();
      };
      waiting.add(look);
      look();
      return shown;
    },
  };
}

/** Runs `stint` at a terminal to its end. */
export function runAtTerminal(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  return startAtTerminal(args, env).ended;
}
