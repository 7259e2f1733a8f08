// Targets that a server lends: credentials under a lease, asked of the server and not of STS.
import { failure } from './failures.ts';
import type { LentTarget, Source } from './model.ts';
import type { SessionOptions } from './options.ts';

/** What is told to whoever decides whether something is lent. */
export interface LendRequest {
  readonly reason: string;
  readonly durationSeconds?: number | undefined;
}

/** The source that a lent target is; duration and session name are the lease's, unless a role is assumed on top. */
export function lentSourceOf(name: string, lent: LentTarget, options: SessionOptions): Source {
  const own = options.roleArn === undefined ? options : {};
  const wishes = { ttlSeconds: own.durationSeconds, sessionName: own.sessionName };
  return { kind: 'lent', from: `\`${name}\` of ${lent.server}`, ...lent, ...wishes };
}

/** The options that are left for STS. */
export function optionsBesideLease(options: SessionOptions): SessionOptions {
  return options.roleArn === undefined ? { ...options, durationSeconds: undefined, sessionName: undefined } : options;
}

/** @throws Failure `request-unsupported` */
export function refuseRequest(target: string, label: string | undefined): never {
  throw failure(
    'request-unsupported',
    label === undefined
      ? `\`${target}\` is not lent by a server, so nobody reads a reason`
      : `${label} takes no requests: what it lends, it lends by its policies`,
    { hint: 'leave `--reason` out' },
  );
}
