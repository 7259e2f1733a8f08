// The mark of a run in an account: an empty instance profile, for IAM makes a name once only, and its path, which
// ListInstanceProfiles tells, holds whatever has to be known of the holder. Nothing can be done with it: it holds no
// role. `stint-lease-7` under `/stint/lease/20261128T191500Z/RUN/HOST/PID/CALLER/`. Pure.
import type { Millis } from '../base/index.ts';
import type { RunHolder } from './journal.ts';

export const leasePath = '/stint/lease/';
const leaseName = 'stint-lease-';

/** A lease as an account shows it. */
export interface SeenLease {
  /** Rises with every holder: the highest one counts. */
  readonly number: number;
  readonly expires: Millis;
  readonly run: string;
  readonly holder: RunHolder;
  /** ARN of the caller. */
  readonly caller: string;
}

export const leaseProfile = (number: number): string => `${leaseName}${number}`;

const stamp = (millis: Millis): string => new Date(millis).toISOString().replaceAll(/[-:]|\.\d+/g, '');

function instant(text: string): Millis {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const [year, month, day, hour, minute, second] = parts.map(Number);
  return parts.length === 0 ? 0 : Date.UTC(year!, month! - 1, day, hour, minute, second);
}

// A path may hold 512 characters (IAM API, CreateInstanceProfile).
const longestPart = { host: 60, caller: 300 };

const coded = (text: string, most: number): string => {
  let kept = text;
  while (encodeURIComponent(kept).length > most) kept = kept.slice(0, -1);
  return encodeURIComponent(kept) || '-';
};

/** The path that tells of a lease. */
export function pathOf({ expires, run, holder, caller }: SeenLease): string {
  const parts = [
    stamp(expires),
    run,
    coded(holder.host, longestPart.host),
    String(holder.pid),
    coded(caller, longestPart.caller),
  ];
  return `${leasePath}${parts.join('/')}/`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The lease that an instance profile is; `undefined` for every other one. */
export function leaseOf(name: string, path: string): SeenLease | undefined {
  if (!path.startsWith(leasePath) || !name.startsWith(leaseName)) return undefined;
  const [expires = '', run = '', host = '', pid = '', caller = ''] = path.slice(leasePath.length).split('/');
  return {
    number: Number(name.slice(leaseName.length)) || 0,
    expires: instant(expires),
    run,
    holder: { host: decoded(host), pid: Number(pid) },
    caller: decoded(caller),
  };
}
