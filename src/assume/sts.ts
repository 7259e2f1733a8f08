// The STS calls of this room: AssumeRole, AssumeRoleWithWebIdentity, GetSessionToken, GetFederationToken and
// GetCallerIdentity, signed by our own signer.
// Tries again what may be tried again. https://docs.aws.amazon.com/STS/latest/APIReference/
import type { Clock, Millis } from '../base/index.ts';
import { Secret } from '../base/index.ts';
import { failure } from './failures.ts';
import type { HttpAnswer, HttpLoss, SendHttp } from './http.ts';
import type { Credentials, IdentityToken, RequestPlaces, RoleLink, StsEndpoint } from './model.ts';
import { encodeRfc3986, signRequest } from './signer.ts';
import { explainRefusal, type StsCall } from './sts-refusal.ts';

export interface MfaProof {
  readonly serial: string;
  readonly code: Secret;
}

/** A session as STS hands it out: always with a token and an end. */
export interface IssuedSession extends Credentials {
  readonly sessionToken: Secret;
  readonly expiration: Millis;
}

export interface CallerIdentity {
  readonly account: string;
  readonly arn: string;
  readonly userId: string;
}

export interface StsTools {
  readonly send: SendHttp;
  readonly clock: Clock;
  /** Resolves after so many milliseconds. */
  readonly wait: (millis: Millis) => Promise<void>;
}

/** Milliseconds before the second, third and fourth try. */
const pauses: readonly Millis[] = [200, 600, 1500];
/** Throttling, and STS that could not reach the identity provider, which it says may be tried again. */
const passing =
  /^(?:Throttling|ThrottlingException|RequestLimitExceeded|TooManyRequestsException|SlowDown|IDPCommunicationError)$/;

/** Text of the first element `name`; the answers of STS are small and flat, so no XML library is loaded for them. */
function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text
    ?.replace(/&#x([0-9a-f]+);/gi, (_, code: string) => String.fromCodePoint(parseInt(code, 16)))
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}

type Parameters = Readonly<Record<string, string | undefined>>;

function formBody(action: string, parameters: Parameters): string {
  return Object.entries({ Action: action, Version: '2011-06-15', ...parameters })
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([name, value]) => `${name}=${encodeRfc3986(value)}`)
    .join('&');
}

function roleParameters(role: RoleLink, durationSeconds: number): Parameters {
  const parameters: Record<string, string | undefined> = {
    RoleArn: role.roleArn,
    RoleSessionName: role.sessionName,
    DurationSeconds: String(durationSeconds),
    ExternalId: role.externalId,
    SourceIdentity: role.sourceIdentity,
    Policy: role.policy,
  };
  for (const [index, arn] of (role.policyArns ?? []).entries()) parameters[`PolicyArns.member.${index + 1}.arn`] = arn;
  for (const [index, [key, value]] of Object.entries(role.tags ?? {}).entries()) {
    parameters[`Tags.member.${index + 1}.Key`] = key;
    parameters[`Tags.member.${index + 1}.Value`] = value;
  }
  for (const [index, key] of (role.transitiveTags ?? []).entries())
    parameters[`TransitiveTagKeys.member.${index + 1}`] = key;
  return parameters;
}

function mfaParameters(proof: MfaProof | undefined): Parameters {
  return proof === undefined ? {} : { SerialNumber: proof.serial, TokenCode: proof.code.reveal() };
}

/** STS at one endpoint. Every method throws a coded Failure that names the cure; none ever holds a secret. */
export class StsClient {
  readonly #endpoint: StsEndpoint;
  readonly #tools: StsTools;
  readonly #places: RequestPlaces | undefined;

  /** `places` say where the request that is refused was written. */
  constructor(endpoint: StsEndpoint, tools: StsTools, places?: RequestPlaces) {
    this.#endpoint = endpoint;
    this.#tools = tools;
    this.#places = places;
  }

  async assumeRole(as: Credentials, role: RoleLink, durationSeconds: number, mfa?: MfaProof): Promise<IssuedSession> {
    const call: StsCall = { action: 'AssumeRole', roleArn: role.roleArn, durationSeconds, mfaSerial: mfa?.serial };
    return this.#issue(call, as, { ...roleParameters(role, durationSeconds), ...mfaParameters(mfa) });
  }

  /** The token is what proves the caller: the call is not signed, and takes no external id, tags or source identity. */
  async assumeRoleWithWebIdentity(
    { identityToken }: IdentityToken,
    { roleArn, sessionName, policy, policyArns }: RoleLink,
    durationSeconds: number,
  ): Promise<IssuedSession> {
    const call: StsCall = { action: 'AssumeRoleWithWebIdentity', roleArn, durationSeconds };
    const role = roleParameters({ roleArn, sessionName, policy, policyArns }, durationSeconds);
    // SECURITY: the token leaves in the body, as STS takes it.
    return this.#issue(call, undefined, { ...role, WebIdentityToken: identityToken.reveal() });
  }

  async getSessionToken(as: Credentials, durationSeconds: number, mfa?: MfaProof): Promise<IssuedSession> {
    const call: StsCall = { action: 'GetSessionToken', durationSeconds, mfaSerial: mfa?.serial };
    return this.#issue(call, as, { DurationSeconds: String(durationSeconds), ...mfaParameters(mfa) });
  }

  /** A session of a federated user: what `as` and `policy` both allow. `as` are long-term keys. */
  async getFederationToken(
    as: Credentials,
    { name, policy, durationSeconds }: { name: string; policy: string; durationSeconds: number },
  ): Promise<IssuedSession> {
    const call: StsCall = { action: 'GetFederationToken', durationSeconds };
    return this.#issue(call, as, { Name: name, Policy: policy, DurationSeconds: String(durationSeconds) });
  }

  async getCallerIdentity(as: Credentials): Promise<CallerIdentity> {
    const xml = await this.#call({ action: 'GetCallerIdentity' }, as, {});
    const [account, arn, userId] = ['Account', 'Arn', 'UserId'].map((name) => element(xml, name));
    if (account === undefined || arn === undefined || userId === undefined) throw this.#notSts();
    return { account, arn, userId };
  }

  async #issue(call: StsCall, as: Credentials | undefined, parameters: Parameters): Promise<IssuedSession> {
    const xml = await this.#call(call, as, parameters);
    const [accessKeyId, secret, token, end] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'].map(
      (name) => element(xml, name),
    );
    const expiration = Date.parse(end ?? '');
    if (accessKeyId === undefined || secret === undefined || token === undefined || Number.isNaN(expiration))
      throw this.#notSts();
    return { accessKeyId, secretAccessKey: new Secret(secret), sessionToken: new Secret(token), expiration };
  }

  /** Calls until an answer counts. An MFA code is good for one try: once it may have arrived, it is not sent again. */
  async #call(call: StsCall, as: Credentials | undefined, parameters: Parameters): Promise<string> {
    const body = formBody(call.action, parameters);
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#send(body, as);
      if ('status' in answer && answer.status === 200) return answer.body;
      const pause = pauses[attempt];
      if (pause === undefined || !mayRepeat(answer, call.mfaSerial !== undefined))
        throw this.#refusal(call, as, answer);
      await this.#tools.wait(pause);
    }
  }

  #send(body: string, as: Credentials | undefined): Promise<HttpAnswer | HttpLoss> {
    const url = new URL(this.#endpoint.url);
    const unsigned = {
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body,
    };
    const scope = { service: 'sts', region: this.#endpoint.signingRegion, now: this.#tools.clock.now() };
    const headers = as === undefined ? unsigned.headers : signRequest(unsigned, as, scope);
    return this.#tools.send({ url, headers, body, caBundle: this.#endpoint.caBundle });
  }

  #refusal(call: StsCall, as: Credentials | undefined, answer: HttpAnswer | HttpLoss): Error {
    if ('lost' in answer) {
      return failure('sts-unreachable', `no answer from \`${this.#endpoint.url}\` (${answer.lost})`, {
        hint: 'check the network, AWS_ENDPOINT_URL, the region, HTTPS_PROXY and AWS_CA_BUNDLE',
        detail: { sent: answer.sent },
      });
    }
    const code = element(answer.body, 'Code');
    if (code === undefined) return this.#notSts();
    return explainRefusal(call, {
      code,
      message: element(answer.body, 'Message') ?? '',
      status: answer.status,
      endpoint: this.#endpoint,
      accessKeyId: as?.accessKeyId ?? '',
      explainId: answer.explainId,
      skewMillis: answer.date === undefined ? undefined : this.#tools.clock.now() - Date.parse(answer.date),
      places: this.#places,
    });
  }

  #notSts(): Error {
    return failure('sts-failed', `\`${this.#endpoint.url}\` answered something that is not from STS`, {
      hint: 'check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS and endpoint_url of the profile',
    });
  }
}

function mayRepeat(answer: HttpAnswer | HttpLoss, withMfa: boolean): boolean {
  if ('lost' in answer)
    return !(withMfa && answer.sent) && answer.lost !== 'ENOTFOUND' && !answer.lost.startsWith('CERT_');
  if (passing.test(element(answer.body, 'Code') ?? '')) return true;
  return answer.status >= 500 && !withMfa;
}
