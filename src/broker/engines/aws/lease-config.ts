// config/lease of the AWS engine: how long IAM users are lent.
import { formatGoDuration, isFailure, parseDuration } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';
import type { EngineAnswer, EngineCall, Folder } from '../engine.ts';
import { goQuote } from './template/quote.ts';

interface LeaseConfig {
  readonly version: 1;
  readonly leaseSeconds: number;
  readonly leaseMaxSeconds: number;
}

export const leaseFields = { lease: 'string', lease_max: 'string' } as const;

/** The lease times of IAM users; zeros when not configured, for the mount's own. */
export async function loadLeaseConfig(folder: Folder): Promise<LeaseConfig> {
  const found = await folder.get<LeaseConfig>('config/lease');
  return found?.value ?? { version: 1, leaseSeconds: 0, leaseMaxSeconds: 0 };
}

export async function handleLeaseConfig(
  { operation, folder }: EngineCall,
  fields: FieldValues<typeof leaseFields>,
): Promise<EngineAnswer> {
  if (operation !== 'read') {
    // Both are asked for before either is read, as Vault does.
    const [lease, leaseMax] = [given('lease', fields.lease), given('lease_max', fields.lease_max)];
    const config: LeaseConfig = {
      version: 1,
      leaseSeconds: readLease('lease', lease),
      leaseMaxSeconds: readLease('lease_max', leaseMax),
    };
    await folder.change<LeaseConfig>('config/lease', () => config);
    return {};
  }
  const found = await folder.get<LeaseConfig>('config/lease');
  if (found === undefined) return {};
  const { leaseSeconds, leaseMaxSeconds } = found.value;
  return { data: { lease: formatGoDuration(leaseSeconds), lease_max: formatGoDuration(leaseMaxSeconds) } };
}

/** What Go's durations can hold, which Vault's clients read. */
const longestSeconds = 9_223_372_036;

function given(field: string, text: string | undefined): string {
  if (text !== undefined && text !== '') return text;
  throw brokerFailure('bad-request', `'${field}' is a required parameter`);
}

function readLease(field: string, text: string): number {
  const seconds = Math.floor(parsed(field, text));
  if (seconds <= longestSeconds) return seconds;
  throw brokerFailure('bad-request', `Invalid ${field}: time: invalid duration ${goQuote(text)}`, {
    hint: 'it is longer than 292 years, the longest that Vault’s clients can read',
  });
}

// A bare number is no duration in Go, but means seconds everywhere else in Vault.
function parsed(field: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!isFailure(error) || error.code !== 'invalid-duration') throw error;
    const hint = error.hint;
    throw brokerFailure('bad-request', `Invalid ${field}: ${goDurationProblem(text)}`, { hint });
  }
}

// The texts of Go's time.ParseDuration.
function goDurationProblem(text: string): string {
  const quoted = goQuote(text);
  const unit = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)([^\d.]+)/.exec(text)?.[1];
  if (unit !== undefined && !['ns', 'us', 'µs', 'ms', 's', 'm', 'h'].includes(unit)) {
    return `time: unknown unit ${goQuote(unit)} in duration ${quoted}`;
  }
  return /\d$/.test(text) ? `time: missing unit in duration ${quoted}` : `time: invalid duration ${quoted}`;
}
