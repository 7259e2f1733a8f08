// What CloudTrail keeps of calls: management events of every account and region, the newest of them.
// SECURITY: parameters and answers come in here already shown by `trail-parameters.ts`, which leaves
// secrets out; nothing that signs is kept.
import type { Millis } from '../base/index.ts';
import type { Principal } from '../policy/index.ts';
import type { ServiceId } from './call.ts';
import type { Session } from './credential.ts';

/** What is known of the caller's temporary credentials. */
export type TrailSession = Pick<Session, 'issuedAt' | 'mfaAt' | 'sourceIdentity' | 'instanceId' | 'federatedProvider'>;

/** One call as one account may see it. */
export interface TrailEvent {
  readonly id: string;
  /** Emulated. */
  readonly at: Millis;
  /** The account whose history it is in. */
  readonly account: string;
  readonly region: string;
  readonly service: ServiceId;
  readonly operation: string;
  readonly requestId: string;
  readonly principal: Principal;
  readonly accessKeyId?: string | undefined;
  readonly session?: TrailSession | undefined;
  readonly sourceIp: string;
  readonly userAgent: string;
  readonly host: string;
  readonly secure: boolean;
  /** The first resource that the call needed a permission for, and whose it is. */
  readonly resource?: { readonly arn: string; readonly account: string } | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  readonly parameters: object | null;
  readonly answer: object | null;
  /** The id that a call of one account on a resource of another has in both histories. */
  readonly sharedId?: string | undefined;
}

/** Events kept over all accounts; older ones are forgotten. */
const kept = 10_000;

/** The newest events, in one history per account and region. */
export class Trail {
  readonly #histories = new Map<string, TrailEvent[]>();
  /** The history of each kept event, oldest first. */
  readonly #order: TrailEvent[][] = [];

  record(event: TrailEvent): void {
    const place = `${event.account}/${event.region}`;
    let history = this.#histories.get(place);
    if (history === undefined) this.#histories.set(place, (history = []));
    history.push(event);
    this.#order.push(history);
    // A history is in the order of its events, so its first is the oldest of all.
    if (this.#order.length > kept) this.#order.shift()!.shift();
  }

  /** Newest first, in the order in which calls ended. Cost does not grow with other histories. */
  *newest(account: string, region: string): Generator<TrailEvent> {
    const history = this.#histories.get(`${account}/${region}`) ?? [];
    for (let index = history.length - 1; index >= 0; index--) yield history[index]!;
  }

  clear(): void {
    this.#histories.clear();
    this.#order.length = 0;
  }
}
