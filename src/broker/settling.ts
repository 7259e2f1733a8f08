// Carries out the end of a lease: claim, remove, probe, record. Any number may be asked for at once; what
// one account's AWS bears at a time is kept by a lane for each mount and account.
import { isFailure, type Clock } from '../base/index.ts';
import type { Folder, Engine } from './engines/engine.ts';
import { Lanes, type LaneReport } from './lanes.ts';
import { asksForAct, type LeaseEvent } from './leases.ts';
import type { Applied, Ledger } from './ledger.ts';
import type { Log } from './log.ts';
import type { Lease } from './model.ts';
import type { Mounts } from './mounts.ts';

/** How long one node may act on a lease before another takes over. */
export const claimMillis = 2 * 60_000;
/** A removal is about ten calls of AWS, one after the other. */
const laneRules = { atOnce: 48, perSecond: 2000 };

export interface SettlingParts {
  readonly ledger: Ledger;
  readonly mounts: Mounts;
  readonly clock: Clock;
  readonly log: Log;
}

export class Settling {
  readonly #parts: SettlingParts;
  readonly #lanes = new Lanes(laneRules);
  /** Work under way in this process, so that a request and the sweeper join instead of doing it twice. */
  readonly #underWay = new Map<string, Promise<Lease | undefined>>();

  constructor(parts: SettlingParts) {
    this.#parts = parts;
  }

  /**
   * Records `first`, does what the lease then asks for (remove, read back, probe) and records the outcome.
   * Failures of AWS are recorded in the lease and the sweeper tries again. Undefined when unknown.
   * @throws Failure `storage-failed` when the end could not be recorded; what AWS allows was done all the same.
   */
  settle(id: string, ...first: readonly LeaseEvent[]): Promise<Lease | undefined> {
    return this.#joined(id, first, noReport);
  }

  /** As `settle`, when it is the lease's turn among all of its account that are to be ended. */
  inTurn(lease: Lease, ...first: readonly LeaseEvent[]): Promise<Lease | undefined> {
    return this.#lanes.run(laneOf(lease), (report) => this.#joined(lease.id, first, report));
  }

  /** How many leases of the account wait for their turn, and how long one that comes now would. */
  backlog(lease: Lease): { readonly waiting: number; readonly waitMillis: number } {
    const lane = laneOf(lease);
    return { waiting: this.#lanes.waiting(lane), waitMillis: this.#lanes.waitMillis(lane) };
  }

  /** Lets go of whoever waits for the pace of AWS. */
  stop(): void {
    this.#lanes.stop();
  }

  async #joined(id: string, first: readonly LeaseEvent[], report: LaneReport): Promise<Lease | undefined> {
    for (;;) {
      const running = this.#underWay.get(id);
      if (running === undefined) break;
      const lease = await running.catch(() => undefined);
      // What was under way may have been of no effect, such as a look at a lease that was renewed meanwhile.
      if (first.length === 0 || lease === undefined || hasBegunToEnd(lease)) return lease;
    }
    const work = this.#settle(id, first, report).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, work);
    return work;
  }

  async #settle(id: string, first: readonly LeaseEvent[], report: LaneReport): Promise<Lease | undefined> {
    const { ledger, clock } = this.#parts;
    let unwritten: unknown;
    const begun = await ledger.claim(id, clock.now() + claimMillis, ...first).catch((error: unknown) => {
      unwritten = error;
      return ledger.foresee(id, ...first);
    });
    // Another node is at work on it, or there is no such lease.
    if (begun === undefined) return ledger.find(id);
    const { lease } = begun;
    if (lease === undefined || !asksForAct(lease) || isTooSoon(first, begun)) return lease;
    const settled = await this.#carryOut(lease, report);
    // SECURITY: a store that cannot be written (full disk) must not keep credentials alive: it was acted first.
    if (unwritten !== undefined) throw unwritten;
    return settled;
  }

  async #carryOut(lease: Lease, report: LaneReport): Promise<Lease> {
    const located = await this.#parts.mounts.ofLease(lease.mountPath, lease.mountId);
    const acted = await this.#act(lease, located, report);
    const events = [acted];
    if (acted.type === 'acted' && acted.gone && located !== undefined) events.push(await this.#probe(lease, located));
    return (await this.#record(lease.id, events)) ?? lease;
  }

  async #act(
    lease: Lease,
    located: { backend: Engine; folder: Folder } | undefined,
    report: LaneReport,
  ): Promise<LeaseEvent> {
    if (located === undefined) return { type: 'act-failed', error: `the mount ${lease.mountPath}/ is gone` };
    try {
      const removal = await located.backend.remove(lease, located.folder);
      report.borne();
      return { type: 'acted', ...removal };
    } catch (error) {
      if (isFailure(error) && error.code === 'aws-throttled') report.throttled();
      this.#report('lease.remove-failed', lease.id, error);
      return { type: 'act-failed', error: publicText(error) };
    }
  }

  async #probe(lease: Lease, { backend, folder }: { backend: Engine; folder: Folder }): Promise<LeaseEvent> {
    try {
      return { type: 'probed', answer: await backend.probe(lease, folder) };
    } catch (error) {
      this.#report('lease.probe-failed', lease.id, error);
      return { type: 'probed', answer: 'unknown', error: publicText(error) };
    }
  }

  // One commit: that it was removed and what the probe said are known together or, after a crash, found out again.
  async #record(id: string, events: readonly LeaseEvent[]): Promise<Lease | undefined> {
    try {
      return (await this.#parts.ledger.apply(id, ...events))?.lease;
    } catch (error) {
      this.#report('lease.record-failed', id, error);
      return undefined;
    }
  }

  #report(event: string, lease: string, error: unknown): void {
    this.#parts.log({ level: 'warn', event, lease, error: publicText(error) });
  }
}

const noReport: LaneReport = { throttled: () => undefined, borne: () => undefined };

function hasBegunToEnd({ state }: Lease): boolean {
  return state !== 'active' && state !== 'granting';
}

function laneOf({ mountId, facts }: Lease): string {
  return `${mountId}/${facts['account'] ?? ''}`;
}

// A look that comes before the lease's time, because it asked for a later one meanwhile, does nothing.
function isTooSoon(first: readonly LeaseEvent[], { effects }: Applied): boolean {
  return first.length > 0 && first.every(({ type }) => type === 'due') && effects.length === 0;
}

/** What a log or a lease record may say about a failure: its public text, never a cause or a response of AWS in full. */
function publicText(error: unknown): string {
  if (isFailure(error)) return `${error.code}: ${error.message}`.slice(0, 500);
  return error instanceof Error ? error.name : 'unknown error';
}
