// One record to every device: it counts as recorded when at least one has it. A device that blocks is
// waited for once; after that nobody waits for it until it has taken a record again.
import { brokerFailure } from '../failures.ts';
import type { AuditEntry } from './entry.ts';

/** As long as Vault waits for a socket. */
const limitMillis = 2000;

/** What the fan-out needs of a device. */
export interface AuditDevice {
  readonly path: string;
  behind: boolean;
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
    const timer = setTimeout(() => {
      for (const device of waitedFor) device.behind = true;
      end();
    }, limitMillis);
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
