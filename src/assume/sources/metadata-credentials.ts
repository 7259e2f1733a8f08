// What the metadata service of an instance and the endpoint of a container have in common: how they are asked, and
// the JSON they answer.
import { isoSeconds, Secret, type Clock, type Millis } from '../../base/index.ts';
import type { HttpAnswer, HttpLoss } from '../http.ts';
import type { Credentials } from '../model.ts';
import type { SourceTools } from './source.ts';

/** What is asked of an endpoint near to this process. */
export interface MetadataRequest {
  readonly method: 'GET' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly patience: Millis;
  readonly attempts: number;
  readonly caBundle?: string | undefined;
}

/** Asks, again after a loss or a server error as often as the request says. Never through a proxy. */
export async function askMetadata(request: MetadataRequest, tools: SourceTools): Promise<HttpAnswer | HttpLoss> {
  for (let attempt = 1; ; attempt++) {
    const answer = await tools.send({ ...request, body: '', direct: true });
    const passing = 'lost' in answer || answer.status >= 500;
    if (!passing || attempt >= request.attempts) return answer;
    await tools.wait(200 * attempt);
  }
}

/** Why there was no answer to use, for a message. */
export function whyNot(answer: HttpAnswer | HttpLoss): string {
  if ('lost' in answer) return answer.lost;
  const said = messageOf(answer.body);
  return `HTTP ${answer.status}${said === undefined ? '' : `: ${said}`}`;
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** AWS's own words in an error, which are `Message` on an instance and `message` in a container. */
function messageOf(body: string): string | undefined {
  const answer = parse(body);
  const text = answer?.['Message'] ?? answer?.['message'];
  return typeof text === 'string' ? text.slice(0, 500) : undefined;
}

/** The credentials of an answer, or what is wrong with it. The answer itself is never repeated: it may hold keys. */
export function readMetadataCredentials(body: string, clock: Clock): Credentials | { readonly problem: string } {
  const answer = parse(body);
  if (answer === undefined) return { problem: 'it did not answer JSON' };
  const { Code: code, AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration: end } = answer;
  if (typeof code === 'string' && code !== 'Success')
    return { problem: `${code}: ${messageOf(body) ?? 'no reason given'}` };
  if (typeof id !== 'string' || typeof secret !== 'string' || typeof token !== 'string')
    return { problem: 'its answer lacks AccessKeyId, SecretAccessKey or Token' };
  const expiration = typeof end === 'string' ? Date.parse(end) : NaN;
  if (Number.isNaN(expiration)) return { problem: 'its answer has no Expiration, or one that is no time' };
  if (expiration <= clock.now()) return { problem: `the credentials it has ended at ${isoSeconds(expiration)}` };
  return { accessKeyId: id, secretAccessKey: new Secret(secret), sessionToken: new Secret(token), expiration };
}
