// One record to every device: it counts as recorded when at least one has it. A device that blocks is
// waited for once; after that nobody waits for it until it has taken a record again.
import { brokerFailure } from '../failures.ts';
import type { AuditEntry } from './entry.ts';

/**
 * A device blocks when four of these pass without a record written: two seconds, as long as Vault waits for a socket.
 * They pass one by one, so that a process that was busy elsewhere does not take its own delay for the device's.
 */
const turnMillis = 500;
const maxIdleTurns = 4;
/** No record waits longer, whatever goes on before it. */
const maxTurns = 20;

/** What the fan-out needs of a device. */
export interface AuditDevice {
  readonly path: string;
  behind: boolean;
  /** How often it has written, where it tells. */
  readonly written?: number;
  record(entry: AuditEntry): Promise<void>;
}

/**
 * Resolves when every device that keeps up has answered and at least one has the record.
 * @throws Failure `audit-failed` when none has it in time.
 */
export async function recordOnAll(devices: readonly AuditDevice[], entry: AuditEntry): Promise<void> {
  if (devices.length === 0) return;
  if (await anyRecorded(devices, entry)) return;
  throw brokerFailure('audit-failed', 'internal error', {
    hint: `no audit device took the record of this request: repair one of ${devices.map(({ path }) => path).join(', ')}`,
  });
}

function anyRecorded(devices: readonly AuditDevice[], entry: AuditEntry): Promise<boolean> {
  return new Promise((resolve) => {
    const waitedFor = new Set(devices.filter(({ behind }) => !behind));
    let answers = 0;
    let recorded = false;
    const end = (): void => {
      clearTimeout(timer);
      resolve(recorded);
    };
    const wait = (turn: number, idle: number, before: number): void => {
      timer = setTimeout(() => {
        const now = writtenBy(waitedFor);
        const idleNow = now === before ? idle + 1 : 0;
        if (idleNow < maxIdleTurns && turn < maxTurns) return wait(turn + 1, idleNow, now);
        for (const device of waitedFor) device.behind = true;
        end();
      }, turnMillis);
    };
    let timer: NodeJS.Timeout | undefined;
    wait(1, 0, writtenBy(waitedFor));
    const answered = (device: AuditDevice, took: boolean): void => {
      answers++;
      recorded ||= took;
      waitedFor.delete(device);
      if (answers === devices.length || (recorded && waitedFor.size === 0)) end();
    };
    for (const device of devices) {
      device.record(entry).then(
        () => answered(device, true),
        () => answered(device, false),
      );
    }
  });
}

function writtenBy(devices: Iterable<AuditDevice>): number {
  let sum = 0;
  for (const { written = 0 } of devices) sum += written;
  return sum;
}
