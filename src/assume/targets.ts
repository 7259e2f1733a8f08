// From what a person types to the request for one session: a profile, `account/role` of a definition, a role
// ARN, or `ACCOUNTID:role`. A profile of exactly that name wins.
import { isFailure, type Millis } from '../base/index.ts';
import { parseRoleArn, checkRoleArn } from './arn.ts';
import { chooseEndpoint, partitionOfRegion } from './endpoints.ts';
import { currentProfile, environmentCredentials, personName } from './environment.ts';
import { failure } from './failures.ts';
import { lentSourceOf, optionsBesideLease, refuseRequest, type LendRequest } from './lent.ts';
import type { Environment, LentTarget, SessionRequest, Source } from './model.ts';
import { containerSource, instanceForbidden, instanceSource, tokenFileSource } from './named-sources.ts';
import { checkOptions, checkSessionName, roleOnlyOptions, type SessionOptions } from './options.ts';
import { namesCredentials, profileChain, type ProfileChain } from './profile-chain.ts';
import { nameCure, settingOf, type Profile, type ProfileSet } from './profiles.ts';
import { ChainPlaces } from './refusal-places.ts';
import { arrangeLinks, type WantedRole } from './role-links.ts';
import { mfaVariables, roleVariables, withVariables } from './variable-options.ts';

/** A role that a `TargetSource` knows by a name of its own. */
export interface DefinedTarget {
  /** As typed: `dev/test_role`. */
  readonly name: string;
  /** Of its account: dev, test, prod… */
  readonly stage?: string | undefined;
  readonly roleArn: string;
  /** Its trust asks for MFA. */
  readonly mfa: boolean;
  /** Seconds that an MFA sign-in may be old for its trust. */
  readonly mfaMaxAge?: number | undefined;
  readonly externalId?: string | undefined;
  /** Its trust demands the caller's own user name as source identity. */
  readonly callerIdentity?: boolean | undefined;
  /** `file:line:column` of its entry; it takes time to find. */
  readonly place?: (() => string) | undefined;
  /** Lent by a server; `roleArn` is empty then. */
  readonly lent?: LentTarget | undefined;
}

/**
 * Where names of targets come from besides ~/.aws: the access definition, later the server. Implemented outside
 * this room. Slow ones are asked last, and only for names that could be theirs.
 */
export interface TargetSource {
  /** What it is called in messages: `stint.config.ts`. */
  readonly label: string;
  /** All of its names begin so, and no other source's do. Without one its names are `account/role`. */
  readonly prefix?: string | undefined;
  /** The target of that name, or undefined. Rejects with a coded Failure when the source itself is broken. */
  find(name: string): Promise<DefinedTarget | undefined>;
  /** All targets, in the order of the source. */
  list(): Promise<readonly DefinedTarget[]>;
  /**
   * Asks for a target that is lent on request only, and waits until it is granted. Absent where nobody decides about
   * requests. Rejects with a coded Failure when it is refused.
   */
  request?(name: string, ask: LendRequest): Promise<DefinedTarget>;
  /**
   * After `find` or `list`: the files that decided the answer, present or absent, and in which folder where that
   * decides, and when something in them ends next. Undefined for a source that cannot tell, whose answers must be asked for
   * anew every time.
   */
  decidedBy?(): { readonly files: readonly string[]; readonly cwd?: string; readonly until?: Millis } | undefined;
}

export interface TargetContext {
  readonly env: Environment;
  readonly profiles: ProfileSet;
  readonly sources: readonly TargetSource[];
  /** The user's name, where no variable has it; asked of the system unless given. */
  readonly user?: (() => string) | undefined;
}

/** A chain, and what is known of its last role besides. */
interface Found extends Pick<DefinedTarget, 'mfa' | 'mfaMaxAge' | 'callerIdentity'> {
  readonly chain: ProfileChain;
  /** The one name of a target that may be typed in several ways. */
  readonly name?: string | undefined;
}

/** The role that a token in the environment is for, as pods of EKS and runners of CI have it. */
function environmentToken({ env, profiles }: TargetContext): ProfileChain | undefined {
  const file = env['AWS_WEB_IDENTITY_TOKEN_FILE'];
  const roleArn = env['AWS_ROLE_ARN'];
  if (!file || !roleArn) return undefined;
  const name = env['AWS_ROLE_SESSION_NAME'];
  const source = tokenFileSource(
    file,
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'the web identity of the environment',
    env,
    profiles.read,
  );
  const role: WantedRole = {
    roleArn: checkRoleArn(roleArn, () => 'AWS_ROLE_ARN'),
    place: 'AWS_ROLE_ARN',
    sessionName: name ? checkSessionName(name, 'AWS_ROLE_SESSION_NAME') : undefined,
  };
  return { source, roles: [role], profiles: [] };
}

/** Where this runs, when neither the environment nor a profile has keys: a container, else perhaps an instance. */
function placeSource(context: TargetContext, profile: Profile | undefined): Source {
  const container = containerSource(context.env, context.profiles.read);
  if (container !== undefined) return container;
  if (!instanceForbidden(context.env)) return instanceSource(context.env, profile);
  throw failure('no-credentials', 'there are no credentials to begin with', {
    hint: `set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add \`[default]\` to \`${context.profiles.files.credentials}\``,
  });
}

/**
 * The credentials that SDKs would take here: keys in the environment, the current profile, a token in the environment,
 * the container, the instance. A token ranks before a profile that nobody named, unless that one assumes a role.
 */
function currentChain(context: TargetContext): ProfileChain {
  const { env, profiles } = context;
  const credentials = environmentCredentials(env);
  const name = currentProfile(env);
  const profile = profiles.profiles.get(name);
  const mfaSerial = env['AWS_MFA_SERIAL'] || undefined;
  const known = profile === undefined ? [] : [profile];
  if (credentials !== undefined)
    return { source: { kind: 'keys', from: 'the environment', credentials }, roles: [], mfaSerial, profiles: known };
  const token = environmentToken(context);
  const variable = ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'].find((each) => env[each]);
  const named = variable !== undefined || settingOf(profile, 'role_arn') !== undefined;
  if (token !== undefined && !named) return { ...token, profiles: known };
  if ((named && profile === undefined) || (profile !== undefined && namesCredentials(profile))) {
    const chain = profileChain(name, profiles, env, variable);
    return { ...chain, mfaSerial: chain.mfaSerial ?? mfaSerial };
  }
  if (token !== undefined) return { ...token, profiles: known };
  return { source: placeSource(context, profile), roles: [], profiles: known };
}

function onTop(chain: ProfileChain, role: WantedRole): ProfileChain {
  return { ...chain, roles: [...chain.roles, role], durationSeconds: undefined };
}

/** The sources that a name could be of. */
function sourcesFor(name: string, sources: readonly TargetSource[]): readonly TargetSource[] {
  const owners = sources.filter(({ prefix }) => prefix !== undefined && name.startsWith(prefix));
  if (owners.length > 0) return owners;
  return name.includes('/') ? sources.filter(({ prefix }) => prefix === undefined) : [];
}

async function findDefined(
  name: string,
  sources: readonly TargetSource[],
  { reason, durationSeconds }: SessionOptions,
): Promise<DefinedTarget | undefined> {
  for (const source of sourcesFor(name, sources)) {
    if (reason !== undefined && source.request !== undefined) return source.request(name, { reason, durationSeconds });
    const found = await source.find(name);
    if (found === undefined) continue;
    if (reason !== undefined) refuseRequest(name, found.lent === undefined ? undefined : source.label);
    return found;
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
  const places = [
    profiles.files.config,
    profiles.files.credentials,
    ...sources.flatMap(({ label, prefix }) => (prefix === undefined ? [label] : [])),
  ];
  return failure(
    'unknown-target',
    `there is no target \`${target}\` in ${places.map((place) => `\`${place}\``).join(', ')}`,
    {
      hint: nameCure(target, names, profiles),
    },
  );
}

async function findTarget(target: string, context: TargetContext, options: SessionOptions): Promise<Found> {
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
  const defined = await findDefined(target, sources, options);
  if (defined === undefined) throw await unknownTarget(target, context);
  return foundDefined(defined, context, options);
}

function foundDefined(defined: DefinedTarget, context: TargetContext, options: SessionOptions): Found {
  if (defined.lent !== undefined) {
    const source = lentSourceOf(defined.name, defined.lent, options);
    return { chain: { source, roles: [], profiles: [] }, mfa: false, name: defined.name };
  }
  const { roleArn, externalId, mfa, mfaMaxAge, callerIdentity, place: definedAt } = defined;
  return { chain: onTop(currentChain(context), { roleArn, externalId, definedAt }), mfa, mfaMaxAge, callerIdentity };
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
  const temporary = chain.source.kind !== 'keys' || chain.source.credentials.sessionToken !== undefined;
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
  const { env } = context;
  const last = chain.roles.at(-1);
  const partition = (last === undefined ? undefined : parseRoleArn(last.roleArn)?.partition) ?? 'aws';
  const wanted = { region: options.region, partition, profiles: chain.profiles };
  const mfa = mfaSerial === undefined ? {} : mfaVariables(env);
  return {
    target,
    source: chain.source,
    mfaSerial,
    mfaCommand: chain.mfaCommand,
    ...(mfa.shared === undefined ? {} : { mfaSeconds: mfa.shared }),
    roles: arrangeLinks({
      roles: chain.roles,
      webIdentity: chain.source.kind === 'web-identity',
      options: last === undefined ? options : withVariables(options, roleVariables(env)),
      person: personName(env, context.user),
    }),
    places: new ChainPlaces(chain, env),
    durationSeconds: last === undefined ? (options.durationSeconds ?? chain.durationSeconds ?? mfa.alone) : undefined,
    ...chooseEndpoint(wanted, context.profiles, env),
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
  const checked = checkOptions(given);
  return requestFor(target, await findTarget(target, context, checked), checked, context);
}

/** The request of a target that was found. */
function requestFor(target: string, found: Found, checked: SessionOptions, context: TargetContext): SessionRequest {
  const isLent = found.chain.source.kind === 'lent';
  if (checked.reason !== undefined && !isLent) refuseRequest(target, undefined);
  const options = isLent ? optionsBesideLease(checked) : checked;
  const chain = options.roleArn === undefined ? found.chain : onTop(found.chain, { roleArn: options.roleArn });
  if (chain.roles.length === 0) refuseWithoutRole(target, options);
  const mfaSerial = options.mfaSerial ?? chain.mfaSerial;
  refuseWithoutDevice(target, found, mfaSerial);
  const request = requestOf(found.name ?? target, chain, mfaSerial, options, context);
  const [first, ...rest] = request.roles;
  const named = found.callerIdentity === true && first !== undefined && first.sourceIdentity === undefined;
  return {
    ...request,
    ...(found.mfaMaxAge === undefined ? {} : { mfaMaxAge: found.mfaMaxAge }),
    ...(named ? { roles: [{ ...first, callerIdentity: true as const }, ...rest] } : {}),
  };
}

/** What `resolveTarget` makes of a profile without options, whose chain is known. @throws as it does. */
export function requestOfProfile(name: string, chain: ProfileChain, context: TargetContext): SessionRequest {
  return requestFor(name, { chain, mfa: false }, {}, context);
}

/** What `resolveTarget` makes of such a target without options. @throws as it does. */
export function requestOfDefined(defined: DefinedTarget, context: TargetContext): SessionRequest {
  return requestFor(defined.name, foundDefined(defined, context, {}), {}, context);
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
