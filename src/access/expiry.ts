// The end of an entry: when it is, and the statement by which AWS itself ends what is running then.
import type { Millis } from '../base/index.ts';
import type { Document, Statement } from './resources.ts';

/** Name of the inline policy that ends what a role or person may do. */
export const expiryInlineName = 'stint-expiry';

/** `2027-01-01` becomes the instant at which that day begins. */
export function expiryInstant(expires: string): string {
  return expires.includes('T') ? expires : `${expires}T00:00:00Z`;
}

/** Whether an entry has ended. */
export function hasEnded(entry: { readonly expires?: string | undefined }, now: Millis): boolean {
  return entry.expires !== undefined && Date.parse(expiryInstant(entry.expires)) <= now;
}

/** The earliest of some ends. */
export function earliest(...ends: readonly (string | undefined)[]): string | undefined {
  return ends
    .filter((it) => it !== undefined)
    .sort((a, b) => Date.parse(expiryInstant(a)) - Date.parse(expiryInstant(b)))[0];
}

/** Conditions with the expiry put in; `undefined` when there are none. AWS itself then ends the grant, whoever is down. */
export function statementCondition(
  conditions: NonNullable<Statement['Condition']>,
  expires: string | undefined,
): Statement['Condition'] | undefined {
  const all =
    expires === undefined
      ? conditions
      : {
          ...conditions,
          DateLessThan: { ...conditions['DateLessThan'], 'aws:CurrentTime': expiryInstant(expires) },
        };
  return Object.keys(all).length === 0 ? undefined : all;
}

/** Denies everything from an instant on: sessions that began before it end with it. */
export function expiryDeny(expires: string): Document {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Deny',
        Action: '*',
        Resource: '*',
        Condition: { DateGreaterThanEquals: { 'aws:CurrentTime': expiryInstant(expires) } },
      },
    ],
  };
}
