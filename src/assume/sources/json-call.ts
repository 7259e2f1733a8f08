// One unsigned call with a JSON answer, tried again where that helps. The services a person signs in at are three paths
// each: the AWS SDK for them would cost a cold role five times an empty Node's start.
import type { Millis } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { HttpAnswer, HttpLoss, SendHttp } from '../http.ts';

export interface JsonCall {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Made anew for each try. */
  readonly headers?: (() => Readonly<Record<string, string>>) | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly caBundle?: string | undefined;
  /** What is called, for messages. */
  readonly service: string;
}

export interface JsonAnswer {
  readonly status: number;
  /** Empty when the answer is no JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The answer's `date` header. */
  readonly date?: string | undefined;
}

export interface CallTools {
  readonly send: SendHttp;
  readonly wait: (millis: Millis, signal?: AbortSignal) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

const pauses: Readonly<Record<'faults' | 'throttling', readonly Millis[]>> = {
  faults: [200, 800, 2400],
  throttling: [500, 1000, 2000, 4000, 8000, 8000],
};

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function kindOf(answer: HttpAnswer | HttpLoss): keyof typeof pauses | undefined {
  if ('lost' in answer) return answer.lost === 'ENOTFOUND' || answer.lost.startsWith('CERT_') ? undefined : 'faults';
  if (answer.status === 429) return 'throttling';
  return answer.status >= 500 ? 'faults' : undefined;
}

function refuse({ service, url }: JsonCall, answer: HttpAnswer | HttpLoss): Error {
  const { origin } = new URL(url);
  if ('lost' in answer) {
    return failure('sso-unreachable', `no answer from ${service} at \`${origin}\` (${answer.lost})`, {
      hint: 'check the network, sso_region, AWS_ENDPOINT_URL, HTTPS_PROXY and AWS_CA_BUNDLE',
    });
  }
  return failure(
    'sso-failed',
    `${service} at \`${origin}\` answered with HTTP ${answer.status}, also after several tries`,
    {
      hint: answer.status === 429 ? 'it asks to slow down: try again in a minute' : 'try again in a minute',
    },
  );
}

/** Ends the command of a person who has ended it. */
export function checkInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw failure('interrupted', 'ended before IAM Identity Center had answered', { hint: 'run it again' });
}

/**
 * Calls until an answer below 500 comes that is not 429. What it means is the caller's to say.
 * @throws Failure `sso-unreachable`, `sso-failed`, `interrupted`.
 */
export async function callJson(call: JsonCall, { send, wait, signal }: CallTools): Promise<JsonAnswer> {
  const tries = { faults: 0, throttling: 0 };
  const body = call.body === undefined ? '' : JSON.stringify(call.body);
  for (;;) {
    checkInterrupted(signal);
    const headers = { ...(call.method === 'POST' ? { 'content-type': 'application/json' } : {}), ...call.headers?.() };
    const { method, caBundle } = call;
    const answer = await send({ method, url: new URL(call.url), headers, body, caBundle, signal });
    checkInterrupted(signal);
    const kind = kindOf(answer);
    if (kind === undefined && 'status' in answer) return { ...answer, body: parse(answer.body) };
    const pause = kind === undefined ? undefined : pauses[kind][tries[kind]++];
    if (pause === undefined) throw refuse(call, answer);
    await wait(pause, signal);
  }
}
