// From a profile to the credentials it begins with and the roles assumed one after the other.
// The rules are botocore's: what ranks before what, and which references are circular.
import { nearestName, Secret } from '../base/index.ts';
import { checkRoleArn } from './arn.ts';
import { environmentCredentials } from './environment.ts';
import { failure } from './failures.ts';
import type { Credentials, Environment, Source } from './model.ts';
import { checkSessionName } from './options.ts';
import { settingOf, type Profile, type ProfileSet } from './profiles.ts';
import { checkDuration, limits } from './session-plan.ts';

/** A role as a profile names it; what the person adds comes later. */
export interface ProfileRole {
  readonly roleArn: string;
  readonly sessionName?: string | undefined;
  readonly durationSeconds?: number | undefined;
  readonly externalId?: string | undefined;
}

export interface ProfileChain {
  readonly source: Source;
  /** First the role that the source assumes. */
  readonly roles: readonly ProfileRole[];
  /** The MFA device: the nearest to the source that is named. */
  readonly mfaSerial?: string | undefined;
  /** The target's profile first, then its sources'. */
  readonly profiles: readonly Profile[];
  /** Wanted seconds of the profile itself when it names no role. */
  readonly durationSeconds?: number | undefined;
}

interface Walk {
  readonly set: ProfileSet;
  readonly env: Environment;
  readonly visited: readonly string[];
}

/** Sources that a profile may name and this room does not read: setting -> what it is. */
const unsupported: Readonly<Record<string, string>> = {
  web_identity_token_file: 'a web identity token',
  sso_session: 'IAM Identity Center',
  sso_start_url: 'IAM Identity Center',
  sso_account_id: 'IAM Identity Center',
  login_session: '`aws login`',
};

function place(profile: Profile, key: string): string {
  return profile.settings.get(key)?.place ?? profile.place;
}

function refuseUnsupported(profile: Profile, keys: readonly string[]): void {
  const key = keys.find((name) => settingOf(profile, name) !== undefined);
  if (key === undefined) return;
  throw failure(
    'source-unsupported',
    `${place(profile, key)}: profile \`${profile.name}\` takes its credentials from ${unsupported[key]!}, which Stint does not read`,
    {
      hint: `let another tool fetch them: a profile with \`credential_process\`, such as \`aws configure export-credentials --profile ${profile.name} --format process\`, as source_profile`,
    },
  );
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
      `${place(profile, given)}: profile \`${profile.name}\` has ${given} without ${missing}`,
      {
        hint: 'a key pair needs both',
      },
    );
  }
  const token = settingOf(profile, 'aws_session_token');
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
function ownSource(profile: Profile, files: ProfileSet['files']): Source {
  refuseUnsupported(profile, ['sso_session', 'sso_start_url', 'sso_account_id']);
  if (profile.keysRankFirst) return keySource(profile);
  refuseUnsupported(profile, ['login_session']);
  const command = settingOf(profile, 'credential_process');
  if (command !== undefined) {
    const from = `credential_process of profile \`${profile.name}\``;
    return { kind: 'process', from, profile: profile.name, command, place: place(profile, 'credential_process') };
  }
  if (hasKeys(profile)) return keySource(profile);
  throw failure('no-credentials', `${profile.place}: profile \`${profile.name}\` has no credentials`, {
    hint: `give it role_arn with source_profile, credential_process, or keys in \`${files.credentials}\``,
  });
}

/** What to do about a name that is not there: a heading without `profile`, a near name, or the list. */
export function nameCure(name: string, names: Iterable<string>, set: ProfileSet): string {
  const stray = set.strays.get(name);
  if (stray !== undefined)
    return `${stray.place}: \`[${name}]\` lacks the word \`profile\`: write \`[profile ${name}]\``;
  const near = nearestName(name, names);
  return near === undefined ? '`stint ls` lists the targets' : `did you mean \`${near}\`?`;
}

/** @throws Failure `unknown-profile` with the nearest name. `from` is the `file:line` that names it. */
function profileNamed(name: string, set: ProfileSet, from?: string): Profile {
  const profile = set.profiles.get(name);
  if (profile !== undefined) return profile;
  throw failure('unknown-profile', `${from === undefined ? '' : `${from}: `}there is no profile \`${name}\``, {
    hint: nameCure(name, set.profiles.keys(), set),
  });
}

function durationOf(profile: Profile): number | undefined {
  const text = settingOf(profile, 'duration_seconds');
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) {
    throw failure('setting-invalid', `${place(profile, 'duration_seconds')}: \`${text}\` is not a number of seconds`, {
      hint: 'write it like `duration_seconds = 3600`',
    });
  }
  checkDuration(Number(text), limits.assumeRole);
  return Number(text);
}

function roleOf(profile: Profile, roleArn: string): ProfileRole {
  const name = settingOf(profile, 'role_session_name');
  return {
    roleArn: checkRoleArn(roleArn, place(profile, 'role_arn')),
    sessionName: name === undefined ? undefined : checkSessionName(name, place(profile, 'role_session_name')),
    durationSeconds: durationOf(profile),
    externalId: settingOf(profile, 'external_id'),
  };
}

function environmentSource(profile: Profile, kind: string, env: Environment): Source {
  const where = place(profile, 'credential_source');
  if (kind !== 'Environment') {
    const known = kind === 'Ec2InstanceMetadata' || kind === 'EcsContainer';
    throw failure(
      known ? 'source-unsupported' : 'profile-conflict',
      `${where}: credential_source \`${kind}\` is ${known ? 'not read by Stint' : 'not known'}`,
      {
        hint: known
          ? 'use `credential_source = Environment`, or a source_profile'
          : 'AWS knows Environment, Ec2InstanceMetadata and EcsContainer',
      },
    );
  }
  const credentials = environmentCredentials(env);
  if (credentials !== undefined) return { kind: 'keys', from: 'the environment', credentials };
  throw failure(
    'no-credentials',
    `${where}: profile \`${profile.name}\` takes its credentials from the environment, which has none`,
    {
      hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    },
  );
}

function sourceChain(profile: Profile, walk: Walk): ProfileChain {
  const named = settingOf(profile, 'source_profile');
  const kind = settingOf(profile, 'credential_source');
  if (named !== undefined && kind !== undefined) {
    throw failure(
      'profile-conflict',
      `${place(profile, 'credential_source')}: profile \`${profile.name}\` has both source_profile and credential_source`,
      {
        hint: 'remove one of the two',
      },
    );
  }
  if (kind !== undefined) return { source: environmentSource(profile, kind, walk.env), roles: [], profiles: [] };
  if (named === undefined) {
    throw failure(
      'profile-incomplete',
      `${place(profile, 'role_arn')}: profile \`${profile.name}\` names a role, but not whose credentials assume it`,
      {
        hint: 'add `source_profile = NAME` or `credential_source = Environment`',
      },
    );
  }
  const from = place(profile, 'source_profile');
  // A profile may name itself: then its own keys assume its role.
  if (named === profile.name && hasKeys(profile)) return { source: keySource(profile), roles: [], profiles: [] };
  if (named === profile.name || walk.visited.includes(named)) {
    const circle = [...walk.visited, profile.name, named].map((name) => `\`${name}\``).join(' -> ');
    throw failure('profile-circular', `${from}: source_profile leads in a circle: ${circle}`, {
      hint: 'let one of them have keys or a credential_process of its own',
    });
  }
  return follow(profileNamed(named, walk.set, from), { ...walk, visited: [...walk.visited, profile.name] });
}

function follow(profile: Profile, walk: Walk): ProfileChain {
  const roleArn = settingOf(profile, 'role_arn');
  const mfaSerial = settingOf(profile, 'mfa_serial');
  // In a source profile its own keys rank before its role, as in botocore.
  if (roleArn === undefined || (walk.visited.length > 0 && hasKeys(profile))) {
    return {
      source: ownSource(profile, walk.set.files),
      roles: [],
      mfaSerial,
      profiles: [profile],
      durationSeconds: durationOf(profile),
    };
  }
  refuseUnsupported(profile, ['web_identity_token_file']);
  const chain = sourceChain(profile, walk);
  return {
    source: chain.source,
    roles: [...chain.roles, roleOf(profile, roleArn)],
    // AWS takes a code only from the user at the start of the chain, so a device named anywhere is that user's.
    mfaSerial: chain.mfaSerial ?? mfaSerial,
    profiles: [profile, ...chain.profiles],
  };
}

/**
 * Follows a profile to its source.
 * @throws Failure `unknown-profile`, `profile-incomplete`, `profile-conflict`, `profile-circular`, `source-unsupported`,
 * `no-credentials`, `setting-invalid`, `duration-refused`; each names `file:line`.
 */
export function profileChain(name: string, set: ProfileSet, env: Environment): ProfileChain {
  return follow(profileNamed(name, set), { set, env, visited: [] });
}
