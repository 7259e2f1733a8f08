// `stint sso profiles`: shows what would change in ~/.aws/config, and changes it with a backup.
import { isRegion, profileFiles, replaceFile, type SourceTools, type SsoVerbs } from '../assume/index.ts';
import { readText } from './assume-session.ts';
import type { Io } from './command.ts';
import { cliFailure } from './failures.ts';
import { printData, say } from './output.ts';

export interface ProfilesOptions {
  readonly write?: boolean;
  readonly name: string;
  readonly region?: string;
}

interface ProfilesWork {
  readonly sso: SsoVerbs;
  readonly wanted: ReturnType<SsoVerbs['findSession']>;
  readonly tools: SourceTools;
}

/** Replaces the file, durable or not at all, and leaves a copy of what it was. Returns the copy's path, if there was a file. */
function replaceConfig(file: string, before: string | undefined, text: string, stamp: string): string | undefined {
  const fs = process.getBuiltinModule('node:fs');
  const path = process.getBuiltinModule('node:path');
  try {
    // People link the file from elsewhere; the link stays one.
    const real = before === undefined ? file : fs.realpathSync(file);
    fs.mkdirSync(path.dirname(real), { recursive: true, mode: 0o700 });
    const mode = before === undefined ? 0o600 : fs.statSync(real).mode & 0o777;
    if (readText(file) !== before) {
      throw cliFailure('file-unwritable', `\`${file}\` was changed meanwhile`, { hint: 'run it again' });
    }
    const backup = before === undefined ? undefined : `${real}.${stamp}.bak`;
    if (backup !== undefined) fs.copyFileSync(real, backup);
    replaceFile(real, text, { mode, durable: true });
    return backup;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'file-unwritable') throw cause;
    throw cliFailure('file-unwritable', `\`${file}\` cannot be written (${code})`, {
      hint: 'make it and its folder writable for you, or set AWS_CONFIG_FILE',
      cause,
    });
  }
}

function checkRegion(region: string | undefined): void {
  if (region === undefined || isRegion(region)) return;
  throw cliFailure('invalid-option', `\`--region ${region}\` is not a region`, {
    hint: 'regions look like `eu-west-1`',
  });
}

function many(count: number): string {
  return count === 1 ? '1 profile is' : `${count} profiles are`;
}

/** Shows the profiles that are missing, too many or different, and writes them where that is asked for. */
export async function changeProfiles(io: Io, work: ProfilesWork, options: ProfilesOptions): Promise<void> {
  checkRegion(options.region);
  const { sso, wanted, tools } = work;
  const found: Parameters<SsoVerbs['writeProfiles']>[2]['found'][number][] = [];
  for await (const part of sso.listRoles(wanted, tools, io.signal)) {
    if ('account' in part) found.push(part);
  }
  if (found.every(({ roles }) => roles.length === 0)) {
    // An empty list may as well be a fault at AWS: it takes no profile away.
    return say(io, 'no account has a role of yours: nothing is changed');
  }
  const file = profileFiles(io.env).config;
  const before = readText(file);
  const { session } = wanted;
  const change = sso.writeProfiles(before ?? '', file, {
    session,
    found,
    pattern: options.name,
    region: options.region,
  });
  for (const line of change.diff) printData(io, line);
  for (const { name, place } of change.taken)
    say(io, `note: ${place}: profile \`${name}\` is yours and stays as it is`);
  if (change.diff.length === 0) return say(io, `nothing to change: ${many(change.count)} in \`${file}\``);
  if (options.write !== true) return say(io, `hint: \`--write\` puts this into \`${file}\``);
  const stamp = new Date(tools.clock.now()).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const backup = replaceConfig(file, before, change.text, stamp);
  say(io, `${many(change.count)} in \`${file}\`${backup === undefined ? '' : `; what it was is in \`${backup}\``}`);
}
