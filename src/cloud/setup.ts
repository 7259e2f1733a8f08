// The start state: organisation, accounts, keys and control token. It is made once per state, so that the
// same credentials stay valid over restarts and resets.
import { createCipheriv, hkdfSync } from 'node:crypto';
import {
  type AdjustableClock,
  canonicalJson,
  randomText,
  Secret,
  type Clock,
  type Millis,
  type Random,
} from '../base/index.ts';
import { cloudFailure } from './failures.ts';
import type { Organization } from './organization.ts';
import { defaultQuotas } from './quotas.ts';
import { seedAccount } from './services/iam/seed.ts';
import { accountRows } from './services/organizations/model.ts';
import { seedOrganization } from './services/organizations/seed.ts';
import type { State } from './state.ts';
import { tableName, type AccountInfo, type AccountKeys, type World } from './world.ts';

/** What is remembered of the start. */
export interface Setup {
  readonly organization: Organization;
  readonly partition: string;
  readonly controlToken: Secret;
  /** What ids and keys of the start state are drawn from: the same seed makes the same ones again. */
  readonly seed: Secret;
  /** By account id. */
  readonly keys: Readonly<Record<string, AccountKeys>>;
}

interface ClockPlace {
  readonly now: Millis;
  /** Wall time when `now` was it. */
  readonly wall: Millis;
  readonly frozen: boolean;
}

const setups = tableName<Setup>('control.setup');
const clockPlaces = tableName<ClockPlace>('control.clock');
const only = 'only';

export interface SetupOptions {
  /** Absent: that of the state, else `fallback`. */
  readonly organization?: Organization | undefined;
  readonly fallback: Organization;
  readonly region: string;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * The setup of `state`: the one it remembers, extended by accounts that are new in the organisation file; or a new one.
 * @throws Failure `organization-mismatch`.
 */
export async function setUp(state: State, options: SetupOptions): Promise<Setup> {
  const known = state.table(setups).get('', only);
  const setup = known === undefined ? newSetup(options) : extended(known, options);
  const added = setup.organization.accounts.filter(({ id }) => setup.keys[id] === undefined);
  const filed = changedAccounts(state, known?.organization, setup.organization);
  refuseTakenNumbers(state, added);
  const isKnown = known !== undefined && canonicalJson(known) === canonicalJson(setup);
  if (isKnown && added.length === 0 && filed.length === 0) return setup;
  return await state.transaction(() => seed(state, setup, options, { added, filed }));
}

/** Back to the start state, with the keys of `setup`. Everything but the setup goes; `alongside` runs in the same transaction. */
export async function resetState(
  state: State,
  setup: Setup,
  options: SetupOptions,
  alongside: () => void,
): Promise<void> {
  await state.transaction(() => {
    alongside();
    state.clear();
    const { accounts } = setup.organization;
    seed(state, setup, options, { added: accounts, filed: accounts });
  });
}

/** Accounts that the file describes otherwise than before, or that the state has no row of. */
function changedAccounts(state: State, before: Organization | undefined, now: Organization): readonly AccountInfo[] {
  const known = new Map(before?.accounts.map((account) => [account.id, canonicalJson(account)]));
  const rows = state.table(accountRows);
  return now.accounts.filter(
    (account) => known.get(account.id) !== canonicalJson(account) || rows.get('', account.id) === undefined,
  );
}

function refuseTakenNumbers(state: State, added: readonly AccountInfo[]): void {
  const taken = added.find(({ id }) => state.table(accountRows).get('', id) !== undefined);
  if (taken !== undefined) throw mismatch(`its account \`${taken.id}\` was made by CreateAccount`);
}

interface Seeding {
  /** Accounts that are empty. */
  readonly added: readonly AccountInfo[];
  /** Accounts whose place and name the file decides now. */
  readonly filed: readonly AccountInfo[];
}

/** Fills the accounts; the setup with their keys is kept in the same transaction. */
function seed(state: State, setup: Setup, options: SetupOptions, { added, filed }: Seeding): Setup {
  const world = worldOf(state, setup, options.region);
  const { clock } = options;
  seedOrganization(world, filed);
  const keys = added.map((account): readonly [string, AccountKeys] => [
    account.id,
    seedAccount(world, account, { clock, random: seededRandom(setup.seed, account.id) }),
  ]);
  const complete = { ...setup, keys: { ...setup.keys, ...Object.fromEntries(keys) } };
  state.table(setups).put('', only, complete);
  return complete;
}

/** Bytes that look random to whoever has not the seed, and are the same for the same seed and account. */
function seededRandom(seed: Secret, account: string): Random {
  const key = hkdfSync('sha256', seed.reveal(), '', `account ${account}`, 32);
  const stream = createCipheriv('aes-256-ctr', new Uint8Array(key), Buffer.alloc(16));
  return { bytes: (length) => stream.update(Buffer.alloc(length)) };
}

function newSetup({ organization, fallback, region, random }: SetupOptions): Setup {
  return {
    organization: organization ?? fallback,
    partition: partitionOf(region),
    controlToken: new Secret(randomText(random, 40)),
    seed: new Secret(randomText(random, 43)),
    keys: {},
  };
}

function extended(known: Setup, { organization, region }: SetupOptions): Setup {
  if (partitionOf(region) !== known.partition) {
    throw mismatch(`its ARNs are of partition \`${known.partition}\`, which \`${region}\` is not in`);
  }
  if (organization === undefined) return known;
  const before = known.organization;
  if (before.id !== organization.id) throw mismatch(`it holds organisation \`${before.id}\``);
  if (before.management !== organization.management)
    throw mismatch(`its management account is \`${before.management}\``);
  const wanted = new Set(organization.accounts.map(({ id }) => id));
  const gone = before.accounts.find(({ id }) => !wanted.has(id));
  if (gone !== undefined) throw mismatch(`it holds the account \`${gone.id}\`, which the file leaves out`);
  return { ...known, organization };
}

function mismatch(reason: string): Error {
  return cloudFailure('organization-mismatch', `the state directory does not fit: ${reason}`, {
    hint: 'accounts may be added to the file, nothing else; or start with an empty --state directory',
  });
}

/** `aws`, `aws-us-gov` or `aws-cn`, by the region's name. */
function partitionOf(region: string): string {
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  return region.startsWith('cn-') ? 'aws-cn' : 'aws';
}

/** The world that services see: the tables of `state`, and what the setup says of organisation and quotas. */
export function worldOf(state: State, setup: Setup, region: string, seen?: Tables): World {
  const world = worldOver(state, setup, region);
  return { ...world, seen: seen === undefined ? world : worldOver(seen, setup, region) };
}

type Tables = Pick<World, 'table'>;

function worldOver(tables: Tables, setup: Setup, region: string): World {
  const { organization, partition } = setup;
  const rows = tables.table(accountRows);
  return {
    organizationId: organization.id,
    managementAccount: organization.management,
    partition,
    region,
    quotas: { ...defaultQuotas, ...organization.quotas },
    accounts: () => Array.from(rows.list(''), ([, row]) => row),
    account: (id) => rows.get('', id),
    table: (name) => tables.table(name),
    get seen() {
      return this;
    },
  };
}

/** Sets `clock` to where it was when the state was last used: a session that had ended stays so. */
export function restoreClock(state: State, clock: AdjustableClock, wall: Clock): void {
  const place = state.table(clockPlaces).get('', only);
  if (place === undefined) return;
  if (place.frozen) clock.freeze(true);
  clock.set(place.frozen ? place.now : place.now + (wall.now() - place.wall));
}

/** Keeps the clock's place; call it after every move. */
export async function saveClock(state: State, clock: AdjustableClock, wall: Clock): Promise<void> {
  const place: ClockPlace = { now: clock.now(), wall: wall.now(), frozen: clock.frozen };
  await state.transaction(() => state.table(clockPlaces).put('', only, place));
}
