// Whether a token whose signature is right is one that the role takes, now. Pure; the wall clock judges,
// for issuers know no other. Rules and texts: hashicorp/cap `jwt.Validator`.
import type { Millis } from '../../../base/index.ts';
import type { Claims } from './claims.ts';

export interface Expected {
  /** Empty: any. */
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** Seconds: 0 stands for 150, 150 and 60; negative for none. */
  readonly expirationLeeway: number;
  readonly notBeforeLeeway: number;
  readonly clockSkewLeeway: number;
}

/** Why the token is not taken; undefined when it is. */
export function validityProblem(claims: Claims, expected: Expected, now: Millis): string | undefined {
  const { issuer, subject, audiences } = expected;
  if (issuer !== '' && claims['iss'] !== issuer) return 'invalid issuer (iss) claim';
  if (subject !== '' && claims['sub'] !== subject) return 'invalid subject (sub) claim';
  const given = audiencesOf(claims);
  if (audiences.length > 0 && !audiences.some((audience) => given.includes(audience))) {
    return 'invalid audience (aud) claim: audience claim does not match any expected audience';
  }
  return timeProblem(claims, expected, now / 1000);
}

export function audiencesOf({ aud }: Claims): readonly string[] {
  const list: readonly unknown[] = Array.isArray(aud) ? (aud as readonly unknown[]) : [aud];
  return list.filter((one) => typeof one === 'string');
}

function timeProblem(claims: Claims, expected: Expected, now: number): string | undefined {
  const times = ['iat', 'exp', 'nbf'].map((name) => claims[name] ?? 0);
  const wrong = times.find((time) => typeof time !== 'number' || !Number.isFinite(time));
  if (wrong !== undefined) return `a time in the token is no number: ${JSON.stringify(wrong)}`;
  const [issuedAt, givenEnd, givenStart] = times as [number, number, number];
  if (issuedAt === 0 && givenEnd === 0 && givenStart === 0) {
    return 'no issued at (iat), not before (nbf), or expiration time (exp) claims in token';
  }
  const end = givenEnd || Math.max(issuedAt, givenStart) + leeway(expected.expirationLeeway, 150);
  const start = givenStart || issuedAt || end - leeway(expected.notBeforeLeeway, 150);
  const skew = leeway(expected.clockSkewLeeway, 60);
  if (now + skew < start) return 'invalid not before (nbf) claim: token not yet valid';
  if (now - skew > end) return 'invalid expiration time (exp) claim: token is expired';
  if (now + skew < issuedAt) return 'invalid issued at (iat) claim: token issued in the future';
  return undefined;
}

function leeway(seconds: number, usual: number): number {
  return seconds === 0 ? usual : Math.max(0, seconds);
}
