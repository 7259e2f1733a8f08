// What the page says about a lease, and what can be done with it. Pure.
import type { WireLease } from '../../src/broker/http/wire.ts';
import { span } from './time.ts';

export type LeaseState = WireLease['state'];
export type Tone = 'bad' | 'busy' | 'good' | 'over';

interface StateText {
  readonly tone: Tone;
  readonly text: string;
}

export const stateTexts: Readonly<Record<LeaseState, StateText>> = {
  granting: { tone: 'busy', text: 'The credentials are being made.' },
  active: { tone: 'good', text: 'The credentials work.' },
  revoking: { tone: 'busy', text: 'AWS is asked to end the credentials.' },
  unverified: { tone: 'busy', text: 'It is ended, but not proved yet: the credentials may still work.' },
  stuck: {
    tone: 'bad',
    text: 'It could not be ended so far: the credentials may still work. The server goes on trying.',
  },
  dead: { tone: 'over', text: 'Ended and proved: AWS refuses the credentials.' },
  expired: { tone: 'over', text: 'The session ran out by itself.' },
};

export const strengthTexts: Readonly<Record<WireLease['strength'], string>> = {
  deletes: 'its IAM user is deleted',
  denies: 'its session is denied',
  expires: 'only time ends it',
};

export interface Filter {
  readonly name: string;
  /** Empty: every state. */
  readonly states: readonly LeaseState[];
}

const notEnded: readonly LeaseState[] = ['stuck', 'granting', 'active', 'revoking', 'unverified'];

/** The first is the one that a page begins with. */
export const filters: readonly Filter[] = [
  { name: 'not ended', states: notEnded },
  ...notEnded.map((state) => ({ name: state, states: [state] })),
  { name: 'ended', states: ['dead', 'expired'] },
  { name: 'all', states: [] },
];

const rank: Readonly<Record<LeaseState, number>> = {
  stuck: 0,
  revoking: 1,
  unverified: 1,
  granting: 1,
  active: 1,
  dead: 2,
  expired: 2,
};

/** Stuck ones first, then the next to end; what has ended comes last, the latest first. No lease twice. */
export function inReadingOrder(leases: readonly WireLease[]): readonly WireLease[] {
  const once = [...new Map(leases.map((lease) => [lease.id, lease])).values()];
  return once.sort((a, b) => rank[a.state] - rank[b.state] || byEnd(a, b) || (a.id < b.id ? -1 : 1));
}

function byEnd(a: WireLease, b: WireLease): number {
  const difference = Date.parse(a.expires_at) - Date.parse(b.expires_at);
  return rank[a.state] === 2 ? -difference : difference;
}

/** `IAM user vault-…`, or the session and its role. */
export function thingText({ kind, aws }: Pick<WireLease, 'kind' | 'aws'>): string {
  if (aws.user !== null) return `IAM user ${aws.user}`;
  const session = aws.session === null ? 'session' : `session ${aws.session}`;
  return aws.role_arn === null ? `${session} (${kind})` : `${session} of ${aws.role_arn}`;
}

export interface Actions {
  readonly renew: boolean;
  readonly revoke: boolean;
  readonly retry: boolean;
}

/** What makes sense to ask for; whether the token may is the server's to say. */
export function actionsOf({ state, renewable, strength }: WireLease): Actions {
  return {
    renew: state === 'active' && renewable,
    revoke: state === 'active' || state === 'granting',
    retry: strength !== 'expires' && (state === 'stuck' || state === 'revoking' || state === 'unverified'),
  };
}

/** What a revoke will do, said before it is done. */
export function revokeTexts(lease: WireLease, now: number): readonly string[] {
  const { state, strength, expires_at } = lease;
  if (state === 'granting') return ['The grant is broken off, and whatever it made in AWS so far is removed.'];
  const thing = thingText(lease);
  if (strength === 'deletes') {
    return [`Deletes the ${thing} with its keys.`, 'Whoever uses them is refused from then on. It cannot be undone.'];
  }
  if (strength === 'denies') {
    return [
      `Denies the ${thing}: AWS refuses everything it asks from then on. It cannot be undone.`,
      'Other sessions of that role go on.',
    ];
  }
  return [
    `AWS cannot end the ${thing} before its time: the credentials go on working for ${span(Date.parse(expires_at) - now)}.`,
    'Clients are told that the lease is gone, and it is shown here as unverified until its time is over.',
  ];
}

/** What came of a revoke or a retry. */
export function endedText({ state, last_error }: Pick<WireLease, 'state' | 'last_error'>): string {
  const { text } = stateTexts[state];
  return last_error === null ? text : `${text} Last error: ${last_error}`;
}

/** `3 stuck`; empty when none is. The server counts no further than 10,000. */
export function stuckText(count: number): string {
  if (count === 0) return '';
  return count >= 10_000 ? '10,000 or more stuck' : `${count} stuck`;
}
