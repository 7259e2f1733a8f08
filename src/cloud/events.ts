// The log of calls, as CloudTrail would tell them. SECURITY: names and decisions only; never an input,
// an output or a key.
import { isoSeconds, type Millis } from '../base/index.ts';
import type { Verdict } from './authorize.ts';
import { Ring } from './ring.ts';
import type { EndedCall } from './trail-events.ts';

/** What is told of one call. */
export interface CallEvent {
  readonly seq: number;
  /** Emulated time. */
  readonly time: string;
  /** Of the signer; empty for an unsigned call. */
  readonly account: string;
  readonly service: string;
  /** Empty when the request named none. */
  readonly operation: string;
  readonly principalArn: string | null;
  /** The first resource that the call needed a permission for. */
  readonly resource: string | null;
  /** `null`: the call ended before anything was decided. */
  readonly decision: 'allow' | 'deny' | null;
  readonly errorCode: string | null;
  readonly explainId: string | null;
  readonly requestId: string;
  /** The id of the fault that struck the call. */
  readonly faultId: string | null;
  /** When authorization sees what the call wrote, by the emulated clock; `null`: at once, or nothing was written. */
  readonly visibleAt: string | null;
}

/** What became of a call beside its answer. */
interface Marks extends Pick<Verdict, 'decision' | 'explainId'> {
  readonly faultId: string | undefined;
  readonly visibleAt: Millis | undefined;
}

/** A call to a service as the log tells of it. */
export function callEvent(call: EndedCall, marks: Marks): Omit<CallEvent, 'seq' | 'time'> {
  const { route, principal, permission, error } = call;
  return {
    account: call.credential?.account ?? '',
    service: route.service ?? route.signingName,
    operation: route.operation ?? '',
    principalArn: 'arn' in principal ? principal.arn : null,
    resource: permission?.resource ?? null,
    decision: marks.decision ?? null,
    errorCode: error?.code ?? null,
    explainId: marks.explainId ?? null,
    requestId: call.requestId,
    faultId: marks.faultId ?? null,
    visibleAt: marks.visibleAt === undefined ? null : isoSeconds(marks.visibleAt),
  };
}

/** Events kept; older ones are forgotten. 10,000 of them hold some 4 MB. */
const kept = 10_000;
/** Events of one answer. */
const mostPerAnswer = 1000;

export class Events {
  readonly #ring = new Ring<CallEvent>(kept);

  record(at: Millis, event: Omit<CallEvent, 'seq' | 'time'>): void {
    this.#ring.push({ seq: this.#ring.next, time: isoSeconds(at), ...event });
  }

  /** Events after `after`, oldest first; `next` is the `after` of the following page, also when this one is empty. */
  page(after: number, limit: number = mostPerAnswer): { readonly events: readonly CallEvent[]; readonly next: number } {
    const events = this.#ring.after(after, Math.min(limit, mostPerAnswer));
    return { events, next: events.at(-1)?.seq ?? Math.min(after, this.#ring.next - 1) };
  }

  clear(): void {
    this.#ring.clear();
  }
}
