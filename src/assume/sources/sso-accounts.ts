// The accounts and roles of a person in IAM Identity Center, given as they come: hundreds of accounts take a call each.
import type { Clock, Millis } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { SsoSession } from '../model.ts';
import type { SourceTools } from './source.ts';
import { portalPage, type Page } from './sso-portal.ts';
import { callTools, type TokenWanted } from './sso-token.ts';
import { withToken } from './sso.ts';

export interface SsoAccount {
  readonly accountId: string;
  /** What the account is called in the organization, in letters that can be printed. */
  readonly accountName: string;
  readonly emailAddress: string;
}

export interface SsoAccountRoles {
  readonly account: SsoAccount;
  /** In alphabetical order. */
  readonly roles: readonly string[];
}

/** AWS answers 20 of these calls a second, and throttles beyond. */
const perSecond = 20;
/** Calls under way at once: one takes a fraction of a second, so that is what it takes to make 20 of them. */
const atOnce = 8;

/** Lets calls go at a pace, however many want to. */
class Pace {
  readonly #clock: Clock;
  readonly #wait: (millis: Millis) => Promise<void>;
  #next: Millis = 0;

  constructor({ clock, wait }: Pick<SourceTools, 'clock' | 'wait'>) {
    this.#clock = clock;
    this.#wait = wait;
  }

  async turn(): Promise<void> {
    const now = this.#clock.now();
    const mine = Math.max(now, this.#next);
    this.#next = mine + 1000 / perSecond;
    if (mine > now) await this.#wait(mine - now);
  }
}

interface Listing {
  readonly wanted: TokenWanted;
  readonly tools: SourceTools;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

async function allPages<Item>(
  { wanted, tools, pace, signal }: Listing,
  path: string,
  query: Readonly<Record<string, string>>,
  read: (item: Readonly<Record<string, unknown>>) => Item | undefined,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  const seen = new Set<string>();
  for (let next: string | undefined; ;) {
    await pace.turn();
    const page = await withToken(wanted, tools, (token): Promise<Page | 'token-refused'> =>
      portalPage(wanted.session, token, { path, query, next }, { ...callTools(tools), signal }),
    );
    items.push(...page.items.flatMap((item) => read(item) ?? []));
    if (page.next === undefined) return items;
    if (seen.has(page.next)) throw endless(wanted.session);
    seen.add(page.next);
    next = page.next;
  }
}

function endless({ portalUrl }: SsoSession): Error {
  return failure('sso-failed', `\`${portalUrl}\` gives the same page of a list again and again`, {
    hint: 'check AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_SSO',
  });
}

/** SECURITY: names come from the network and go to a terminal and into files of lines. */
function printable(value: unknown): string {
  return typeof value === 'string' ? value.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?').trim() : '';
}

function readAccount(item: Readonly<Record<string, unknown>>): SsoAccount | undefined {
  const accountId = item['accountId'];
  if (typeof accountId !== 'string' || !/^\d{12}$/.test(accountId)) return undefined;
  const accountName = printable(item['accountName']) || accountId;
  return { accountId, accountName, emailAddress: printable(item['emailAddress']) };
}

/** Names of permission sets have these letters and no others. */
function readRole(item: Readonly<Record<string, unknown>>): string | undefined {
  const name = item['roleName'];
  return typeof name === 'string' && /^[\w+=,.@-]{1,64}$/.test(name) ? name : undefined;
}

/** The person's accounts, by name and then id. @throws Failure as `ssoToken`, and `sso-refused`. */
async function listAccounts(listing: Listing): Promise<readonly SsoAccount[]> {
  const accounts = await allPages(listing, '/assignment/accounts', {}, readAccount);
  const order = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
  return [...accounts].sort(
    (one, other) => order(one.accountName, other.accountName) || order(one.accountId, other.accountId),
  );
}

/** What is given first, then account by account. */
export type ListedRoles = { readonly accounts: readonly SsoAccount[] } | SsoAccountRoles;

/**
 * All accounts, then the roles of each in the same order, as they come, until `signal` aborts.
 * @throws Failure as `ssoToken`, and `sso-refused`, `interrupted`.
 */
export async function* listRoles(
  wanted: TokenWanted,
  tools: SourceTools,
  signal: AbortSignal,
): AsyncGenerator<ListedRoles> {
  const listing = { wanted, tools, signal, pace: new Pace(tools) };
  const accounts = await listAccounts(listing);
  yield { accounts };
  const rolesOf = async (account: SsoAccount): Promise<SsoAccountRoles> => {
    const roles = await allPages(listing, '/assignment/roles', { account_id: account.accountId }, readRole);
    return { account, roles: [...roles].sort() };
  };
  const underWay: Promise<SsoAccountRoles>[] = [];
  let started = 0;
  const start = (): void => {
    const account = accounts[started++];
    if (account === undefined) return;
    const asked = rolesOf(account);
    // One that fails is told of when its turn has come.
    asked.catch(() => undefined);
    underWay.push(asked);
  };
  while (started < Math.min(atOnce, accounts.length)) start();
  for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) {
    const found = await next;
    start();
    yield found;
  }
}
