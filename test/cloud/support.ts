// What the tests of a running embedded AWS share: clients of a key, and raw requests.
import { IAMClient } from '@aws-sdk/client-iam';
import { STSClient } from '@aws-sdk/client-sts';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Cloud } from '../../src/cloud/index.ts';

export const central = '111111111111';
export const dev = '222222222222';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface Endpoint {
  readonly endpoint: string;
}

/** What an SDK client would else look for in the environment and in files of this machine, for each client again. */
export const settled = {
  maxAttempts: 1,
  retryMode: 'standard',
  defaultsMode: 'legacy' as const,
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  authSchemePreference: [] as string[],
  requestChecksumCalculation: 'WHEN_SUPPORTED' as const,
  responseChecksumValidation: 'WHEN_SUPPORTED' as const,
};

/** What an SDK client of these keys is made with. It does not retry, so that a wrong answer is seen as it is. */
export function configOf({ endpoint }: Endpoint, { accessKeyId, secretAccessKey, sessionToken }: Keys) {
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  return { ...settled, endpoint, region: 'us-east-1', credentials };
}

export function iamOf(cloud: Endpoint, keys: Keys): IAMClient {
  return new IAMClient(configOf(cloud, keys));
}

export function stsOf(cloud: Endpoint, keys: Keys): STSClient {
  return new STSClient(configOf(cloud, keys));
}

/** The keys of the user `admin` of an account. */
export function adminOf(cloud: Cloud, account: string): Keys {
  const { accessKeyId, secretAccessKey } = cloud.credentials.accounts[account]!;
  return { accessKeyId, secretAccessKey };
}

/** A trust policy that lets every principal of `account` in that may assume roles. */
export function trustOf(account: string): string {
  const statement = { Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole' };
  return JSON.stringify({ Version: '2012-10-17', Statement: statement });
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** One request on a connection of its own. */
export function send(url: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on('error', reject);
    });
    sent.on('error', reject).end(body);
  });
}

/** A control request with the right token; the answer parsed. */
export async function control(
  cloud: Cloud,
  method: string,
  route: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const { status, text } = await send(`${cloud.endpoint}/_stint/${route}`, {
    method,
    headers: { 'x-stint-control': cloud.controlToken },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status, body: JSON.parse(text) as Record<string, unknown> };
}

/** Sends bytes as they are and resolves with everything that came back when the server closed the connection. */
export function sendRaw(cloud: Endpoint, bytes: string | Uint8Array): Promise<string> {
  const { hostname, port } = new URL(cloud.endpoint);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    socket.on('error', () => undefined).on('close', () => resolve(answer));
  });
}
