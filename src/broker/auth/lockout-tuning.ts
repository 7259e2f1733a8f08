// `user_lockout_config` of an auth mount: read, checked and shown as Vault does.
import type { Json } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';
import { readFields } from '../fields.ts';
import type { UserLockout } from '../model.ts';

/** Methods whose callers can be locked out. */
export const lockoutMethods: readonly string[] = ['approle', 'userpass'];

/**
 * What a tuning makes of the mount's rule; only what is given changes, and `system` stands for the usual.
 * @throws Failure `bad-request`.
 */
export function tunedLockout(
  type: string,
  before: UserLockout | undefined,
  given: Readonly<Record<string, string>>,
): UserLockout {
  if (!lockoutMethods.includes(type)) {
    throw brokerFailure('bad-request', `tuning of user lockout configuration for auth type "${type}" not allowed`);
  }
  const { lockout_threshold: threshold, lockout_disable: disabled } = given;
  if (threshold !== undefined && !/^\d{1,9}$/.test(threshold)) {
    throw brokerFailure(
      'bad-request',
      `unable to parse user lockout threshold: strconv.ParseUint: parsing ${JSON.stringify(threshold)}: invalid syntax`,
    );
  }
  return {
    threshold: threshold === undefined ? (before?.threshold ?? 0) : Number(threshold),
    durationSeconds: seconds(given['lockout_duration']) ?? before?.durationSeconds ?? 0,
    counterResetSeconds: seconds(given['lockout_counter_reset_duration']) ?? before?.counterResetSeconds ?? 0,
    disabled:
      readFields({ lockout_disable: 'boolean' }, { lockout_disable: disabled }).lockout_disable ??
      before?.disabled ??
      false,
  };
}

function seconds(text: string | undefined): number | undefined {
  if (text === undefined || text === 'system') return text === undefined ? undefined : 0;
  return readFields({ lockout_duration: 'seconds' }, { lockout_duration: text }).lockout_duration;
}

/** The rule as reads of the mount show it. */
export function shownLockout(rule: UserLockout): Readonly<Record<string, Json>> {
  return {
    user_lockout_counter_reset_duration: rule.counterResetSeconds,
    user_lockout_threshold: rule.threshold,
    user_lockout_duration: rule.durationSeconds,
    user_lockout_disable: rule.disabled,
  };
}
