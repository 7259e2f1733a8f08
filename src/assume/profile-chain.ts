// From a profile to the credentials it begins with and the roles assumed one after the other.
// The rules are botocore's: what ranks before what, and which references are circular.
import { Secret } from '../base/index.ts';
import { checkRoleArn, isRoleArn } from './arn.ts';
import { signInSettings } from './endpoints.ts';
import { environmentCredentials } from './environment.ts';
import { failure } from './failures.ts';
import { profileMfaCommand } from './mfa.ts';
import type { Credentials, Environment, MfaCommand, Source } from './model.ts';
import { containerSource, instanceSource, profileToken } from './named-sources.ts';
import { checkIdentity, checkSessionName, readKeyList, readTagList } from './options.ts';
import { profileNamed, settingOf, type Profile, type ProfileSet } from './profiles.ts';
import type { WantedRole } from './role-links.ts';
import { checkDuration, limits } from './session-plan.ts';
import { isSsoProfile, ssoSource } from './sources/sso-profile.ts';

export interface ProfileChain {
  readonly source: Source;
  /** First the role that the source assumes. */
  readonly roles: readonly WantedRole[];
  /** The MFA device: the nearest to the source that is named. */
  readonly mfaSerial?: string | undefined;
  /** What prints the device's codes: the nearest to the source that is named. */
  readonly mfaCommand?: MfaCommand | undefined;
  /** The target's profile first, then its sources'. */
  readonly profiles: readonly Profile[];
  /** Wanted seconds of the profile itself when it names no role. */
  readonly durationSeconds?: number | undefined;
}

/** Profiles that may follow one another: far more than AWS would bear, far less than the stack does. */
const longestChain = 1000;

interface Walk {
  readonly set: ProfileSet;
  readonly env: Environment;
  readonly visited: readonly string[];
  /** Chains of profiles that were followed as sources already, by name. */
  readonly followed: Map<string, ProfileChain>;
}

/** A profile with none of these says nothing about credentials: SDKs go on to the container and the instance. */
const credentialSettings = [
  'role_arn',
  'aws_access_key_id',
  'aws_secret_access_key',
  'credential_process',
  'credential_source',
  'sso_session',
  'sso_start_url',
  'sso_account_id',
  'login_session',
];

/** True when the profile says where credentials come from, well or badly. */
export function namesCredentials(profile: Profile): boolean {
  return credentialSettings.some((key) => settingOf(profile, key) !== undefined);
}

function hasKeys(profile: Profile): boolean {
  return (
    settingOf(profile, 'aws_access_key_id') !== undefined || settingOf(profile, 'aws_secret_access_key') !== undefined
  );
}

function keysOf(profile: Profile): Credentials {
  const accessKeyId = settingOf(profile, 'aws_access_key_id');
  const secret = settingOf(profile, 'aws_secret_access_key');
  if (accessKeyId === undefined || secret === undefined) {
    const [given, missing] =
      accessKeyId === undefined
        ? (['aws_secret_access_key', 'aws_access_key_id'] as const)
        : (['aws_access_key_id', 'aws_secret_access_key'] as const);
    throw failure(
      'profile-incomplete',
      `${profile.placeOf(given)}: profile \`${profile.name}\` has ${given} without ${missing}`,
      { hint: 'a key pair needs both' },
    );
  }
  const token = profile.sessionToken;
  return {
    accessKeyId,
    secretAccessKey: new Secret(secret),
    ...(token === undefined ? {} : { sessionToken: new Secret(token) }),
  };
}

function keySource(profile: Profile): Source {
  return { kind: 'keys', from: `profile \`${profile.name}\``, profile: profile.name, credentials: keysOf(profile) };
}

/** The profile's own credentials, in botocore's order: SSO, keys of the credentials file, login, process, keys of the config file. */
function ownSource(profile: Profile, walk: Walk): Source {
  const { set, env } = walk;
  if (isSsoProfile(profile)) return ssoSource(profile, set, env);
  if (profile.keysRankFirst) return keySource(profile);
  if (settingOf(profile, 'login_session') !== undefined) return loginSource(profile, set, env);
  const command = settingOf(profile, 'credential_process');
  if (command !== undefined) {
    const from = `credential_process of profile \`${profile.name}\``;
    return { kind: 'process', from, profile: profile.name, command, place: profile.placeOf('credential_process') };
  }
  if (hasKeys(profile)) return keySource(profile);
  // Without a role of its own it stands for the place it names, as in the SDK for JavaScript.
  const named = settingOf(profile, 'credential_source');
  if (named !== undefined) return namedSource(profile, named, walk);
  throw failure('no-credentials', `${profile.place}: profile \`${profile.name}\` has no credentials`, {
    hint: cureWithoutCredentials(profile, set.files),
  });
}

/** Credentials that `aws login` left. */
function loginSource(profile: Profile, set: ProfileSet, env: Environment): Source {
  const { region, configured, caBundle } = signInSettings(profile, set, env);
  return {
    kind: 'login',
    from: `\`aws login\` of profile \`${profile.name}\``,
    profile: profile.name,
    loginSession: settingOf(profile, 'login_session')!,
    url: configured('signin'),
    region,
    caBundle,
    place: profile.placeOf('login_session'),
  };
}

function cureWithoutCredentials(profile: Profile, files: ProfileSet['files']): string {
  if (settingOf(profile, 'sso_session') !== undefined)
    return '`stint sso ls` lists the accounts and roles: add sso_account_id and sso_role_name';
  return `give it role_arn with source_profile, credential_process, or keys in \`${files.credentials}\``;
}

function durationOf(profile: Profile): number | undefined {
  const text = settingOf(profile, 'duration_seconds');
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) {
    throw failure('setting-invalid', `${profile.placeOf('duration_seconds')}: \`${text}\` is not a number of seconds`, {
      hint: 'write it like `duration_seconds = 3600`',
    });
  }
  const longest = settingOf(profile, 'role_arn') === undefined ? limits.getSessionToken : limits.assumeRole;
  checkDuration(Number(text), longest, () => profile.placeOf('duration_seconds'));
  return Number(text);
}

/** The role of a profile. A class, since where it stands means counting lines: it is looked up when somebody asks. */
class ProfileRole implements WantedRole {
  readonly roleArn: string;
  readonly sessionName: string | undefined;
  readonly durationSeconds: number | undefined;
  readonly externalId: string | undefined;
  readonly sourceIdentity: string | undefined;
  readonly tags: WantedRole['tags'];
  readonly transitiveTags: WantedRole['transitiveTags'];
  readonly #profile: Profile;

  constructor(profile: Profile, roleArn: string) {
    this.#profile = profile;
    this.roleArn = isRoleArn(roleArn) ? roleArn : checkRoleArn(roleArn, () => this.place);
    this.sessionName = checked(profile, 'role_session_name', checkSessionName);
    this.durationSeconds = durationOf(profile);
    this.externalId = settingOf(profile, 'external_id');
    this.sourceIdentity = checked(profile, 'source_identity', checkIdentity);
    this.tags = checked(profile, 'session_tags', readTagList);
    this.transitiveTags = checked(profile, 'transitive_session_tags', readKeyList);
  }

  get place(): string {
    return this.#profile.placeOf('role_arn');
  }
}

function checked<Value>(
  profile: Profile,
  key: string,
  check: (text: string, place: string) => Value,
): Value | undefined {
  const text = settingOf(profile, key);
  return text === undefined ? undefined : check(text, profile.placeOf(key));
}

type NamedSource = (profile: Profile, walk: Walk, place: string) => Source | undefined;

/** What `credential_source` may name. */
const namedSources: Readonly<Record<string, NamedSource>> = {
  Environment: (_, { env }) => {
    const credentials = environmentCredentials(env);
    return credentials === undefined ? undefined : { kind: 'keys', from: 'the environment', credentials };
  },
  Ec2InstanceMetadata: (profile, { env }, place) => instanceSource(env, profile, place),
  EcsContainer: (_, { env, set }) => containerSource(env, set.read),
};

/** What is missing in the environment for a `credential_source`. */
const emptySources: Readonly<Record<string, { readonly what: string; readonly hint: string }>> = {
  Environment: {
    what: 'takes its credentials from the environment, which has none',
    hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  },
  EcsContainer: {
    what: 'takes its credentials from a container, and the environment names no endpoint of one',
    hint: 'run it in a task of ECS or a pod of EKS, which set AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI',
  },
};

function namedSource(profile: Profile, kind: string, walk: Walk): Source {
  const where = profile.placeOf('credential_source');
  const find = Object.hasOwn(namedSources, kind) ? namedSources[kind] : undefined;
  if (find === undefined) {
    throw failure('profile-conflict', `${where}: credential_source \`${kind}\` is not known`, {
      hint: 'AWS knows Environment, Ec2InstanceMetadata and EcsContainer',
    });
  }
  const source = find(profile, walk, where);
  if (source !== undefined) return source;
  const { what, hint } = emptySources[kind]!;
  throw failure('no-credentials', `${where}: profile \`${profile.name}\` ${what}`, { hint });
}

function refuseTwoSources(profile: Profile): Error {
  return failure(
    'profile-conflict',
    `${profile.placeOf('credential_source')}: profile \`${profile.name}\` has both source_profile and credential_source`,
    { hint: 'remove one of the two' },
  );
}

function refuseNoSource(profile: Profile): Error {
  return failure(
    'profile-incomplete',
    `${profile.placeOf('role_arn')}: profile \`${profile.name}\` names a role, but not whose credentials assume it`,
    { hint: 'add `source_profile = NAME`, `credential_source = Environment` or `web_identity_token_file = FILE`' },
  );
}

function sourceChain(profile: Profile, walk: Walk): ProfileChain {
  const named = settingOf(profile, 'source_profile');
  const kind = settingOf(profile, 'credential_source');
  if (named !== undefined && kind !== undefined) throw refuseTwoSources(profile);
  if (kind !== undefined) return { source: namedSource(profile, kind, walk), roles: [], profiles: [] };
  if (named === undefined) throw refuseNoSource(profile);
  if (walk.visited.length >= longestChain) {
    throw failure(
      'profile-conflict',
      `${profile.placeOf('source_profile')}: more than ${longestChain} profiles follow one another`,
      {
        hint: 'begin the chain later: let a profile in it have keys of its own',
      },
    );
  }
  // A profile may name itself: then its own keys assume its role.
  if (named === profile.name && hasKeys(profile)) return { source: keySource(profile), roles: [], profiles: [] };
  if (named === profile.name || walk.visited.includes(named)) {
    const circle = [...walk.visited, profile.name, named].map((name) => `\`${name}\``).join(' -> ');
    throw failure(
      'profile-circular',
      `${profile.placeOf('source_profile')}: source_profile leads in a circle: ${circle}`,
      {
        hint: 'let one of them have keys or a credential_process of its own',
      },
    );
  }
  const known = walk.followed.get(named);
  if (known !== undefined) return known;
  const source = follow(
    walk.set.profiles.get(named) ?? profileNamed(named, walk.set, profile.placeOf('source_profile')),
    {
      ...walk,
      visited: [...walk.visited, profile.name],
    },
  );
  walk.followed.set(named, source);
  return source;
}

function follow(profile: Profile, walk: Walk): ProfileChain {
  const roleArn = settingOf(profile, 'role_arn');
  const mfaSerial = settingOf(profile, 'mfa_serial');
  const mfaCommand = profileMfaCommand(profile);
  // In a source profile its own keys rank before its role, as in botocore.
  if (roleArn === undefined || (walk.visited.length > 0 && hasKeys(profile))) {
    const source = ownSource(profile, walk);
    return { source, roles: [], mfaSerial, mfaCommand, profiles: [profile], durationSeconds: durationOf(profile) };
  }
  const token = profileToken(profile, walk.env, walk.set.read);
  const chain = token === undefined ? sourceChain(profile, walk) : { source: token, roles: [], profiles: [] };
  return {
    source: chain.source,
    roles: [...chain.roles, new ProfileRole(profile, roleArn)],
    // AWS takes a code only from the user at the start of the chain, so a device named anywhere is that user's.
    mfaSerial: chain.mfaSerial ?? mfaSerial,
    mfaCommand: chain.mfaCommand ?? mfaCommand,
    profiles: [profile, ...chain.profiles],
  };
}

/**
 * Follows a profile to its source. Who follows many hands in one map, so that a source they share is followed once.
 * @throws Failure `unknown-profile`, `profile-incomplete`, `profile-conflict`, `profile-circular`,
 * `no-credentials`, `setting-invalid`, `duration-refused`; each names `file:line`.
 */
export function chainOf(
  profile: Profile,
  set: ProfileSet,
  env: Environment,
  followed = new Map<string, ProfileChain>(),
): ProfileChain {
  return follow(profile, { set, env, visited: [], followed });
}

/** `chainOf` the profile of that name, which `from` gives. @throws as it does. */
export function profileChain(name: string, set: ProfileSet, env: Environment, from?: string): ProfileChain {
  return chainOf(profileNamed(name, set, from), set, env);
}
