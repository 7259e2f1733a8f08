// The stored quotas and their settings. A node keeps them for a moment, since every request asks: its
// own changes hold at once, those of other nodes within a second.
import type { Clock, Millis } from '../../base/index.ts';
import type { Barrier, Change } from '../barrier.ts';
import { absent } from '../storage/store.ts';
import type { LeaseQuota, Quota, QuotaKind, RateQuota } from './quota.ts';

export interface QuotaSettings {
  readonly version: 1;
  readonly exemptPaths: readonly string[];
  readonly auditRejections: boolean;
  readonly responseHeaders: boolean;
}

const keptMillis: Millis = 1000;
const settingsKey = 'quota-settings';

/** What Vault exempts until somebody says otherwise. */
const freshSettings: QuotaSettings = {
  version: 1,
  exemptPaths: [
    'sys/generate-recovery-token/attempt',
    'sys/generate-recovery-token/update',
    'sys/generate-root/attempt',
    'sys/generate-root/update',
    'sys/health',
    'sys/seal-status',
    'sys/unseal',
  ],
  auditRejections: false,
  responseHeaders: false,
};

export interface Quotas {
  readonly rates: readonly RateQuota[];
  readonly leases: readonly LeaseQuota[];
  readonly settings: QuotaSettings;
}

export class QuotaTable {
  readonly #barrier: Barrier;
  readonly #wallClock: Clock;
  #kept: Promise<Quotas> | undefined;
  /** What `#kept` resolved to. */
  #present: Quotas | undefined;
  #keptAt: Millis = 0;

  constructor(barrier: Barrier, wallClock: Clock) {
    this.#barrier = barrier;
    this.#wallClock = wallClock;
  }

  /** All rules, at most a second old, when they are at hand. */
  get present(): Quotas | undefined {
    return this.#isOld() ? undefined : this.#present;
  }

  /** All rules, at most a second old. */
  all(): Promise<Quotas> {
    if (this.#kept === undefined || this.#isOld()) {
      this.#keptAt = this.#wallClock.now();
      const loaded = this.#load();
      this.#drop();
      this.#kept = loaded;
      loaded.then(
        (quotas) => {
          if (this.#kept === loaded) this.#present = quotas;
        },
        () => {
          // What could not be read is not kept.
          if (this.#kept === loaded) this.#drop();
        },
      );
    }
    return this.#kept;
  }

  #isOld(): boolean {
    return Math.abs(this.#wallClock.now() - this.#keptAt) >= keptMillis;
  }

  #drop(): void {
    this.#kept = undefined;
    this.#present = undefined;
  }

  async #load(): Promise<Quotas> {
    const found = await this.#barrier.scan<Quota>('quota/', 10_000);
    const quotas = found.map(({ value }) => value);
    return {
      rates: quotas.filter((quota) => quota.kind === 'rate-limit'),
      leases: quotas.filter((quota) => quota.kind === 'lease-count'),
      settings: (await this.#barrier.get<QuotaSettings>(settingsKey))?.value ?? freshSettings,
    };
  }

  names(kind: QuotaKind): Promise<readonly string[]> {
    return this.#barrier.list(`quota/${kind}/`);
  }

  async get<Q extends Quota>(kind: Q['kind'], name: string): Promise<Q | undefined> {
    return (await this.#barrier.get<Q>(keyOf(kind, name)))?.value;
  }

  /** Stores what `next` makes of the rule as it is now, durable when resolved. @throws whatever `next` throws. */
  async change<Q extends Quota>(kind: Q['kind'], name: string, next: (before: Q | undefined) => Q): Promise<Q> {
    for (;;) {
      const found = await this.#barrier.get<Q>(keyOf(kind, name));
      const value = next(found?.value);
      if (await this.#write([{ key: keyOf(kind, name), value, expect: found?.version ?? absent }])) return value;
    }
  }

  /** Moves the rules of a mount with it, or drops them with it; returns those that were dropped. */
  async followMount(from: string, to: string | undefined): Promise<readonly Quota[]> {
    this.#drop();
    const { rates, leases } = await this.all();
    const found = [...rates, ...leases].filter(({ mountPath }) => mountPath === from);
    for (const { kind, name } of found) {
      if (to === undefined) await this.delete(kind, name);
      else await this.change<Quota>(kind, name, (before) => ({ ...before!, mountPath: to }));
    }
    return to === undefined ? found : [];
  }

  async delete(kind: QuotaKind, name: string): Promise<void> {
    await this.#write([{ key: keyOf(kind, name), value: undefined }]);
  }

  async setSettings(settings: Omit<QuotaSettings, 'version'>): Promise<void> {
    await this.#write([{ key: settingsKey, value: { version: 1, ...settings } }]);
  }

  async #write(changes: readonly Change[]): Promise<boolean> {
    const written = await this.#barrier.commit(changes);
    this.#drop();
    return written;
  }
}

function keyOf(kind: QuotaKind, name: string): string {
  return `quota/${kind}/${name}`;
}
