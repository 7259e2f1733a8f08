// Audit: which devices there are, kept in the store, and the record of each request and answer to all
// of them. A request that no device has the record of does not happen.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { randomText, uuid, type Clock, type Random } from '../../base/index.ts';
import type { Barrier } from '../barrier.ts';
import type { Answer, Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import { keyedHash } from '../keyed-hash.ts';
import type { Log } from '../log.ts';
import { absent } from '../storage/store.ts';
import { chainStart, type ChainHead } from './chain.ts';
import { Device } from './device.ts';
import type { AuditEntry, FormatOptions } from './entry.ts';
import { recordOnAll, type AuditDevice } from './fanout.ts';
import { answerRecord, failureRecord, requestRecord } from './records.ts';
import { AuditHeaders } from './headers.ts';
import { readDeviceOptions } from './options.ts';
import { checkPlace, openingFailed, placeOf, sinkOf, type SinkPlaces } from './sinks.ts';

const folder = 'core/audit/device/';
const heads = 'core/audit/head/';

/** A device as it was asked for. */
export interface DevicePlan {
  /** With the closing slash. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly local: boolean;
}

/** How a device does, for operators. */
interface DeviceState {
  readonly path: string;
  readonly type: string;
  /** `failing`: it refused the last record. `blocked`: it did not take one in time, and nobody waits for it until it does. */
  readonly state: 'ok' | 'failing' | 'blocked';
  /** Records that wait for it. */
  readonly waiting: number;
}

interface DeviceRecord extends DevicePlan {
  readonly version: 1;
  readonly id: string;
  readonly accessor: string;
  /** Key of the device's hashes. */
  readonly salt: string;
  /** Ed25519, PKCS 8 in base64. */
  readonly signingKey: string;
  readonly publicKey: string;
  /** From the configuration file: the API cannot disable it. */
  readonly managed: boolean;
}

interface KeptHead extends ChainHead {
  readonly exact: boolean;
}

export interface AuditParts {
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly wallClock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly places: SinkPlaces;
  /** Devices that are handed in, beside those of the store. */
  readonly devices?: readonly AuditDevice[];
  /** Counts what failed. */
  readonly onFailure?: (device: string) => void;
}

export class Audit {
  readonly #parts: AuditParts;
  readonly #records = new Map<string, DeviceRecord>();
  readonly #devices = new Map<string, Device>();
  #all: readonly AuditDevice[];
  #turn: Promise<void> = Promise.resolve();
  readonly headers: AuditHeaders;

  private constructor(parts: AuditParts, headers: AuditHeaders) {
    this.#parts = parts;
    this.#all = parts.devices ?? [];
    this.headers = headers;
  }

  /** Takes up the devices of the store, and makes those of the configuration what it says. */
  static async open(parts: AuditParts, configured: readonly DevicePlan[] = []): Promise<Audit> {
    const audit = new Audit(parts, await AuditHeaders.open(parts.barrier));
    for (const { value } of await parts.barrier.scan<DeviceRecord>(folder, 1000)) await audit.#add(value);
    await audit.#configure(configured);
    return audit;
  }

  /** Before the call is carried out; undefined when there is no device to wait for. @throws Failure `audit-failed`. */
  request(call: Call): Promise<void> | undefined {
    return this.#silent ? undefined : this.#record(requestRecord(call, this.#now()));
  }

  /** Before the answer is sent; undefined when there is no device to wait for. @throws Failure `audit-failed`. */
  answer(call: Call, answer: Answer): Promise<void> | undefined {
    return this.#silent ? undefined : this.#record(answerRecord(call, this.#now(), answer));
  }

  /** Before the failure is told. @throws Failure `audit-failed`. */
  async failed(call: Call, error: unknown): Promise<void> {
    if (!this.#silent) await this.#record(failureRecord(call, this.#now(), error, true));
  }

  /** A call that its checks refused, so that it was not carried out. @throws Failure `audit-failed`. */
  async refused(call: Call, error: unknown): Promise<void> {
    if (this.#silent) return;
    await this.#record(requestRecord(call, this.#now(), error));
    await this.#record(failureRecord(call, this.#now(), error, false));
  }

  list(): readonly DevicePlan[] {
    return [...this.#records.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
  }

  /** Tries the device with a record of its own, then keeps it. @throws Failure `audit-invalid`. */
  enable(plan: DevicePlan, managed = false): Promise<void> {
    // One after the other, so that two do not take the same file.
    const turn = this.#turn.then(() => this.#enable(plan, managed));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #enable(plan: DevicePlan, managed: boolean): Promise<void> {
    const options = readDeviceOptions(plan.type, plan.options);
    if (options.prefix !== '' && !managed) {
      throw brokerFailure('audit-invalid', 'audit log prefixing is not allowed', {
        hint: 'a device of the configuration file may have a prefix',
      });
    }
    checkPlace(options, this.#parts.places);
    this.#checkFree(plan.path, placeOf(options));
    const record = this.#newRecord(plan, managed);
    const device = this.#deviceOf(record, { ...chainStart, exact: true });
    try {
      await device.record(this.#probe()).catch((error: unknown) => {
        if (plan.options['skip_test'] !== 'true') throw openingFailed(options, error);
      });
      const made = await this.#parts.barrier.commit([{ key: folder + plan.path, value: record, expect: absent }]);
      if (!made) throw pathInUse();
    } catch (error) {
      await device.close();
      throw error;
    }
    this.#take(record, device);
    this.#parts.log({ level: 'info', event: 'audit.enabled', device: plan.path, type: plan.type });
  }

  /** Forgets a device; nothing happens when there is none. @throws Failure `audit-invalid`. */
  async disable(path: string): Promise<void> {
    const record = this.#records.get(path);
    if (record === undefined) return;
    if (record.managed) {
      throw brokerFailure('audit-invalid', 'cannot disable configuration-managed audit device', {
        hint: 'take it out of the configuration file and start the server again',
      });
    }
    await this.#forget(record);
  }

  /** The hash with which a device records `input`. @throws Failure `audit-invalid`. */
  hash(path: string, input: string): string {
    const record = this.#records.get(path);
    if (record === undefined) throw brokerFailure('audit-invalid', `unknown audit backend ${JSON.stringify(path)}`);
    return hashWith(record.salt)(input);
  }

  /** Where the chain of a device stands, for `stint audit verify`. */
  headOf(path: string): (ChainHead & { readonly key: string }) | undefined {
    const device = this.#devices.get(path);
    return device === undefined ? undefined : { ...device.head, key: device.publicKey };
  }

  /** How each device does. */
  states(): readonly DeviceState[] {
    return this.list().map(({ path, type }) => {
      const { state = 'ok', queued = 0 } = this.#devices.get(path) ?? {};
      return { path, type, state, waiting: queued };
    });
  }

  /** How many records wait, by device. */
  queues(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#devices].map(([path, { queued }]) => [path, queued]));
  }

  /** Opens every device anew, for files that were moved away. */
  async reopen(): Promise<void> {
    await Promise.all([...this.#devices.values()].map((device) => device.reopen()));
  }

  /** Remembers where the chains stand; to be called before the store cannot be written any more. */
  async checkpoint(): Promise<void> {
    await Promise.all([...this.#devices.values()].map((device) => device.checkpoint()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#devices.values()].map((device) => device.close()));
  }

  async #configure(plans: readonly DevicePlan[]): Promise<void> {
    for (const record of [...this.#records.values()].filter(({ managed }) => managed)) {
      if (!plans.some((plan) => samePlan(plan, record))) await this.#forget(record);
    }
    for (const plan of plans) {
      const found = this.#records.get(plan.path);
      if (found === undefined) await this.enable(plan, true);
      else if (!found.managed) {
        throw brokerFailure('audit-invalid', `the audit device \`${plan.path}\` was already made over the API`, {
          hint: 'disable that one first, or choose another path',
        });
      }
    }
  }

  async #forget(record: DeviceRecord): Promise<void> {
    const { barrier, log } = this.#parts;
    await barrier.commit([
      { key: folder + record.path, value: undefined },
      { key: heads + record.id, value: undefined },
    ]);
    const device = this.#devices.get(record.path);
    this.#records.delete(record.path);
    this.#devices.delete(record.path);
    this.#all = this.#all.filter((one) => one !== device);
    log({ level: 'info', event: 'audit.disabled', device: record.path });
    if (this.#silent) log({ level: 'warn', event: 'audit.silent' });
    if (device === undefined) return;
    const closed = device.close().catch((error: unknown) => this.#trouble(record.path, 'failed', error));
    // A device that hangs may be disabled for just that; any other has told where its chain ended by the answer.
    if (device.state === 'ok') await closed;
  }

  #checkFree(path: string, place: string | undefined): void {
    for (const record of this.#records.values()) {
      if (record.path.startsWith(path) || path.startsWith(record.path)) throw pathInUse();
      if (place === undefined || placeOf(readDeviceOptions(record.type, record.options)) !== place) continue;
      throw brokerFailure('audit-invalid', `the file \`${place}\` belongs to the audit device \`${record.path}\``, {
        hint: 'two devices cannot share a file: give another',
      });
    }
  }

  #newRecord(plan: DevicePlan, managed: boolean): DeviceRecord {
    const { random } = this.#parts;
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    return {
      version: 1,
      ...plan,
      id: uuid(random),
      accessor: `audit_${plan.type}_${randomText(random, 8, '0123456789abcdef')}`,
      salt: uuid(random),
      signingKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
      publicKey: publicKey.export({ format: 'jwk' }).x!,
      managed,
    };
  }

  async #add(record: DeviceRecord): Promise<void> {
    const head = (await this.#parts.barrier.get<KeptHead>(heads + record.id))?.value;
    this.#take(record, this.#deviceOf(record, head ?? { ...chainStart, exact: false }));
  }

  #take(record: DeviceRecord, device: Device): void {
    this.#records.set(record.path, record);
    this.#devices.set(record.path, device);
    this.#all = [...this.#all, device];
  }

  #deviceOf(record: DeviceRecord, head: KeptHead): Device {
    const { barrier, wallClock, places } = this.#parts;
    const options = readDeviceOptions(record.type, record.options);
    const { raw, hmacAccessor, elideListResponses, prefix } = options;
    const hash = hashWith(record.salt);
    return new Device({
      path: record.path,
      sink: sinkOf(options, places),
      format: (): FormatOptions => ({ raw, hmacAccessor, elideListResponses, headers: this.headers.all, hash }),
      prefix,
      key: createPrivateKey({ key: Buffer.from(record.signingKey, 'base64'), type: 'pkcs8', format: 'der' }),
      publicKey: record.publicKey,
      head: { seq: head.seq, hash: head.hash },
      headExact: head.exact,
      onHead: async ({ seq, hash: lineHash }, exact) => {
        await barrier.commit([{ key: heads + record.id, value: { seq, hash: lineHash, exact } satisfies KeptHead }]);
      },
      onTrouble: (what, error) => this.#trouble(record.path, what, error),
      wallClock: () => wallClock.now(),
    });
  }

  #trouble(device: string, what: string, error: unknown): void {
    this.#parts.onFailure?.(device);
    const reason = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : undefined;
    this.#parts.log({ level: 'error', event: `audit.${what}`, device, ...(reason === undefined ? {} : { reason }) });
  }

  // Nothing is recorded anywhere: no entry need be made.
  get #silent(): boolean {
    return this.#all.length === 0;
  }

  #now(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }

  #record(entry: AuditEntry): Promise<void> {
    return recordOnAll(this.#all, entry);
  }

  #probe(): AuditEntry {
    const id = uuid(this.#parts.random);
    const request = { id, operation: 'update', path: 'sys/audit/test', remoteAddress: '' };
    return { type: 'request', time: this.#now(), request };
  }
}

function pathInUse(): Error {
  return brokerFailure('audit-invalid', 'path already in use', { hint: 'choose another path' });
}

function samePlan(one: DevicePlan, other: DevicePlan): boolean {
  const text = ({ path, type, description, options, local }: DevicePlan): string =>
    JSON.stringify([path, type, description, Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)), local]);
  return text(one) === text(other);
}

function hashWith(salt: string): (text: string) => string {
  const hash = keyedHash(Buffer.from(salt));
  return (text) => `hmac-sha256:${hash(text)}`;
}
