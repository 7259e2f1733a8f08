// Sends a caller's signed GetCallerIdentity to STS and reads who STS says it is. One address, no
// redirects, and an end to its time and size.
import type { IncomingMessage, RequestOptions } from 'node:http';
import { readLimited } from '../read-limited.ts';
import { refused, type SignedRequest } from './signed-request.ts';

export interface CallerIdentity {
  readonly arn: string;
  /** Unique id of the user or role; of a session with its name behind a colon. */
  readonly userId: string;
  readonly account: string;
}

const maxMillis = 10_000;
const maxBytes = 64 * 1024;

interface StsAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Asks STS. `retries` counts for answers that say nothing about the caller.
 * @throws Failure `login-refused` in Vault's words when STS does not accept the signature or does not answer.
 */
export async function askCaller(endpoint: string, signed: SignedRequest, retries: number): Promise<CallerIdentity> {
  const upstream = 'error making upstream request: ';
  for (let tries = 0; ; tries++) {
    const answer = await send(endpoint, signed).catch((error: unknown) => error as Error);
    const again = answer instanceof Error || answer.status >= 500;
    if (again && tries < retries) continue;
    if (answer instanceof Error) {
      const { code = answer.name } = answer as NodeJS.ErrnoException;
      const why = code === 'ABORT_ERR' ? 'STS did not answer in time' : code;
      throw refused(`${upstream}error making request: ${why}`, 'see whether the server reaches its `sts_endpoint`');
    }
    const { status, type, body } = answer;
    if (type !== 'text/xml') throw refused(`${upstream}body of GetCallerIdentity is invalid`);
    if (status !== 200) throw refused(`${upstream}received error code ${status} from STS: ${body.slice(0, 4096)}`);
    const identity = readIdentity(body);
    if (identity === undefined) throw refused(`${upstream}error parsing STS response`);
    return identity;
  }
}

async function send(endpoint: string, { host, headers, body }: SignedRequest): Promise<StsAnswer> {
  const url = new URL(endpoint);
  const request =
    url.protocol === 'https:'
      ? process.getBuiltinModule('node:https').request
      : process.getBuiltinModule('node:http').request;
  const options: RequestOptions = {
    method: 'POST',
    path: '/',
    agent: false,
    headers: { ...plain(headers), host, 'content-length': Buffer.byteLength(body, 'latin1') },
    signal: AbortSignal.timeout(maxMillis),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => void readAnswer(response).then(resolve, reject));
    sent.on('error', reject);
    sent.end(body, 'latin1');
  });
}

function plain(headers: SignedRequest['headers']): Record<string, string | string[]> {
  const pairs = Object.entries(headers).map(([name, values]) => [name, values.length === 1 ? values[0]! : [...values]]);
  return Object.fromEntries(pairs) as Record<string, string | string[]>;
}

async function readAnswer(response: IncomingMessage): Promise<StsAnswer> {
  const bytes = await readLimited(response, maxBytes);
  const [type = ''] = (response.headers['content-type'] ?? '').split(';');
  return { status: response.statusCode ?? 0, type: type.trim(), body: bytes.toString() };
}

/** Each of the three once, within the result of GetCallerIdentity and nothing else (STS API reference). */
export function readIdentity(xml: string): CallerIdentity | undefined {
  const result =
    /^\s*(?:<\?xml[^>]*\?>\s*)?<GetCallerIdentityResponse(?:\s[^>]*)?>\s*<GetCallerIdentityResult>([\s\S]*?)<\/GetCallerIdentityResult>/.exec(
      xml,
    )?.[1];
  if (result === undefined) return undefined;
  const [arn, userId, account] = ['Arn', 'UserId', 'Account'].map((name) => {
    const found = [...result.matchAll(new RegExp(`<${name}>([^<>&]+)</${name}>`, 'g'))];
    return found.length === 1 ? found[0]![1]! : undefined;
  });
  if (arn === undefined || userId === undefined || account === undefined) return undefined;
  return { arn, userId, account };
}
