// A sign-in to IAM Identity Center by a person: with a browser on this machine (authorization code with PKCE, RFC 7636),
// else with a code that is entered on any device (RFC 8628). Loaded only when it has come to that.
import { randomText, Secret, systemRandom, type Clock, type Millis, type Random } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { Environment, SsoSession } from '../model.ts';
import { hasBrowser, openAddress } from './browser.ts';
import { checkInterrupted, type CallTools } from './json-call.ts';
import { portalAddress } from './sso-address.ts';
import type { SignInTools } from './source.ts';
import { openCallback, registeredRedirect, type CallbackAnswer } from './sso-callback.ts';
import { readClient, writeClient, type ClientKind } from './sso-cache.ts';
import {
  createToken,
  registerClient,
  startDevice,
  type DeviceAuthorization,
  type Grant,
  type IssuedToken,
  type Registration,
} from './sso-oidc.ts';

export interface SignInWorld extends CallTools {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  readonly clock: Clock;
  readonly random?: Random;
  readonly person: SignInTools;
}

/** A token, and the client it was given to. */
export interface SignedIn {
  readonly issued: IssuedToken;
  readonly client: Registration;
}

/** Without this scope AWS gives no refresh token, and every hour would take a sign-in. */
const usualScopes = ['sso:account:access'];
const codeGrants = ['authorization_code', 'refresh_token'];
/** How long a browser may take; AWS's own codes live as long. */
const patience: Millis = 10 * 60_000;
/** RFC 8628, section 3.5: how much longer to wait after `slow_down`. */
const slowDownSeconds = 5;

interface PortalWorld extends SignInWorld {
  /** The start URL that AWS knows. */
  readonly portal: string;
}

function scopesOf({ scopes }: SsoSession): readonly string[] {
  return scopes.length === 0 ? usualScopes : scopes;
}

/** The client of that kind, registered when no usable one is kept. */
async function clientOf(session: SsoSession, kind: ClientKind, world: PortalWorld): Promise<Registration> {
  const scopes = scopesOf(session);
  const kept = readClient(session, world.env, { kind, scopes, now: world.clock.now() });
  if (kept !== undefined) return kept;
  const byCode = kind === 'authorization_code';
  const extra = { grantTypes: codeGrants, redirectUris: [registeredRedirect], issuerUrl: world.portal };
  const clientName = `stint-${session.name ?? 'sso'}`.replace(/[^\w-]/g, '-').slice(0, 100);
  const client = await registerClient(session, { clientName, scopes, ...(byCode ? extra : {}) }, world);
  writeClient(session, world.env, client, { scopes, grantTypes: byCode ? codeGrants : undefined });
  return client;
}

function refused(session: SsoSession, why: string): Error {
  const again = session.name === undefined ? '' : ` ${session.name}`;
  return failure('sso-sign-in-failed', `${session.place}: no sign-in to \`${session.startUrl}\`: ${why}`, {
    hint: `run \`stint sso login${again}\` to try again; with \`--device-code\` any device with a browser will do`,
  });
}

async function tokenFor(
  session: SsoSession,
  client: Registration,
  grant: Grant,
  world: SignInWorld,
): Promise<SignedIn> {
  const answer = await createToken(session, client, grant, world);
  if ('refused' in answer) throw refused(session, `${answer.message} (${answer.refused})`);
  return { issued: answer, client };
}

/** The first of the answer, the end of patience and the person's own end; no timer is left. */
async function firstAnswer(answer: Promise<CallbackAnswer>, world: SignInWorld): Promise<CallbackAnswer | 'late'> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, world.person.signal]);
  try {
    return await Promise.race([answer, world.wait(patience, signal).then(() => 'late' as const)]);
  } finally {
    stop.abort();
  }
}

function authorizeUrl(session: SsoSession, parameters: Readonly<Record<string, string>>): string {
  return `${session.oidcUrl}/authorize?${new URLSearchParams(parameters).toString().replaceAll('+', '%20')}`;
}

/** Shows the address, and opens it where that may be. */
async function show(url: string, world: SignInWorld): Promise<void> {
  const { person, platform, env } = world;
  person.tell(
    person.browser
      ? 'sign in to IAM Identity Center in the browser; where it does not open by itself, go to:'
      : 'sign in to IAM Identity Center in a browser on this machine:',
  );
  person.tell(`  ${url}`);
  const why = person.browser ? await openAddress(url, platform, env) : undefined;
  if (why !== undefined) person.tell(`${why}; \`--device-code\` takes one on any device`);
}

async function signInByCode(session: SsoSession, world: PortalWorld): Promise<SignedIn> {
  const client = await clientOf(session, 'authorization_code', world);
  const random = world.random ?? systemRandom;
  const [state, verifier] = [new Secret(randomText(random, 43)), new Secret(randomText(random, 64))];
  const { createHash } = process.getBuiltinModule('node:crypto');
  const callback = await openCallback(state);
  try {
    const url = authorizeUrl(session, {
      response_type: 'code',
      client_id: client.clientId,
      redirect_uri: callback.redirectUri,
      state: state.reveal(),
      code_challenge_method: 'S256',
      scopes: scopesOf(session).join(' '),
      code_challenge: createHash('sha256').update(verifier.reveal()).digest('base64url'),
    });
    await show(url, world);
    const answer = await firstAnswer(callback.answer, world);
    checkInterrupted(world.person.signal);
    if (answer === 'late') throw refused(session, 'the browser brought no answer within ten minutes');
    if ('error' in answer) throw refused(session, `the browser brought \`${answer.error}\``);
    const grant = { grantType: 'authorization_code', code: answer.code, codeVerifier: verifier } as const;
    return await tokenFor(session, client, { ...grant, redirectUri: callback.redirectUri }, world);
  } finally {
    callback.close();
  }
}

/** Asks until the person has entered the code, as slowly as AWS wants. */
async function poll(
  session: SsoSession,
  client: Registration,
  device: DeviceAuthorization,
  world: SignInWorld,
): Promise<SignedIn> {
  const ends = world.clock.now() + device.expiresIn * 1000;
  const grantType = 'urn:ietf:params:oauth:grant-type:device_code' as const;
  for (let seconds = device.interval; ;) {
    const answer = await createToken(session, client, { grantType, deviceCode: device.deviceCode }, world);
    if (!('refused' in answer)) return { issued: answer, client };
    if (answer.refused === 'slow_down') seconds += slowDownSeconds;
    else if (answer.refused === 'expired_token') throw refused(session, 'the code was not entered in time');
    else if (answer.refused !== 'authorization_pending')
      throw refused(session, `${answer.message} (${answer.refused})`);
    if (world.clock.now() >= ends) throw refused(session, 'the code was not entered in time');
    await world.wait(seconds * 1000, world.person.signal);
    checkInterrupted(world.person.signal);
  }
}

async function signInByDevice(session: SsoSession, world: PortalWorld): Promise<SignedIn> {
  const client = await clientOf(session, 'device_code', world);
  const device = await startDevice({ ...session, startUrl: world.portal }, client, world);
  const { tell } = world.person;
  tell('sign in to IAM Identity Center in a browser on any device:');
  tell(`  ${printable(device.verificationUri)}`);
  tell(`and enter the code  ${printable(device.userCode)}  (or go to ${printable(device.verificationUriComplete)})`);
  return poll(session, client, device, world);
}

/** SECURITY: an answer of the network shall not move the cursor. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

/**
 * Signs the person in. Nothing is kept but the registration of the client.
 * @throws Failure `setting-invalid`, `sso-sign-in-failed`, `sso-failed`, `sso-unreachable`, `interrupted`, `sso-unwritable`.
 */
export async function signIn(session: SsoSession, world: SignInWorld): Promise<SignedIn> {
  const { person, platform, env } = world;
  const withSignal = { ...world, signal: person.signal };
  const there = { ...withSignal, portal: await portalAddress(session, withSignal) };
  const byCode = !person.deviceCode && (!person.browser || hasBrowser(platform, env));
  return byCode ? signInByCode(session, there) : signInByDevice(session, there);
}
