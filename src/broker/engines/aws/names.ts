// Names of what the AWS engine makes: IAM users and role sessions, by Vault's default template.
import { randomText, type Millis, type Random } from '../../../base/index.ts';

/** Vault's own default, which its clients read back and write again. */
export const defaultUsernameTemplate =
  '{{ if (eq .Type "STS") }}{{ printf "vault-%s-%s" (unix_time) (random 20) | truncate 32 }}' +
  '{{ else }}{{ printf "vault-%s-%s-%s" (printf "%s-%s" (.DisplayName) (.PolicyName) | truncate 42) (unix_time) (random 20) | truncate 64 }}{{ end }}';

/** The tag that ties a user in IAM to its lease. */
export const leaseTagKey = 'stint:lease';

/** What IAM and STS allow in a name; everything else becomes `_`. */
export function normalName(text: string): string {
  return text.replace(/[^a-zA-Z0-9+=,.@_-]/g, '_');
}

/** `vault-<display>-<role>-<unix>-<random>`, its middle cut to 42 and the whole to 64 characters. */
export function userName(displayName: string, role: string, now: Millis, random: Random): string {
  const middle = `${normalName(displayName)}-${normalName(role)}`.slice(0, 42);
  return `vault-${middle}-${Math.floor(now / 1000)}-${randomText(random, 20)}`.slice(0, 64);
}

/** `vault-<unix>-<random>`, cut to 32 characters. */
export function sessionName(now: Millis, random: Random): string {
  return `vault-${Math.floor(now / 1000)}-${randomText(random, 20)}`.slice(0, 32);
}
