// What ~/.aws/config and ~/.aws/credentials say together: profiles, services, SSO sessions.
// Precedence is botocore's: a key in the credentials file beats the same key in the config file.
import { failure } from './failures.ts';
import { parseIni, type Section, type Setting } from './ini.ts';
import type { Environment } from './model.ts';

/** A profile as both files describe it; read when it is first asked for. */
export class Profile {
  readonly name: string;
  readonly #config: Section | undefined;
  readonly #credentials: Section | undefined;
  #settings: ReadonlyMap<string, Setting> | undefined;

  constructor(name: string, config: Section | undefined, credentials: Section | undefined) {
    this.name = name;
    this.#config = config;
    this.#credentials = credentials;
  }

  /** `file:line` of its heading. */
  get place(): string {
    return (this.#config ?? this.#credentials)!.place;
  }

  /** By key. @throws Failure `config-syntax`. */
  get settings(): ReadonlyMap<string, Setting> {
    this.#settings ??= new Map([...(this.#config?.settings ?? []), ...(this.#credentials?.settings ?? [])]);
    return this.#settings;
  }

  /** The key pair stands in the credentials file, which ranks before `credential_process`; one in the config file ranks after. */
  get keysRankFirst(): boolean {
    return this.#credentials?.settings.has('aws_access_key_id') ?? false;
  }
}

export interface ProfileSet {
  readonly profiles: ReadonlyMap<string, Profile>;
  /** `[services NAME]` -> service -> setting, e.g. `sts` -> `endpoint_url`. */
  readonly services: ReadonlyMap<string, Section>;
  /** Headings of the config file that lack the word `profile`, which AWS ignores. */
  readonly strays: ReadonlyMap<string, Section>;
  readonly files: { readonly config: string; readonly credentials: string };
}

/** Reads a file: its text, or undefined when there is none. Throws what the system throws otherwise. */
export type ReadText = (path: string) => string | undefined;

/** Paths of the two files, from the variables that SDKs read, `~` and `HOME` resolved. */
export function profileFiles(env: Environment): { config: string; credentials: string } {
  const home = env['HOME'] ?? '';
  const path = (given: string | undefined, usual: string): string =>
    (given === undefined || given === '' ? usual : given).replace(/^~(?=\/|$)/, home);
  return {
    config: path(env['AWS_CONFIG_FILE'], '~/.aws/config'),
    credentials: path(env['AWS_SHARED_CREDENTIALS_FILE'], '~/.aws/credentials'),
  };
}

function sectionsOf(file: string, read: ReadText): readonly Section[] {
  let text: string | undefined;
  try {
    text = read(file);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw failure('config-unreadable', `\`${file}\` cannot be read (${why})`, {
      hint: 'check its permissions, and AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE',
      cause,
    });
  }
  return text === undefined ? [] : parseIni(text, file);
}

/** `profile "my name"` is `my name`: the config file quotes names that have blanks. */
function unquote(name: string): string {
  const match = /^(["'])(.*)\1$/.exec(name);
  return match === null ? name : match[2]!;
}

interface Titles {
  readonly kind: 'profile' | 'services' | 'stray' | 'other';
  readonly name: string;
}

function titleOf(title: string): Titles {
  if (title === 'default') return { kind: 'profile', name: 'default' };
  // Nearly every title, and there may be 1,000: the pattern below is for the rest.
  const plain = title.startsWith('profile ') ? title.slice(8).trim() : '';
  if (plain !== '' && !/["']/.test(plain)) return { kind: 'profile', name: plain };
  const match = /^(profile|services|sso-session)\s+(.+)$/.exec(title);
  if (match === null) return { kind: 'stray', name: title };
  const name = unquote(match[2]!);
  if (match[1] === 'profile' || match[1] === 'services') return { kind: match[1], name };
  return { kind: 'other', name };
}

interface ConfigFile extends Pick<ProfileSet, 'services' | 'strays'> {
  readonly profiles: ReadonlyMap<string, Section>;
}

function sortConfig(sections: readonly Section[]): ConfigFile {
  const profiles = new Map<string, Section>();
  const services = new Map<string, Section>();
  const strays = new Map<string, Section>();
  for (const section of sections) {
    const { kind, name } = titleOf(section.title);
    if (kind === 'services') services.set(name, section);
    if (kind === 'stray') strays.set(name, section);
    // `[profile default]` beats `[default]`, whatever their order.
    if (kind === 'profile' && (section.title !== 'default' || !profiles.has('default'))) profiles.set(name, section);
  }
  return { profiles, services, strays };
}

/**
 * Reads both files; a missing file is an empty one. Sections are read when they are asked for.
 * @throws Failure `config-unreadable`, `config-syntax`.
 */
export function loadProfiles(env: Environment, read: ReadText): ProfileSet {
  const files = profileFiles(env);
  const { profiles: fromConfig, services, strays } = sortConfig(sectionsOf(files.config, read));
  const fromCredentials = new Map(sectionsOf(files.credentials, read).map((section) => [section.title, section]));
  const profiles = new Map<string, Profile>();
  for (const name of [...fromConfig.keys(), ...fromCredentials.keys()]) {
    profiles.set(name, new Profile(name, fromConfig.get(name), fromCredentials.get(name)));
  }
  return { profiles, services, strays, files };
}

/** The text of a setting, undefined when absent or empty. */
export function settingOf(profile: Profile | undefined, key: string): string | undefined {
  const value = profile?.settings.get(key)?.value;
  return value === '' ? undefined : value;
}
