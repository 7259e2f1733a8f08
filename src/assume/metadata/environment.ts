// What changes in the environment of a program that finds its credentials at a server: everything that SDKs look at
// before they ask one is taken away.
import { staleVariables, type EnvironmentChange } from '../exporters.ts';
import type { Environment, SessionRequest } from '../model.ts';
import { loadProfiles, profileFiles, settingOf, type ReadText } from '../profiles.ts';

/** Settings that give `[default]` credentials, which every SDK takes before it asks a server. */
const credentialSettings = [
  'aws_access_key_id',
  'role_arn',
  'credential_process',
  'web_identity_token_file',
  'sso_session',
  'sso_start_url',
  'login_session',
] as const;

const nothing = '/dev/null';

const files = [
  { variable: 'AWS_CONFIG_FILE', other: 'AWS_SHARED_CREDENTIALS_FILE', name: 'config' },
  { variable: 'AWS_SHARED_CREDENTIALS_FILE', other: 'AWS_CONFIG_FILE', name: 'credentials' },
] as const;

export interface HiddenFile {
  readonly variable: (typeof files)[number]['variable'];
  readonly path: string;
}

/** The files in ~/.aws whose `[default]` would win over a server, so that the program must not see them. */
export function hiddenFiles(env: Environment, read: ReadText): readonly HiddenFile[] {
  return files.flatMap(({ variable, other, name }) => {
    const own = loadProfiles({ ...env, [other]: nothing }, (path) => (path === nothing ? undefined : read(path)));
    const profile = own.profiles.get('default');
    const wins = credentialSettings.some((key) => settingOf(profile, key) !== undefined);
    return wins ? [{ variable, path: profileFiles(env)[name] }] : [];
  });
}

/** The change that lets a program find the server of `variables`, and nothing before it. */
export function metadataChange(
  env: Environment,
  request: SessionRequest,
  variables: Readonly<Record<string, string>>,
  hidden: readonly HiddenFile[],
): EnvironmentChange {
  const { region } = request;
  const set = new Map<string, string>([
    ...(region === undefined
      ? []
      : ([
          ['AWS_REGION', region],
          ['AWS_DEFAULT_REGION', region],
        ] as const)),
    ...hidden.map(({ variable }) => [variable, nothing] as const),
    ...Object.entries(request.settings),
    ['STINT_TARGET', request.target],
    ...Object.entries(variables),
  ]);
  const before = [
    ...staleVariables(env),
    'AWS_EC2_METADATA_DISABLED',
    'AWS_EC2_METADATA_SERVICE_ENDPOINT',
    'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE',
    'AWS_EC2_METADATA_V1_DISABLED',
  ];
  return { unset: before.filter((name) => !set.has(name)), set };
}
