// What ~/.aws/config and ~/.aws/credentials say together: profiles, services, SSO sessions.
// Precedence is botocore's: a key in the credentials file beats the same key in the config file.
import { nearestName } from '../base/index.ts';
import { failure } from './failures.ts';
import { readSections, type Section, type Setting } from './ini.ts';
import type { Environment } from './model.ts';

/** Settings that belong to a profile alone: a key pair is not handed on by `include_profile`. */
const ownAlone = new Set([
  'aws_access_key_id',
  'aws_secret_access_key',
  'aws_session_token',
  'aws_security_token',
  'include_profile',
]);
/** Profiles that may include one another in a row. */
const longestInclusion = 100;
/** Settings that say whose credentials assume the role: a profile that has one of them inherits none of them. */
const assumers = ['source_profile', 'credential_source', 'web_identity_token_file', 'web_identity_token_process'];

const nobody: readonly string[] = [];

/** Gives another profile by its name, or throws for one that is named at `place` and is not there. */
type FindProfile = (name: string, place: string) => Profile;

/** A profile as both files describe it; read when it is first asked for. */
export class Profile {
  readonly name: string;
  #config: Section | undefined;
  #credentials: Section | undefined;
  readonly #find: FindProfile;
  #known: ReadonlyMap<string, Setting> | undefined;

  constructor(name: string, config: Section | undefined, credentials: Section | undefined, find: FindProfile) {
    this.name = name;
    this.#config = config;
    this.#credentials = credentials;
    this.#find = find;
  }

  /** Takes in another section of the config file that stands for it, while both files are sorted. */
  addConfig(section: Section): void {
    const known = this.#config!;
    // `[profile default]` beats `[default]`, whatever their order.
    const [bare, hadBare] = [section.title === 'default', known.title === 'default'];
    if (hadBare && !bare) this.#config = section;
    // `[profile "a"]` and `[profile  a]` are one profile, whose later keys win.
    else if (hadBare === bare) known.join(section);
  }

  /** Takes in a section of the credentials file. */
  addCredentials(section: Section): void {
    if (this.#credentials === undefined) this.#credentials = section;
    else this.#credentials.join(section);
  }

  /** Lets go of what was read, for whoever goes through 10,000 profiles once: what is held costs the collector most. */
  release(): void {
    this.#known = undefined;
    this.#config?.release();
    this.#credentials?.release();
  }

  /** `file:line` of its heading. */
  get place(): string {
    return (this.#config ?? this.#credentials)!.place;
  }

  /** `file:line` of a setting, else of the heading. */
  placeOf(key: string): string {
    return this.settings.get(key)?.place ?? this.place;
  }

  /**
   * By key, those of `include_profile` where it has none of its own, as aws-vault reads it.
   * @throws Failure `config-syntax`; `unknown-profile`, `profile-circular` for an `include_profile` that leads nowhere.
   */
  get settings(): ReadonlyMap<string, Setting> {
    return (this.#known ??= this.#merged(nobody));
  }

  /** Most profiles stand in one of the files, and of 10,000 of them no map is copied. */
  #own(): ReadonlyMap<string, Setting> {
    const config = this.#config?.settings;
    const credentials = this.#credentials?.settings;
    if (config === undefined || credentials === undefined) return config ?? credentials ?? new Map<string, Setting>();
    return new Map([...config, ...credentials]);
  }

  #merged(including: readonly string[]): ReadonlyMap<string, Setting> {
    const own = this.#own();
    const include = own.get('include_profile');
    if (include === undefined || include.value === '') return own;
    const path = [...including, this.name];
    if (path.includes(include.value)) {
      const circle = [...path, include.value].map((name) => `\`${name}\``).join(' -> ');
      throw failure('profile-circular', `${include.place}: include_profile leads in a circle: ${circle}`, {
        hint: 'remove one of the include_profile lines',
      });
    }
    if (path.length >= longestInclusion) {
      throw failure(
        'profile-conflict',
        `${include.place}: more than ${longestInclusion} profiles include one another`,
        {
          hint: 'put what they share into one profile',
        },
      );
    }
    const inherited = this.#find(include.value, include.place).#merged(path);
    const assumes = assumers.some((key) => own.has(key));
    const taken = [...inherited].filter(([key]) => !ownAlone.has(key) && !(assumes && assumers.includes(key)));
    return new Map([...taken, ...own]);
  }

  /**
   * The session token of the key pair; of the same file, where that is the credentials file. `aws_security_token` is its
   * name of old, which the AWS CLI still reads.
   */
  get sessionToken(): string | undefined {
    const settings = this.keysRankFirst ? this.#credentials!.settings : this.settings;
    return settings.get('aws_session_token')?.value || settings.get('aws_security_token')?.value || undefined;
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
  /** `[sso-session NAME]`: where and how profiles sign in to IAM Identity Center. */
  readonly ssoSessions: ReadonlyMap<string, Section>;
  /** Headings of the config file that lack the word `profile`, which AWS ignores. */
  readonly strays: ReadonlyMap<string, Section>;
  readonly files: { readonly config: string; readonly credentials: string };
  /** Reads other files that profiles name. */
  readonly read: ReadText;
}

/** Reads a file: its text, or undefined when there is none. Throws what the system throws otherwise. */
export type ReadText = (path: string) => string | undefined;

/** What the system knows, where a service or a cron job has no HOME: as the SDKs find the files then. */
function systemHome(): string {
  try {
    return process.getBuiltinModule('node:os').userInfo().homedir;
  } catch {
    // A container whose user has no entry.
    return '';
  }
}

/** Paths of the two files, from the variables that SDKs read, `~` and `HOME` resolved. */
export function profileFiles(env: Environment): { config: string; credentials: string } {
  const home = env['HOME'] ?? systemHome();
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
  return text === undefined ? [] : readSections(text, file);
}

/** `profile "my name"` is `my name`: the config file quotes names that have blanks. */
function unquote(name: string): string {
  const match = /^(["'])(.*)\1$/.exec(name);
  return match === null ? name : match[2]!;
}

/** The name in a title that is nothing out of the ordinary, as nearly every one of 10,000 is; else empty. */
function plainName(title: string): string {
  if (title === 'default') return title;
  const name = title.startsWith('profile ') ? title.slice(8) : '';
  return name.includes('"') || name.includes("'") ? '' : name.trim();
}

interface Title {
  readonly kind: 'profile' | 'services' | 'sso-session' | 'stray';
  readonly name: string;
}

function titleOf(title: string): Title {
  const match = /^(profile|services|sso-session)\s+(.+)$/.exec(title);
  if (match === null) return { kind: 'stray', name: title };
  return { kind: match[1] as Title['kind'], name: unquote(match[2]!) };
}

function addSection(sections: Map<string, Section>, name: string, section: Section): void {
  const known = sections.get(name);
  if (known === undefined) sections.set(name, section);
  else known.join(section);
}

/** A `ProfileSet` that is being filled from the files. */
class Sorting {
  readonly profiles = new Map<string, Profile>();
  readonly services = new Map<string, Section>();
  readonly ssoSessions = new Map<string, Section>();
  readonly strays = new Map<string, Section>();
  readonly find: FindProfile;

  constructor(find: FindProfile) {
    this.find = find;
  }

  config(section: Section): void {
    const plain = plainName(section.title);
    if (plain !== '') return this.#profile(plain, section);
    const { kind, name } = titleOf(section.title);
    if (kind === 'profile') this.#profile(name, section);
    else if (kind === 'services') addSection(this.services, name, section);
    else if (kind === 'sso-session') addSection(this.ssoSessions, name, section);
    else addSection(this.strays, name, section);
  }

  #profile(name: string, section: Section): void {
    const known = this.profiles.get(name);
    if (known === undefined) this.profiles.set(name, new Profile(name, section, undefined, this.find));
    else known.addConfig(section);
  }

  credentials(section: Section): void {
    const known = this.profiles.get(section.title);
    if (known !== undefined) known.addCredentials(section);
    else this.profiles.set(section.title, new Profile(section.title, undefined, section, this.find));
  }
}

/**
 * Reads both files; a missing file is an empty one. Sections are read when they are asked for.
 * @throws Failure `config-unreadable`, `config-syntax`.
 */
export function loadProfiles(env: Environment, read: ReadText): ProfileSet {
  const files = profileFiles(env);
  const sorted = new Sorting((name, place) => profileNamed(name, set, place));
  const { profiles, services, ssoSessions, strays } = sorted;
  const set: ProfileSet = { profiles, services, ssoSessions, strays, files, read };
  for (const section of sectionsOf(files.config, read)) sorted.config(section);
  for (const section of sectionsOf(files.credentials, read)) sorted.credentials(section);
  return set;
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
export function profileNamed(name: string, set: ProfileSet, from?: string): Profile {
  const profile = set.profiles.get(name);
  if (profile !== undefined) return profile;
  throw failure('unknown-profile', `${from === undefined ? '' : `${from}: `}there is no profile \`${name}\``, {
    hint: nameCure(name, set.profiles.keys(), set),
  });
}

/** The text of a setting, undefined when absent or empty. */
export function settingOf(profile: Profile | undefined, key: string): string | undefined {
  const value = profile?.settings.get(key)?.value;
  return value === '' ? undefined : value;
}
