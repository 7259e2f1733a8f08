// Which machine this is, without asking anybody: homes are shared, by NFS and by containers, and the address of the
// metadata service is the same everywhere.
import type { ReadText } from '../profiles.ts';

/** The id that a kernel of Linux gives itself at each start, and no other has. */
const bootIdFile = '/proc/sys/kernel/random/boot_id';

/** The running system, and in it the host or container. `read` reads a file of the system. */
export function machineName(read: ReadText, hostname: string): string {
  return `${read(bootIdFile)?.trim() ?? ''}/${hostname}`;
}

function readHere(path: string): string | undefined {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path, 'utf8');
  } catch {
    // Another system than Linux.
    return undefined;
  }
}

/** The machine or container that this process runs in. */
export function thisMachine(): string {
  return machineName(readHere, process.getBuiltinModule('node:os').hostname());
}
