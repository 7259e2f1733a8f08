// The token service of IAM Identity Center: RegisterClient, StartDeviceAuthorization, CreateToken.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_Operations.html
import { Secret, type Millis } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { SsoSession } from '../model.ts';
import { callJson, type CallTools, type JsonAnswer } from './json-call.ts';

/** A client as it was registered. */
export interface Registration {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly expiresAt: Millis;
}

export interface DeviceAuthorization {
  readonly deviceCode: Secret;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string;
  readonly expiresIn: number;
  readonly interval: number;
}

export interface IssuedToken {
  readonly accessToken: Secret;
  /** Seconds. */
  readonly expiresIn: number;
  readonly refreshToken?: Secret | undefined;
}

/** Why there is no token: OAuth's word (`authorization_pending`, `invalid_grant`…), and what AWS says about it. */
export interface TokenRefusal {
  readonly refused: string;
  readonly message: string;
}

const service = 'IAM Identity Center';

type Client = Pick<Registration, 'clientId' | 'clientSecret'>;

/** What a CreateToken has besides the client. */
export type Grant =
  | {
      readonly grantType: 'authorization_code';
      readonly code: Secret;
      readonly redirectUri: string;
      readonly codeVerifier: Secret;
    }
  | { readonly grantType: 'urn:ietf:params:oauth:grant-type:device_code'; readonly deviceCode: Secret }
  | { readonly grantType: 'refresh_token'; readonly refreshToken: Secret };

/** SECURITY: the one place where secrets become the text of a request. */
function revealed(parameters: Readonly<Record<string, string | Secret>>): Record<string, string> {
  const entries = Object.entries(parameters);
  return Object.fromEntries(entries.map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]));
}

function post(session: SsoSession, path: string, body: unknown, tools: CallTools): Promise<JsonAnswer> {
  return callJson({ method: 'POST', url: session.oidcUrl + path, body, caBundle: session.caBundle, service }, tools);
}

function textOf(body: JsonAnswer['body'], name: string): string | undefined {
  const value = body[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function refusalOf({ body, status }: JsonAnswer): TokenRefusal {
  const said = textOf(body, 'error_description') ?? textOf(body, 'message');
  return { refused: textOf(body, 'error') ?? `HTTP ${status}`, message: (said ?? 'no reason given').slice(0, 300) };
}

function refuse(session: SsoSession, what: string, answer: JsonAnswer): Error {
  const { refused, message } = refusalOf(answer);
  return failure(
    'sso-sign-in-failed',
    `${session.place}: IAM Identity Center refused ${what}: ${message} (${refused})`,
    {
      hint: 'check sso_start_url, sso_region and sso_registration_scopes',
    },
  );
}

/** Registers this machine as a client. @throws Failure `sso-sign-in-failed`, `sso-failed`, `sso-unreachable`. */
export async function registerClient(
  session: SsoSession,
  wanted: {
    readonly clientName: string;
    readonly scopes: readonly string[];
    readonly grantTypes?: readonly string[];
    readonly redirectUris?: readonly string[];
    readonly issuerUrl?: string;
  },
  tools: CallTools,
): Promise<Registration> {
  const answer = await post(session, '/client/register', { ...wanted, clientType: 'public' }, tools);
  const { clientId, clientSecret, clientSecretExpiresAt } = answer.body;
  const texts = typeof clientId === 'string' && typeof clientSecret === 'string';
  if (answer.status !== 200 || !texts || typeof clientSecretExpiresAt !== 'number')
    throw refuse(session, 'to register a client', answer);
  return { clientId, clientSecret: new Secret(clientSecret), expiresAt: clientSecretExpiresAt * 1000 };
}

/** Asks for a code to be entered elsewhere. @throws Failure as `registerClient`. */
export async function startDevice(
  session: SsoSession,
  { clientId, clientSecret }: Client,
  tools: CallTools,
): Promise<DeviceAuthorization> {
  const body = revealed({ clientId, clientSecret, startUrl: session.startUrl });
  const answer = await post(session, '/device_authorization', body, tools);
  const [deviceCode, userCode] = [textOf(answer.body, 'deviceCode'), textOf(answer.body, 'userCode')];
  const verificationUri = textOf(answer.body, 'verificationUri');
  const { expiresIn, interval } = answer.body;
  if (answer.status !== 200 || deviceCode === undefined || userCode === undefined || verificationUri === undefined)
    throw refuse(session, 'the sign-in', answer);
  return {
    deviceCode: new Secret(deviceCode),
    userCode,
    verificationUri,
    verificationUriComplete: textOf(answer.body, 'verificationUriComplete') ?? verificationUri,
    expiresIn: typeof expiresIn === 'number' ? expiresIn : 600,
    // RFC 8628, section 3.2: five seconds when the answer names none.
    interval: typeof interval === 'number' ? interval : 5,
  };
}

/** A token for the grant, or why there is none. @throws Failure `sso-failed`, `sso-unreachable`, `interrupted`. */
export async function createToken(
  session: SsoSession,
  { clientId, clientSecret }: Client,
  grant: Grant,
  tools: CallTools,
): Promise<IssuedToken | TokenRefusal> {
  const answer = await post(session, '/token', revealed({ clientId, clientSecret, ...grant }), tools);
  const accessToken = textOf(answer.body, 'accessToken');
  const { expiresIn } = answer.body;
  if (answer.status !== 200 || accessToken === undefined || typeof expiresIn !== 'number') return refusalOf(answer);
  const refreshToken = textOf(answer.body, 'refreshToken');
  return {
    accessToken: new Secret(accessToken),
    expiresIn,
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
  };
}
