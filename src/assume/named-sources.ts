// Sources that are not keys but a place to get them: the token of an identity provider, an instance, a container.
// Which place, and how to ask there, as the environment and a profile say in the SDKs' order. Nothing is asked here.
import { failure } from './failures.ts';
import type { Environment, Source } from './model.ts';
import { settingOf, type Profile, type ReadText } from './profiles.ts';

type SourceOf<Kind extends Source['kind']> = Extract<Source, { readonly kind: Kind }>;

function refuse(place: string, what: string, hint: string): Error {
  return failure('setting-invalid', `${place}: ${what}`, { hint });
}

/** A setting that a variable gives before a profile does, with the place of it. */
function chosen(
  env: Environment,
  variable: string,
  profile: Profile | undefined,
  key: string,
): { value: string; place: string } | undefined {
  const value = env[variable];
  if (value) return { value, place: variable };
  const setting = profile?.settings.get(key);
  return setting === undefined || setting.value === '' ? undefined : setting;
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value.toLowerCase() !== 'false';
}

/** True when AWS_EC2_METADATA_DISABLED forbids to ask the instance. */
export function instanceForbidden(env: Environment): boolean {
  return isOn(env['AWS_EC2_METADATA_DISABLED']);
}

const addresses = { ipv4: 'http://169.254.169.254', ipv6: 'http://[fd00:ec2::254]' } as const;

function instanceUrl(env: Environment, profile: Profile | undefined): string {
  const endpoint = chosen(env, 'AWS_EC2_METADATA_SERVICE_ENDPOINT', profile, 'ec2_metadata_service_endpoint');
  if (endpoint !== undefined) {
    const url = URL.parse(endpoint.value);
    if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '')
      throw refuse(
        endpoint.place,
        `\`${endpoint.value}\` is not an http or https address`,
        `usual is ${addresses.ipv4}`,
      );
    return endpoint.value.replace(/\/+$/, '');
  }
  const mode = chosen(env, 'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE', profile, 'ec2_metadata_service_endpoint_mode');
  const address = addresses[(mode?.value.toLowerCase() ?? 'ipv4') as keyof typeof addresses] as string | undefined;
  if (address !== undefined) return address;
  throw refuse(mode!.place, `there is no endpoint mode \`${mode!.value}\``, 'AWS knows IPv4 and IPv6');
}

function positive(env: Environment, name: string, usual: number): number {
  const text = env[name];
  if (!text) return usual;
  const value = Number(text);
  if (value > 0 && value <= 60) return value;
  throw refuse(name, `\`${text}\` is not a number from 1 to 60`, `leave it out for ${usual}`);
}

/**
 * The instance that this runs on. `place` names who asks for it; undefined when it is only the last to be tried.
 * @throws Failure `setting-invalid`, and `no-credentials` where asking is forbidden.
 */
export function instanceSource(env: Environment, profile: Profile | undefined, place?: string): SourceOf<'instance'> {
  if (instanceForbidden(env)) {
    throw failure(
      'no-credentials',
      `${place ?? 'AWS_EC2_METADATA_DISABLED'}: the instance metadata is not to be asked`,
      {
        hint: 'unset AWS_EC2_METADATA_DISABLED, or take credentials from elsewhere',
      },
    );
  }
  const forbidden = chosen(env, 'AWS_EC2_METADATA_V1_DISABLED', profile, 'ec2_metadata_v1_disabled');
  const url = instanceUrl(env, profile);
  return {
    kind: 'instance',
    from: 'the instance metadata',
    url,
    isChosen: !Object.values<string>(addresses).includes(url),
    allowsVersion1: !isOn(forbidden?.value),
    patience: positive(env, 'AWS_METADATA_SERVICE_TIMEOUT', 1) * 1000,
    attempts: Math.ceil(positive(env, 'AWS_METADATA_SERVICE_NUM_ATTEMPTS', 1)),
    place,
  };
}

/** Hosts that may be asked without TLS: the container agents of ECS and EKS, and this machine. */
const containerHosts = /^(?:169\.254\.170\.2|169\.254\.170\.23|\[fd00:ec2::23\]|localhost|\[::1\]|127\.\d+\.\d+\.\d+)$/;

/**
 * Whose credentials the endpoint gives, so that no session of one pod or task is handed to another whose endpoint has the
 * same address. SECURITY: a token that does not say for whom it is, is told from others by its digest.
 */
function containerSubject(env: Environment, read: ReadText): string | undefined {
  // ECS makes a path for each task.
  const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  if (relative) return relative;
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const subject = file ? subjectOf(file, read) : undefined;
  const token = file ? readOrNothing(file, read) : env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  if (subject !== undefined || !token) return subject;
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(token).digest('hex').slice(0, 32);
}

function readOrNothing(file: string, read: ReadText): string | undefined {
  try {
    return read(file);
  } catch {
    // Reading it for its own sake will tell.
    return undefined;
  }
}

/** The container's endpoint; undefined when the environment names none. @throws Failure `setting-invalid`. */
export function containerSource(env: Environment, read: ReadText): SourceOf<'container'> | undefined {
  const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const full = env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  if (!relative && !full) return undefined;
  const place = relative ? 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI' : 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
  const url = URL.parse(relative ? `http://169.254.170.2${relative}` : full!);
  // SECURITY: a path that begins otherwise would go on with the host's name, as in `.evil.example/`.
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    (relative !== undefined && relative !== '' && !relative.startsWith('/'))
  )
    throw refuse(
      place,
      `\`${relative || full!}\` is not ${relative ? 'a path' : 'an address'}`,
      `write it like \`${relative ? '/v2/credentials/ID' : 'http://127.0.0.1:8080/credentials'}\``,
    );
  // SECURITY: the token goes along, so the rest of the network only gets it under TLS.
  if (url.protocol !== 'https:' && !containerHosts.test(url.hostname))
    throw refuse(
      place,
      `\`${url.hostname}\` may not be asked without TLS`,
      'use https, this machine, or the agent of ECS (169.254.170.2) or EKS (169.254.170.23, fd00:ec2::23)',
    );
  const subject = containerSubject(env, read);
  return { kind: 'container', from: "the container's endpoint", url: url.href, place, subject };
}

/**
 * Who the token in a file is for, so that no session of one subject is handed to another who puts a token there.
 * Undefined when there is no file yet, or no JWT in it: reading it will tell.
 */
function subjectOf(file: string, read: ReadText): string | undefined {
  try {
    const payload = readOrNothing(file, read)?.trim().split('.')[1];
    if (payload === undefined) return undefined;
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    return JSON.stringify([claims['iss'], claims['sub'], claims['aud']]);
  } catch {
    return undefined;
  }
}

/** A token in a file. */
export function tokenFileSource(
  given: string,
  place: string,
  from: string,
  env: Environment,
  read: ReadText,
): SourceOf<'web-identity'> {
  const file = given.replace(/^~(?=\/)/, env['HOME'] ?? '~');
  return { kind: 'web-identity', from, token: { file }, place, subject: subjectOf(file, read) };
}

/** The token of a profile, from its file or its process; undefined when it has neither. */
export function profileToken(profile: Profile, env: Environment, read: ReadText): SourceOf<'web-identity'> | undefined {
  const file = settingOf(profile, 'web_identity_token_file');
  const command = file === undefined ? settingOf(profile, 'web_identity_token_process') : undefined;
  if (file === undefined && command === undefined) return undefined;
  const from = `the web identity of profile \`${profile.name}\``;
  if (file !== undefined) return tokenFileSource(file, profile.placeOf('web_identity_token_file'), from, env, read);
  const token = { process: command!, profile: profile.name };
  return { kind: 'web-identity', from, token, place: profile.placeOf('web_identity_token_process') };
}
