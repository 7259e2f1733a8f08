// Passwords: the rules they must meet and the form they are kept in.
import { scryptSync, timingSafeEqual } from 'node:crypto';
import type { Failure, Random } from '../../../base/index.ts';
import { awsFailure } from '../../failures.ts';
import type { PasswordPolicy } from './model.ts';

/** scrypt's N: 4 ms of one core. These passwords open nothing but this emulator. */
const cost = 1024;

/** A salted hash, as `salt:hash` in base64. */
export function hashPassword(password: string, random: Random): string {
  const salt = Buffer.from(random.bytes(16));
  return `${salt.toString('base64')}:${scryptSync(password, salt, 32, { N: cost }).toString('base64')}`;
}

export function isPassword(password: string, hash: string): boolean {
  const [salt = '', expected = ''] = hash.split(':').map((part) => Buffer.from(part, 'base64'));
  return timingSafeEqual(scryptSync(password, salt, 32, { N: cost }), Buffer.from(expected));
}

const upper = /[A-Z]/;
const lower = /[a-z]/;
const digit = /[0-9]/;
const symbol = /[!@#$%^&*()_+\-=[\]{}|']/;

/**
 * Checks a new password against the account's policy, or against AWS's default without one.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
 * @throws PasswordPolicyViolation
 */
export function checkPassword(password: string, policy: PasswordPolicy | undefined): void {
  if (policy === undefined) return checkDefault(password);
  const rules: readonly (readonly [broken: boolean, text: string])[] = [
    [
      password.length < policy.MinimumPasswordLength,
      `have a minimum length of ${policy.MinimumPasswordLength} characters`,
    ],
    [policy.RequireUppercaseCharacters && !upper.test(password), 'have at least one uppercase character'],
    [policy.RequireLowercaseCharacters && !lower.test(password), 'have at least one lowercase character'],
    [policy.RequireNumbers && !digit.test(password), 'have at least one number'],
    [policy.RequireSymbols && !symbol.test(password), 'have at least one symbol'],
  ];
  const broken = rules.find(([isBroken]) => isBroken);
  if (broken !== undefined) throw policyViolation(`Password should ${broken[1]}`);
}

function checkDefault(password: string): void {
  const kinds = [upper, lower, digit, symbol].filter((kind) => kind.test(password)).length;
  if (password.length < 8) throw policyViolation('Password should have a minimum length of 8 characters');
  if (kinds < 3) {
    throw policyViolation(
      'Password should have at least three of uppercase characters, lowercase characters, numbers and symbols',
    );
  }
}

export function policyViolation(message: string): Failure {
  return awsFailure('PasswordPolicyViolation', message, { status: 400 });
}
