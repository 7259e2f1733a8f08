// Leases as people read them: page by page, those that are stuck first, filtered by state and text. However
// many leases there are, one page looks at a bounded number of them and says where the next goes on.
import { brokerFailure } from './failures.ts';
import { sections, type Ledger, type Section } from './ledger.ts';
import type { Lease, LeaseState } from './model.ts';

/** Leases that one page looks at: about 0.1 s of work, between which others are served. */
const looksAtMost = 5000;
const chunk = 250;

export interface LeasePageAsk {
  /** What ids begin with: empty, or closed by `/`. */
  readonly prefix: string;
  /** Undefined: every state. */
  readonly states: ReadonlySet<LeaseState> | undefined;
  /** What a lease's id, names or last error hold, in any case; empty: no filter. */
  readonly text: string;
  readonly limit: number;
  /** `next` of the page before. */
  readonly after: string | undefined;
}

export interface LeasePage {
  readonly leases: readonly Lease[];
  /** Null when nothing follows. A page may be short, even empty, and have a next. */
  readonly next: string | null;
  readonly lookedAt: number;
}

interface Place {
  readonly section: Section;
  /** Of the last lease looked at; empty before the first. */
  readonly id: string;
}

/** Where leases of a state may lie. */
const places: Readonly<Record<LeaseState, readonly Section[]>> = {
  stuck: ['stuck'],
  granting: ['granting'],
  active: ['live'],
  revoking: ['live', 'ending'],
  unverified: ['ending'],
  dead: ['past'],
  expired: ['past'],
};

/** True for the name of a state. */
export function isLeaseState(text: string): text is LeaseState {
  return Object.hasOwn(places, text);
}

/** One page. @throws Failure `bad-request` when `after` is no place below the prefix. */
export async function leasePage(ledger: Pick<Ledger, 'section'>, ask: LeasePageAsk): Promise<LeasePage> {
  const { prefix, limit } = ask;
  const shown: { readonly lease: Lease; readonly place: Place }[] = [];
  const matches = matcher(ask);
  let lookedAt = 0;
  for (let place = firstPlace(ask); place !== undefined;) {
    const { section } = place;
    const part = await ledger.section(section, prefix, place.id, chunk);
    for (const lease of part.leases) {
      lookedAt++;
      if (isOf(lease, section) && matches(lease)) shown.push({ lease, place: { section, id: lease.id } });
    }
    place = part.last === undefined ? nextSection(ask, section) : { section, id: part.last };
    // One more than is shown tells whether anything follows.
    if (shown.length > limit) place = shown[limit - 1]!.place;
    else if (place !== undefined && lookedAt < looksAtMost) continue;
    const leases = shown.slice(0, limit).map(({ lease }) => lease);
    return { leases, next: place === undefined ? null : placeText(place), lookedAt };
  }
  return { leases: [], next: null, lookedAt };
}

// A stuck lease lies on a shelf as well, where it is passed over.
function isOf({ state }: Lease, section: Section): boolean {
  return (state === 'stuck') === (section === 'stuck');
}

function matcher({ states, text }: LeasePageAsk): (lease: Lease) => boolean {
  const wanted = text.toLowerCase();
  return (lease) =>
    (states === undefined || states.has(lease.state)) &&
    (wanted === '' || textsOf(lease).some((one) => one.toLowerCase().includes(wanted)));
}

function textsOf({ id, kind, displayName, lastError, facts }: Lease): readonly string[] {
  const { userName = '', sessionName = '', roleArn = '', account = '', accessKeyId = '' } = facts;
  return [id, kind, displayName, lastError ?? '', userName, sessionName, roleArn, account, accessKeyId];
}

function sectionsOf({ states }: LeasePageAsk): readonly Section[] {
  if (states === undefined) return sections;
  const wanted = new Set([...states].flatMap((state) => places[state]));
  return sections.filter((section) => wanted.has(section));
}

function firstPlace(ask: LeasePageAsk): Place | undefined {
  if (ask.after !== undefined) return placeOf(ask.after, ask);
  const [section] = sectionsOf(ask);
  return section === undefined ? undefined : { section, id: '' };
}

function nextSection(ask: LeasePageAsk, section: Section): Place | undefined {
  const all = sectionsOf(ask);
  const next = all[all.indexOf(section) + 1];
  return next === undefined ? undefined : { section: next, id: '' };
}

function placeText({ section, id }: Place): string {
  return `${section}:${id}`;
}

// SECURITY: reading goes on behind the place, so one before the prefix would show leases that are not below it.
function placeOf(text: string, ask: LeasePageAsk): Place {
  const at = text.indexOf(':');
  const section = sectionsOf(ask).find((one) => one === text.slice(0, at));
  const id = text.slice(at + 1);
  if (section !== undefined && (id === '' || id.startsWith(ask.prefix)) && /^[\x20-\x7e]{0,900}$/.test(id)) {
    return { section, id };
  }
  throw brokerFailure('bad-request', '`after` is no place in these leases', {
    hint: 'give `next` of the page before, with the same path and filter',
  });
}
