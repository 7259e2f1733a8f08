// `stint sso …`: signing in to IAM Identity Center and out, its accounts and roles, and profiles of them.
import type { Command } from 'commander';
import { loadProfiles, loadSso, type SsoVerbs } from '../../assume/index.ts';
import { exampleText } from '../assume-verb.ts';
import { openCache, readText, runVerb } from '../assume-session.ts';
import type { Io } from '../command.ts';
import { printData, printJson, say } from '../output.ts';
import { signingInTools, sourceTools } from '../sign-in.ts';
import { changeProfiles, type ProfilesOptions } from '../sso-profiles.ts';

interface SignInOptions {
  readonly deviceCode?: boolean;
  readonly browser?: boolean;
}

function context(io: Io): Parameters<SsoVerbs['allSessions']>[0] {
  return { env: io.env, profiles: loadProfiles(io.env, readText) };
}

const choices = ({ deviceCode = false, browser = true }: SignInOptions) =>
  ({ deviceCode, browser, quiet: false, explain: false }) as const;

async function login(io: Io, name: string | undefined, options: SignInOptions): Promise<void> {
  const sso = await loadSso();
  await sso.signInAnew(sso.findSession(name, context(io)), signingInTools(io, io.env, choices(options)));
}

async function logout(io: Io, name: string | undefined): Promise<void> {
  const sso = await loadSso();
  const all = name === undefined ? sso.allSessions(context(io)) : [sso.findSession(name, context(io))];
  const cache = openCache(io.env);
  let count = 0;
  for (const wanted of all) {
    const out = await sso.signOut(wanted, sourceTools(io, io.env, choices({})));
    const kept = cache?.list().filter((each) => sso.isOfSession(each, wanted.session)) ?? [];
    const forgot = cache?.remove(kept) ?? 0;
    if (!out && forgot === 0) continue;
    count++;
    const roles = forgot === 0 ? '' : `, and ${forgot} kept ${forgot === 1 ? 'session' : 'sessions'} forgotten`;
    say(io, `signed out of \`${wanted.session.startUrl}\`${roles}`);
  }
  if (count === 0) say(io, 'nobody was signed in');
}

/** The stable shape of `--json`. */
interface RoleRow {
  readonly account: string;
  readonly name: string;
  readonly email: string;
  readonly role: string;
}

async function list(
  io: Io,
  name: string | undefined,
  { json = false, ...options }: SignInOptions & { json?: boolean },
): Promise<void> {
  const sso = await loadSso();
  const rows: RoleRow[] = [];
  let width = 0;
  const wanted = sso.findSession(name, context(io));
  for await (const part of sso.listRoles(wanted, sourceTools(io, io.env, choices(options)), io.signal)) {
    if ('accounts' in part) {
      width = Math.max(4, ...part.accounts.map(({ accountName }) => accountName.length));
      if (!json) printData(io, `ACCOUNT       ${'NAME'.padEnd(width)}  ROLE`);
      continue;
    }
    const { accountId, accountName, emailAddress } = part.account;
    for (const role of part.roles) {
      if (json) rows.push({ account: accountId, name: accountName, email: emailAddress, role });
      else printData(io, `${accountId}  ${accountName.padEnd(width)}  ${role}`);
    }
  }
  if (json) printJson(io, { version: 1, roles: rows });
}

function addSignIn(command: Command): Command {
  return command
    .option('--device-code', 'sign in with a code, on any device, even where a browser could be opened')
    .option('--no-browser', 'show the address and open nothing');
}

const target = ['[name]', 'a profile or an [sso-session]; the current profile’s or the only one otherwise'] as const;

function registerLogin(sso: Command, io: Io): void {
  addSignIn(sso.command('login').argument(...target))
    .description('sign in, for Stint, the AWS CLI and every SDK')
    .addHelpText('after', exampleText(['stint sso login', 'stint sso login corp --device-code']))
    .action((name: string | undefined, options: SignInOptions) => runVerb(io, () => login(io, name, options)));
  sso
    .command('logout')
    .argument('[name]', 'a profile or an [sso-session]; all of them otherwise')
    .description('end the sign-in here and at AWS, and forget the sessions had through it')
    .addHelpText('after', exampleText(['stint sso logout', 'stint sso logout corp']))
    .action((name: string | undefined) => runVerb(io, () => logout(io, name)));
}

function registerLists(sso: Command, io: Io): void {
  addSignIn(sso.command('ls').argument(...target))
    .description('list the accounts and roles that are yours')
    .option('--json', 'machine output')
    .addHelpText('after', exampleText(['stint sso ls', 'stint sso ls corp --json']))
    .action((name: string | undefined, options: SignInOptions & { json?: boolean }) =>
      runVerb(io, () => list(io, name, options)),
    );
  addSignIn(sso.command('profiles').argument(...target))
    .description('show the profiles for all accounts and roles, and with --write add them to ~/.aws/config')
    .option('--write', 'write them: a marked block of the file, with a backup; nothing else is touched')
    .option('--name <pattern>', 'their names, with {account}, {id} and {role}', '{account}/{role}')
    .option('--region <region>', 'region of new profiles')
    .addHelpText('after', exampleText(['stint sso profiles', 'stint sso profiles corp --write --region eu-west-1']))
    .action((name: string | undefined, options: SignInOptions & ProfilesOptions) =>
      runVerb(io, async () => {
        const sso = await loadSso();
        const wanted = sso.findSession(name, context(io));
        await changeProfiles(io, { sso, wanted, tools: sourceTools(io, io.env, choices(options)) }, options);
      }),
    );
}

export function register(program: Command, io: Io): void {
  const sso = program
    .command('sso')
    .description('IAM Identity Center: sign in and out, list roles, make profiles of them')
    .addHelpText('after', exampleText(['stint sso login', 'stint sso profiles --write']));
  registerLogin(sso, io);
  registerLists(sso, io);
}
