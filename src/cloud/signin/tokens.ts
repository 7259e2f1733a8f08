// Sign-in tokens and the console sessions they turn into. SECURITY: only digests are kept; a token serves once.
import { createHash } from 'node:crypto';
import type { Millis, Random } from '../../base/index.ts';
import { tableName, type World } from '../world.ts';

export interface ConsoleSession {
  /** Of the credentials that were handed in. */
  readonly accessKeyId: string;
  /** When the console signs its user out. */
  readonly until: Millis;
}

/** Id: when the entry ends, a space, digest. */
const signinTokens = tableName<ConsoleSession>('signin.token');
const consoleSessions = tableName<ConsoleSession>('signin.session');
type Entries = typeof signinTokens;

/** Both kinds read like this: the end, which finds the row, and the secret. */
function issue(world: World, random: Random, table: Entries, end: Millis, session: ConsoleSession): string {
  const token = Buffer.from(`${String(end).padStart(16, '0')}${Buffer.from(random.bytes(48)).toString('base64')}`);
  world.table(table).put('', rowOf(token), session);
  return token.toString('base64url');
}

function rowOf(token: Buffer): string {
  return `${token.subarray(0, 16).toString('latin1')} ${createHash('sha256').update(token).digest('base64')}`;
}

function find(
  world: World,
  table: Entries,
  text: string,
  now: Millis,
): { id: string; session: ConsoleSession } | undefined {
  const id = rowOf(Buffer.from(text, 'base64url'));
  const session = world.table(table).get('', id);
  return session === undefined || Number(id.slice(0, 16)) <= now ? undefined : { id, session };
}

/** What has ended goes with what is made. */
function forget(world: World, table: Entries, now: Millis): void {
  for (const [id] of world.table(table).list('')) {
    if (Number(id.slice(0, 16)) > now) return;
    world.table(table).delete('', id);
  }
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html */
const tokenMillis = 15 * 60_000;

export function issueSigninToken(world: World, random: Random, now: Millis, session: ConsoleSession): string {
  forget(world, signinTokens, now);
  return issue(world, random, signinTokens, now + tokenMillis, session);
}

/** Takes the token: it cannot serve again. Undefined for one that is used, too old or made up. */
export function spendSigninToken(world: World, text: string, now: Millis): ConsoleSession | undefined {
  const found = find(world, signinTokens, text, now);
  if (found !== undefined) world.table(signinTokens).delete('', found.id);
  return found?.session;
}

export function openConsoleSession(world: World, random: Random, now: Millis, session: ConsoleSession): string {
  forget(world, consoleSessions, now);
  return issue(world, random, consoleSessions, session.until, session);
}

export function consoleSession(world: World, text: string, now: Millis): ConsoleSession | undefined {
  return find(world, consoleSessions, text, now)?.session;
}

export function closeConsoleSession(world: World, text: string, now: Millis): void {
  const found = find(world, consoleSessions, text, now);
  if (found !== undefined) world.table(consoleSessions).delete('', found.id);
}
