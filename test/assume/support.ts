// What the tests of `assume` share: a home folder, an STS on loopback that counts and obeys, and the real program.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { runHot } from '../../src/cli/hot.ts';
import { run } from '../../src/cli/program.ts';
import { collectingIo } from '../cli/support.ts';

export const keys =
  'aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n';

/** A home folder with these two files, removed after the test. */
export function temporaryHome(t: TestContext, config: string, credentials = `[central]\n${keys}`): string {
  const home = mkdtempSync(join(tmpdir(), 'stint-assume-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  mkdirSync(join(home, '.aws'));
  writeFileSync(join(home, '.aws', 'config'), config);
  writeFileSync(join(home, '.aws', 'credentials'), credentials);
  return home;
}

export interface StsCallSeen {
  readonly action: string;
  readonly parameters: URLSearchParams;
  /** Access key id of the signature. */
  readonly by: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface StsAnswer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface CountingSts {
  readonly url: string;
  readonly calls: StsCallSeen[];
  /** Decides about a call: an answer that refuses it, or nothing for a session. */
  refuse: (call: StsCallSeen, count: number) => StsAnswer | undefined;
  /** True for a call that gets no answer. */
  hold: (call: StsCallSeen, count: number) => boolean;
  /** Milliseconds since 1970 by which sessions and answers are dated. */
  now: () => number;
}

function issued(action: string, parameters: URLSearchParams, serial: number, now: number): string {
  const seconds = Number(parameters.get('DurationSeconds') ?? '3600');
  const end = new Date(now + seconds * 1000).toISOString().replace(/\.\d{3}/, '');
  const credentials = `<Credentials><AccessKeyId>ASIA${String(serial).padStart(16, '0')}</AccessKeyId><SecretAccessKey>secret/${serial}&lt;&amp;&gt;'"$</SecretAccessKey><SessionToken>token ${serial} \`x\`</SessionToken><Expiration>${end}</Expiration></Credentials>`;
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${credentials}</${action}Result></${action}Response>`;
}

function identity(by: string): string {
  return `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::222222222222:assumed-role/x/${by}</Arn><UserId>AROA:${by}</UserId><Account>222222222222</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;
}

function answer(sts: CountingSts, call: StsCallSeen): { status: number; body: string } {
  sts.calls.push(call);
  const refused = sts.refuse(call, sts.calls.length);
  if (refused !== undefined) {
    const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${refused.code}</Code><Message>${refused.message}</Message></Error></ErrorResponse>`;
    return { status: refused.status, body };
  }
  const body =
    call.action === 'GetCallerIdentity'
      ? identity(call.by)
      : issued(call.action, call.parameters, sts.calls.length, sts.now());
  return { status: 200, body };
}

function serve(sts: CountingSts): Server {
  return createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const parameters = new URLSearchParams(text);
      const by = /Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      const call = {
        action: parameters.get('Action') ?? '',
        parameters,
        by,
        headers: request.headers,
      };
      const { status, body } = answer(sts, call);
      if (sts.hold(call, sts.calls.length)) return;
      const date = new Date(sts.now()).toUTCString();
      response.writeHead(status, { 'content-type': 'text/xml', connection: 'close', date }).end(body);
    });
  });
}

/** An STS on a free loopback port that checks nothing and counts every call. */
export async function startSts(t: TestContext): Promise<CountingSts> {
  const sts: { -readonly [Key in keyof CountingSts]: CountingSts[Key] } = {
    url: '',
    calls: [],
    refuse: () => undefined,
    hold: () => false,
    now: () => Date.now(),
  };
  const server = serve(sts);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  sts.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return sts;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const cli = join(import.meta.dirname, '..', '..', 'src', 'cli');
export const mainFile = join(cli, 'main.ts');
export const credentialsFile = join(cli, 'stint-credentials.ts');

/** The environment of a child: nothing of this process but PATH and the compile cache. */
export function childEnvironment(home: string, sts?: CountingSts): Record<string, string> {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  return {
    PATH,
    HOME: home,
    USER: 'alice',
    // What answers at the address of the instance metadata is no part of any test.
    AWS_EC2_METADATA_DISABLED: 'true',
    ...(NODE_COMPILE_CACHE === '' ? {} : { NODE_COMPILE_CACHE }),
    ...(sts === undefined ? {} : { AWS_ENDPOINT_URL: sts.url }),
  };
}

/**
 * Runs `stint` inside the test's process, which costs a twentieth of a start. Not for what replaces its process (`exec`),
 * asks at a terminal, runs at once with others, or is answered from the index of kept sessions.
 */
export async function runStintHere(
  args: readonly string[],
  env: Record<string, string>,
  cwd = process.cwd(),
): Promise<Ended> {
  const { io, finished } = collectingIo({ cwd, env });
  if (!(await runHot(args, io))) await run(args, io);
  return { ...finished(), signal: null };
}

/** Runs a file of src/cli as a real process, without a controlling terminal, to its end. */
export async function runStint(
  file: 'main' | 'stint-credentials',
  args: readonly string[],
  env: Record<string, string>,
  cwd?: string,
): Promise<Ended> {
  return runProgram(process.execPath, [join(cli, `${file}.ts`), ...args], env, cwd);
}

/** Runs a program in a session of its own, so that it has no terminal. */
export async function runProgram(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  cwd?: string,
): Promise<Ended> {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.on('error', reject);
  child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  return promise;
}
