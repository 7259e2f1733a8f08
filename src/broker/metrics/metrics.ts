// What the server counts and measures. Names are a promise to dashboards; docs/server.md lists them.
import { isFailure } from '../../base/index.ts';
import type { Answer } from '../call.ts';
import type { WireValue } from '../http/wire.ts';
import { Registry, type Counter, type Histogram, type Sample } from './registry.ts';

/** From a call that needs one look into the store to one that waits for AWS to be consistent. */
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What is looked up when somebody asks for numbers. */
export interface Census {
  /** Leases that have not ended, by where they stand. Slow when there are many. */
  leases(): Promise<Readonly<Record<string, number>>>;
  /** Milliseconds since the oldest due thing was due; 0 when nothing waits. */
  sweeperLagMillis(): Promise<number>;
  /** Records that wait, by audit device. */
  auditQueue(): Readonly<Record<string, number>>;
}

/** Leases are counted again after so many times what the count took: two percent of one processor at most. */
const censusRest = 50;
const censusMillis = 5000;

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter;
  readonly #durations: Histogram;
  readonly #refused: Counter;
  readonly #auditFailures: Counter;
  readonly #connections: Counter;
  readonly #aws: Counter;
  readonly #awsDurations: Histogram;
  #underWay = 0;
  #leases: Readonly<Record<string, number>> = {};
  #counting: Promise<void> | undefined;
  #countAgainAt = 0;
  #lagMillis = 0;
  #auditQueue: Readonly<Record<string, number>> = {};
  readonly #census: () => Census | undefined;

  /** `census`: undefined while the server is sealed. */
  constructor(version: string, census: () => Census | undefined) {
    this.#census = census;
    const registry = this.#registry;
    registry.gauge('stint_info', 'Version of the server.', () => [{ labels: { version }, value: 1 }]);
    registry.gauge('stint_sealed', '1 while the server is sealed.', () => [
      { value: this.#census() === undefined ? 1 : 0 },
    ]);
    this.#requests = registry.counter('stint_requests_total', 'Requests by route, operation and status.');
    this.#durations = registry.histogram('stint_request_seconds', 'How long requests took, by route.', seconds);
    registry.gauge('stint_requests_under_way', 'Requests that are being answered.', () => [{ value: this.#underWay }]);
    this.#refused = registry.counter('stint_refused_total', 'Requests that were refused, by code of the failure.');
    this.#connections = registry.counter('stint_connections_refused_total', 'Connections cut because of their number.');
    this.#auditFailures = registry.counter('stint_audit_failures_total', 'Troubles of audit devices, by device.');
    registry.gauge('stint_audit_queue', 'Records that wait for an audit device.', () =>
      samples('device', this.#auditQueue),
    );
    this.#aws = registry.counter('stint_aws_calls_total', 'Calls of AWS by service, operation and outcome.');
    this.#awsDurations = registry.histogram('stint_aws_call_seconds', 'How long calls of AWS took.', seconds);
    registry.gauge('stint_leases', 'Leases that have not ended; counted anew as often as that is cheap.', () =>
      samples('state', this.#leases),
    );
    registry.gauge('stint_sweeper_lag_seconds', 'How late the sweeper is.', () => [{ value: this.#lagMillis / 1000 }]);
    registry.gauge('process_resident_memory_bytes', 'Resident memory.', () => [{ value: process.memoryUsage.rss() }]);
    registry.gauge('process_cpu_seconds_total', 'Processor time.', () => {
      const { user, system } = process.cpuUsage();
      return [{ value: (user + system) / 1e6 }];
    });
  }

  /** Looks up what is not counted on the way; to be called before the numbers are read. */
  async refresh(): Promise<void> {
    const census = this.#census();
    if (census === undefined) return;
    this.#auditQueue = census.auditQueue();
    this.#lagMillis = await census.sweeperLagMillis();
    const first = this.#countAgainAt === 0;
    if (performance.now() >= this.#countAgainAt) this.#counting ??= this.#count(census);
    if (first) await this.#counting;
  }

  async #count(census: Census): Promise<void> {
    const began = performance.now();
    try {
      this.#leases = await census.leases();
    } catch {
      // A store that cannot be read is told where it matters; numbers stay what they were.
    } finally {
      const took = performance.now() - began;
      this.#countAgainAt = performance.now() + Math.max(censusMillis, took * censusRest);
      this.#counting = undefined;
    }
  }

  /** Counts a request, how long it took, and what became of it. `work` says which route it is. */
  async request(operation: string, work: (seen: { route: string }) => Promise<Answer>): Promise<Answer> {
    const seen = { route: 'none' };
    const began = performance.now();
    this.#underWay++;
    const end = (status: number): void => {
      this.#underWay--;
      this.#requests.add({ route: seen.route, operation, status: String(status) });
      this.#durations.observe({ route: seen.route }, (performance.now() - began) / 1000);
    };
    try {
      const answer = await work(seen);
      end(answer.status);
      return answer;
    } catch (error) {
      this.#refused.add({ code: isFailure(error) ? error.code : 'internal' });
      end(isFailure(error) ? error.status : 500);
      throw error;
    }
  }

  connectionRefused(): void {
    this.#connections.add();
  }

  auditFailed(device: string): void {
    this.#auditFailures.add({ device });
  }

  /** `outcome`: `ok`, `throttled`, or the code of the error. */
  awsCall(service: string, operation: string, outcome: string, millis: number): void {
    this.#aws.add({ service, operation, outcome });
    this.#awsDurations.observe({ service, operation }, millis / 1000);
  }

  /** In Prometheus's text format. */
  text(): string {
    return this.#registry.text();
  }

  /** As Vault shows them without a format. */
  summary(): Readonly<Record<string, WireValue>> {
    return { Timestamp: new Date().toISOString(), ...this.#registry.summary(), Points: [], Samples: [] };
  }
}

function samples(label: string, values: Readonly<Record<string, number>> = {}): readonly Sample[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}
