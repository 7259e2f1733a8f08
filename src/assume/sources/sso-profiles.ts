// Profiles for all accounts and roles of a session, as a block of the config file between two marks. Pure: texts in,
// texts out. Nothing outside the marks is changed, and what people add to a profile inside stays.
import { nearestName } from '../../base/index.ts';
import { failure } from '../failures.ts';
import { parseIni } from '../ini.ts';
import type { SsoSession } from '../model.ts';
import type { SsoAccountRoles } from './sso-accounts.ts';

export interface ProfilesWanted {
  readonly session: SsoSession;
  readonly found: readonly SsoAccountRoles[];
  /** Name of a profile, with `{account}`, `{id}` and `{role}`. */
  readonly pattern: string;
  /** For new profiles; people's own stay. */
  readonly region?: string | undefined;
}

export interface ProfilesChange {
  /** The whole file as it would be. */
  readonly text: string;
  /** Lines with `+`, `-` or a blank before them, without what stays as it is; empty when nothing changes. */
  readonly diff: readonly string[];
  /** Profiles of the same names that are not ours: `file:line`. They stay, and ours are left out. */
  readonly taken: readonly { readonly name: string; readonly place: string }[];
  readonly count: number;
}

const ownKeys = /^(?:sso_session|sso_account_id|sso_role_name|sso_start_url|sso_region)\s*=/;

function marks({ name, startUrl }: SsoSession): { readonly begin: string; readonly end: string } {
  const label = name ?? startUrl;
  return {
    begin: `# >>> stint sso profiles ${label} >>> written by \`stint sso profiles --write\`; settings you add to a profile stay`,
    end: `# <<< stint sso profiles ${label} <<<`,
  };
}

interface Parts {
  readonly before: string;
  readonly block: readonly string[] | undefined;
  readonly after: string;
}

/** The file around the block of the session. @throws Failure `config-syntax` for a mark without its other. */
function partsOf(text: string, session: SsoSession, file: string): Parts {
  const label = session.name ?? session.startUrl;
  const lines = text.split('\n');
  const at = (mark: string): number => lines.findIndex((line) => line.startsWith(mark));
  const [begin, end] = [at(`# >>> stint sso profiles ${label} >>>`), at(`# <<< stint sso profiles ${label} <<<`)];
  if (begin === -1 && end === -1) return { before: text, block: undefined, after: '' };
  if (begin === -1 || end < begin) {
    throw failure(
      'config-syntax',
      `${file}:${(begin === -1 ? end : begin) + 1}: a mark of stint's profiles lacks its other`,
      {
        hint: 'remove the line, and the profiles that stint wrote; `stint sso profiles` makes them anew',
      },
    );
  }
  return {
    before: lines
      .slice(0, begin)
      .map((line) => `${line}\n`)
      .join(''),
    block: lines.slice(begin + 1, end),
    after: lines.slice(end + 1).join('\n'),
  };
}

/** Profiles of a block by heading: their lines. */
function sectionsOf(block: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const sections = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of block) {
    const heading = /^\[profile (.+)\]\s*$/.exec(line)?.[1];
    if (heading !== undefined) sections.set(heading, (current = []));
    else if (line.trim() !== '') current?.push(line);
  }
  return sections;
}

/** A name that the config file, shells and paths bear. */
function plain(text: string): string {
  return (
    text
      .trim()
      .replace(/[^\p{L}\p{N}._@+=-]+/gu, '-')
      .replace(/^-+|-+$/g, '') || 'account'
  );
}

interface Named {
  readonly name: string;
  readonly accountId: string;
  readonly role: string;
}

function namesOf({ found, pattern }: ProfilesWanted): readonly Named[] {
  const counts = new Map<string, number>();
  for (const { account } of found) {
    const name = plain(account.accountName);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return found.flatMap(({ account: { accountId, accountName }, roles }) => {
    const name = plain(accountName);
    const account = counts.get(name)! > 1 ? `${name}-${accountId}` : name;
    return roles.map((role) => {
      const values: Readonly<Record<string, string>> = { account, id: accountId, role };
      return { name: pattern.replace(/\{(account|id|role)\}/g, (_, key: string) => values[key]!), accountId, role };
    });
  });
}

/** @throws Failure `invalid-option`. */
function checkPattern(pattern: string, names: readonly Named[]): void {
  const odd = /\{(?!(?:account|id|role)\})([^}]*)\}?/.exec(pattern);
  if (odd !== null) {
    const near = nearestName(odd[1] ?? '', ['account', 'id', 'role']);
    throw failure('invalid-option', `\`--name\` does not know \`${odd[0]}\``, {
      hint: near === undefined ? 'it knows {account}, {id} and {role}' : `did you mean \`{${near}}\`?`,
    });
  }
  if (!/^[\p{L}\p{N}._@+=/{}-]+$/u.test(pattern))
    throw failure('invalid-option', `\`--name\` does not take \`${pattern}\``, {
      hint: 'letters, digits and any of `._@+=/-`, with {account}, {id} and {role}',
    });
  const twice = names.find(({ name }, index) => names.findIndex((other) => other.name === name) !== index);
  if (twice === undefined) return;
  throw failure('invalid-option', `\`--name ${pattern}\` gives two profiles the name \`${twice.name}\``, {
    hint: 'use {account} or {id}, and {role}',
  });
}

function profileLines(wanted: ProfilesWanted, named: Named, before: readonly string[] | undefined): readonly string[] {
  const { session, region } = wanted;
  const where =
    session.name === undefined
      ? [`sso_start_url = ${session.startUrl}`, `sso_region = ${session.region}`]
      : [`sso_session = ${session.name}`];
  const kept = (before ?? []).filter((line) => !ownKeys.test(line));
  const regions = region === undefined || kept.some((line) => /^region\s*=/.test(line)) ? [] : [`region = ${region}`];
  return [...where, `sso_account_id = ${named.accountId}`, `sso_role_name = ${named.role}`, ...regions, ...kept];
}

function diffOf(
  before: ReadonlyMap<string, readonly string[]>,
  after: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const lines: string[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(name), after.get(name)];
    if (old?.join('\n') === now?.join('\n')) continue;
    lines.push(`${old === undefined ? '+' : now === undefined ? '-' : ' '}[profile ${name}]`);
    for (const line of old ?? []) lines.push(`${now?.includes(line) === true ? ' ' : '-'}${line}`);
    for (const line of now ?? []) if (old?.includes(line) !== true) lines.push(`+${line}`);
  }
  return lines;
}

/** Names of profiles outside the block, with their places. */
function others(parts: Parts, file: string): ReadonlyMap<string, string> {
  // Blank lines keep the places of what follows the block.
  const gap = parts.block === undefined ? '' : '\n'.repeat(parts.block.length + 2);
  const sections = parseIni(`${parts.before}${gap}${parts.after}`, file);
  const title = (text: string): string => text.replace(/^profile\s+/, '').replace(/^(["'])(.*)\1$/, '$2');
  return new Map(sections.map((section) => [title(section.title), section.place]));
}

/**
 * The config file with the profiles of everything that was found.
 * @throws Failure `invalid-option` for a pattern, `config-syntax` for a file that cannot be read.
 */
export function writeProfiles(text: string, file: string, wanted: ProfilesWanted): ProfilesChange {
  const names = namesOf(wanted);
  checkPattern(wanted.pattern, names);
  const parts = partsOf(text, wanted.session, file);
  const foreign = others(parts, file);
  const before = sectionsOf(parts.block ?? []);
  const taken = names.flatMap(({ name }) => {
    const place = foreign.get(name);
    return place === undefined ? [] : [{ name, place }];
  });
  const after = new Map(
    names
      .filter(({ name }) => !foreign.has(name))
      .map((named) => [named.name, profileLines(wanted, named, before.get(named.name))]),
  );
  const diff = diffOf(before, after);
  if (diff.length === 0) return { text, diff, taken, count: after.size };
  const { begin, end } = marks(wanted.session);
  const sections = [...after].map(([name, lines]) => `[profile ${name}]\n${lines.map((line) => `${line}\n`).join('')}`);
  const block = `${begin}\n${sections.join('\n')}${end}\n`;
  const gap = parts.block === undefined && parts.before !== '' ? (parts.before.endsWith('\n') ? '\n' : '\n\n') : '';
  return { text: `${parts.before}${gap}${block}${parts.after}`, diff, taken, count: after.size };
}
