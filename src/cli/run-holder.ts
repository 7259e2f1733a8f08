// This process as the holder of leases, and whether other processes of this machine still run.
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { chooseRun, type RunHolder } from '../access/index.ts';

/** Numbers of processes mean something only within one namespace (containers of one name share a host name). */
function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
  } catch {
    return '0';
  }
}

export function ownHolder(): RunHolder {
  return { host: `${hostname()}:${namespace()}`, pid: process.pid };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Whether a run is known to have ended: its journal is here and says so, or its process is gone from this machine.
 * Of runs elsewhere nothing is known.
 */
export function hasEnded(journals: string, run: string, holder: RunHolder): boolean {
  if (holder.host !== ownHolder().host) return false;
  if (holder.pid !== process.pid) return !isAlive(holder.pid);
  try {
    return chooseRun(journals, run).ended !== undefined;
  } catch {
    return false;
  }
}
