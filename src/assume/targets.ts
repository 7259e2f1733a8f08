// From what a person types to the request for one session: a profile, `account/role` of a definition, a role
// ARN, or `ACCOUNTID:role`. A profile of exactly that name wins.
import { isFailure } from '../base/index.ts';
import { parseRoleArn, checkRoleArn } from './arn.ts';
import { chooseEndpoint, partitionOfRegion } from './endpoints.ts';
import { currentProfile, environmentCredentials, personName } from './environment.ts';
import { failure } from './failures.ts';
import type { Environment, RoleLink, SessionRequest } from './model.ts';
import { checkOptions, roleOnlyOptions, type SessionOptions } from './options.ts';
import { nameCure, profileChain, type ProfileChain, type ProfileRole } from './profile-chain.ts';
import { settingOf, type ProfileSet } from './profiles.ts';

/** A role that a `TargetSource` knows by a name of its own. */
export interface DefinedTarget {
  /** As typed: `dev/test_role`. */
  readonly name: string;
  readonly roleArn: string;
  /** Its trust asks for MFA. */
  readonly mfa: boolean;
  /** Seconds that an MFA sign-in may be old for its trust. */
  readonly mfaMaxAge?: number | undefined;
  readonly externalId?: string | undefined;
  /** Its trust demands the caller's own user name as source identity. */
  readonly callerIdentity?: boolean | undefined;
}

/**
 * Where names of targets come from besides ~/.aws: the access definition, later the server. Implemented outside
 * this room. Slow ones are asked last, and only for names that could be theirs.
 */
export interface TargetSource {
  /** What it is called in messages: `stint.config.ts`. */
  readonly label: string;
  /** The target of that name, or undefined. Rejects with a coded Failure when the source itself is broken. */
  find(name: string): Promise<DefinedTarget | undefined>;
  /** All targets, in the order of the source. */
  list(): Promise<readonly DefinedTarget[]>;
}

export interface TargetContext {
  readonly env: Environment;
  readonly profiles: ProfileSet;
  readonly sources: readonly TargetSource[];
}

/** A chain, and what is known of its last role besides. */
interface Found extends Pick<DefinedTarget, 'mfa' | 'mfaMaxAge' | 'callerIdentity'> {
  readonly chain: ProfileChain;
}

/** The credentials that SDKs would take here: keys in the environment, else the current profile. */
function currentChain({ env, profiles }: TargetContext): ProfileChain {
  const credentials = environmentCredentials(env);
  const name = currentProfile(env);
  const mfaSerial = env['AWS_MFA_SERIAL'] || undefined;
  if (credentials !== undefined) {
    const known = profiles.profiles.get(name);
    return {
      source: { kind: 'keys', from: 'the environment', credentials },
      roles: [],
      mfaSerial,
      profiles: known === undefined ? [] : [known],
    };
  }
  if (name === 'default' && !profiles.profiles.has('default')) {
    throw failure('no-credentials', 'there are no credentials to begin with', {
      hint: `set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add \`[default]\` to \`${profiles.files.credentials}\``,
    });
  }
  const chain = profileChain(name, profiles, env);
  return { ...chain, mfaSerial: chain.mfaSerial ?? mfaSerial };
}

function onTop(chain: ProfileChain, role: ProfileRole): ProfileChain {
  return { ...chain, roles: [...chain.roles, role], durationSeconds: undefined };
}

async function findDefined(name: string, sources: readonly TargetSource[]): Promise<DefinedTarget | undefined> {
  for (const source of sources) {
    const found = await source.find(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Names for a suggestion; a source that is broken has none to suggest, and is not what is wrong here. */
async function listNames(source: TargetSource): Promise<readonly string[]> {
  try {
    return (await source.list()).map(({ name }) => name);
  } catch (error) {
    if (isFailure(error)) return [];
    throw error;
  }
}

async function unknownTarget(target: string, { profiles, sources }: TargetContext): Promise<Error> {
  const names = [...profiles.profiles.keys()];
  for (const source of sources) names.push(...(await listNames(source)));
  const places = [profiles.files.config, profiles.files.credentials, ...sources.map(({ label }) => label)];
  return failure(
    'unknown-target',
    `there is no target \`${target}\` in ${places.map((place) => `\`${place}\``).join(', ')}`,
    {
      hint: nameCure(target, names, profiles),
    },
  );
}

async function findTarget(target: string, context: TargetContext): Promise<Found> {
  const { env, profiles, sources } = context;
  if (profiles.profiles.has(target)) return { chain: profileChain(target, profiles, env), mfa: false };
  if (target.startsWith('arn:')) {
    return { chain: onTop(currentChain(context), { roleArn: checkRoleArn(target) }), mfa: false };
  }
  const short = /^(\d{12}):(?:role\/)?(.+)$/.exec(target);
  if (short !== null) {
    const chain = currentChain(context);
    const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || settingOf(chain.profiles[0], 'region');
    const roleArn = checkRoleArn(`arn:${partitionOfRegion(region)}:iam::${short[1]!}:role/${short[2]!}`);
    return { chain: onTop(chain, { roleArn }), mfa: false };
  }
  const defined = target.includes('/') ? await findDefined(target, sources) : undefined;
  if (defined === undefined) throw await unknownTarget(target, context);
  const { roleArn, externalId, mfa, mfaMaxAge, callerIdentity } = defined;
  return { chain: onTop(currentChain(context), { roleArn, externalId }), mfa, mfaMaxAge, callerIdentity };
}

function links(roles: readonly ProfileRole[], options: SessionOptions, person: string): readonly RoleLink[] {
  return roles.map((role, index): RoleLink => {
    // A source identity holds for the whole chain and must be set where the chain begins.
    const sourceIdentity = index === 0 ? options.sourceIdentity : undefined;
    const base = { ...role, sessionName: role.sessionName ?? person, sourceIdentity };
    if (index < roles.length - 1) return base;
    return {
      ...base,
      sessionName: options.sessionName ?? base.sessionName,
      durationSeconds: options.durationSeconds ?? role.durationSeconds,
      externalId: options.externalId ?? role.externalId,
      policy: options.policy,
      policyArns: options.policyArns,
      tags: options.tags,
      transitiveTags: options.transitiveTags,
    };
  });
}

function refuseWithoutRole(target: string, options: SessionOptions): void {
  const given = roleOnlyOptions(options);
  if (given.length === 0) return;
  throw failure(
    'invalid-option',
    `\`${target}\` has no role, so ${given.map((name) => `\`${name}\``).join(', ')} would have no effect`,
    {
      hint: 'leave them out, or name a role with `--role-arn`',
    },
  );
}

function refuseWithoutDevice(target: string, { chain, mfa }: Found, mfaSerial: string | undefined): void {
  const temporary = chain.source.kind === 'process' || chain.source.credentials.sessionToken !== undefined;
  if (!mfa || mfaSerial !== undefined || temporary || chain.roles.length > 1) return;
  throw failure('mfa-needed', `\`${target}\` asks for MFA, and no device is named`, {
    hint: 'give --mfa-serial, set AWS_MFA_SERIAL, or add mfa_serial to the profile',
  });
}

function requestOf(
  target: string,
  chain: ProfileChain,
  mfaSerial: string | undefined,
  options: SessionOptions,
  context: TargetContext,
): SessionRequest {
  const last = chain.roles.at(-1);
  const partition = (last === undefined ? undefined : parseRoleArn(last.roleArn)?.partition) ?? 'aws';
  const wanted = { region: options.region, partition, profiles: chain.profiles };
  return {
    target,
    source: chain.source,
    mfaSerial,
    roles: links(chain.roles, options, personName(context.env)),
    durationSeconds: chain.roles.length === 0 ? (options.durationSeconds ?? chain.durationSeconds) : undefined,
    ...chooseEndpoint(wanted, context.profiles, context.env),
  };
}

/**
 * The request for the session that `target` names, nothing asked of AWS yet.
 * @throws Failure `unknown-target`, `no-credentials`, `invalid-option`, `mfa-needed`, and those of `profileChain`.
 */
export async function resolveTarget(
  target: string,
  given: SessionOptions,
  context: TargetContext,
): Promise<SessionRequest> {
  const options = checkOptions(given);
  const found = await findTarget(target, context);
  const chain = options.roleArn === undefined ? found.chain : onTop(found.chain, { roleArn: options.roleArn });
  if (chain.roles.length === 0) refuseWithoutRole(target, options);
  const mfaSerial = options.mfaSerial ?? chain.mfaSerial;
  refuseWithoutDevice(target, found, mfaSerial);
  const request = requestOf(target, chain, mfaSerial, options, context);
  const [first, ...rest] = request.roles;
  const named = found.callerIdentity === true && first !== undefined && first.sourceIdentity === undefined;
  return {
    ...request,
    ...(found.mfaMaxAge === undefined ? {} : { mfaMaxAge: found.mfaMaxAge }),
    ...(named ? { roles: [{ ...first, callerIdentity: true as const }, ...rest] } : {}),
  };
}

/**
 * The request for the credentials that SDKs would use here: keys in the environment as they are, else the current profile.
 * @throws Failure `no-credentials`, and those of `profileChain`.
 */
export function resolveCurrent(given: SessionOptions, context: TargetContext): SessionRequest {
  const chain = currentChain(context);
  const asTheyAre = chain.source.kind === 'keys' && chain.source.profile === undefined && chain.roles.length === 0;
  const mfaSerial = asTheyAre ? undefined : (given.mfaSerial ?? chain.mfaSerial);
  return requestOf(currentProfile(context.env), chain, mfaSerial, checkOptions(given), context);
}
