// What counts where an entry says nothing, and which of it is in force. Each default is on until it is switched off
// with a reason; what is off is a finding.
import { parseDuration, type Millis } from '../base/index.ts';
import type { Finding } from './findings.ts';
import type { Definition } from './model.ts';
import { isProduction } from './selectors.ts';

export type DefaultName = keyof NonNullable<Definition['defaults']>;

export interface DefaultInForce {
  readonly name: DefaultName;
  readonly on: boolean;
  /** What it does, in one line. */
  readonly text: string;
  /** Why it is off. */
  readonly reason?: string | undefined;
}

/** Seconds in production and elsewhere, where the definition sets no others. */
const limits = { session: [3600, 4 * 3600], mfaMaxAge: [3600, 8 * 3600], grace: [7 * 86_400, 0] } as const;

/** No role may have longer sessions (IAM API, CreateRole, MaxSessionDuration). */
export const sessionCap = 12 * 3600;

/** What each default does, in one line. */
export const defaultTexts: Readonly<Record<DefaultName, string>> = {
  grace: 'roles and users that go from production are kept for 7d, able to do nothing',
  session: 'sessions of at most 1h in production and 4h elsewhere, never more than 12h',
  mfa: 'people who become a role have signed in with MFA',
  mfaMaxAge: 'their MFA sign-in is at most 1h old in production and 8h elsewhere',
  organizationFence: 'whoever crosses accounts is of the organisation',
  sourceIdentity: 'a source identity that people give is their own user name',
  imdsv2: 'credentials that an instance got by version 1 of its metadata service are good for nothing',
  boundary: 'roles that create roles or policies, or pass roles, have a permissions boundary',
  passRole: '`iam:PassRole` names the roles and the services',
  wildcards: 'nothing has everything, or all of IAM, that is not marked for it',
  accountTrust: 'no role trusts a whole account without a condition',
  productionExpiry: 'what people may become in production has an end',
};

/** The reason with which a default is switched off; `undefined` while it is on. */
export function offReason(definition: Definition, name: DefaultName): string | undefined {
  const chosen = definition.defaults?.[name];
  return typeof chosen === 'object' ? chosen.reason : undefined;
}

/** The time, in seconds, that a default sets in a stage; `undefined` where it is off. */
export function defaultLimit(definition: Definition, name: keyof typeof limits, stage: string): number | undefined {
  const chosen = definition.defaults?.[name];
  if (typeof chosen === 'object') return undefined;
  return chosen === undefined ? limits[name][isProduction(stage) ? 0 : 1] : parseDuration(chosen);
}

/** How long what goes from a stage is kept where the definition says nothing. */
export const defaultGrace = (stage: string): Millis => limits.grace[isProduction(stage) ? 0 : 1] * 1000;

function defaultText(definition: Definition, name: DefaultName): string {
  const chosen = definition.defaults?.[name];
  if (name === 'grace' && typeof chosen === 'string')
    return `roles and users that go are kept for ${chosen}, able to do nothing`;
  if (name === 'session' && typeof chosen === 'string') return `sessions of at most ${chosen}`;
  if (name === 'mfaMaxAge' && typeof chosen === 'string') return `their MFA sign-in is at most ${chosen} old`;
  if (name === 'sourceIdentity' && chosen === 'required') return 'people give their user name as source identity';
  if (name === 'organizationFence' && definition.organization === undefined) {
    return `${defaultTexts[name]} (idle: the definition names no \`organization\`)`;
  }
  return defaultTexts[name];
}

/** Every default, on or off, in the order of the schema. */
export function defaultsInForce(definition: Definition): DefaultInForce[] {
  return (Object.keys(defaultTexts) as DefaultName[]).map((name) => {
    const reason = offReason(definition, name);
    const state = { name, on: reason === undefined, text: defaultText(definition, name) };
    return reason === undefined ? state : { ...state, reason };
  });
}

/** A finding for each default that is switched off: `default-off-mfa` and so on. */
export function defaultFindings(definition: Definition): Finding[] {
  return defaultsInForce(definition)
    .filter(({ on }) => !on)
    .map(({ name, text, reason }) => ({
      severity: 'warning',
      code: `default-off-${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      message: `\`defaults.${name}\` is off, so it does not hold that ${text}: ${reason}`,
    }));
}
