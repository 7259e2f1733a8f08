// Console passwords for the first sign-in: made, shown once where the caller said, kept nowhere.
import { randomText, Secret, type Random } from '../base/index.ts';
import type { Account, AwsAccounts } from '../aws/index.ts';
import type { Plan } from './plan.ts';

/** Where a password is shown, once. Called after AWS has taken it. */
export type PasswordSink = (entry: {
  readonly account: string;
  readonly user: string;
  readonly password: Secret;
}) => void;

const classes = [/[A-Z]/, /[a-z]/, /[0-9]/, /[!@#$%^&*()_+=-]/];
const defaultLength = 24;
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789!@#$%^&*()_+=-';

/** 24 characters that satisfy every character class AWS can ask for; about 147 bits. */
export function firstPassword(random: Random, length = defaultLength): Secret {
  for (;;) {
    const text = randomText(random, length, alphabet);
    if (classes.every((pattern) => pattern.test(text))) return new Secret(text);
  }
}

/** As long as the account's password policy demands, and never short. */
async function passwordLength(iam: Account['iam']): Promise<number> {
  const policy = await iam.getAccountPasswordPolicy({}).catch((error: unknown) => {
    if (error instanceof Error && error.name.startsWith('NoSuchEntity')) return undefined;
    throw error;
  });
  return Math.max(defaultLength, policy?.PasswordPolicy?.MinimumPasswordLength ?? 0);
}

/** Gives a first password, to be changed at the first sign-in, to everyone who shall have one and has none. */
export async function makePasswords(
  plan: Plan,
  accounts: AwsAccounts,
  random: Random,
  sink: PasswordSink,
): Promise<void> {
  for (const { account, user } of plan.passwords) {
    const { iam } = await accounts.account(plan.accounts.find(({ name }) => name === account)!.id);
    const password = firstPassword(random, await passwordLength(iam));
    // SECURITY: the one place where a password leaves: to AWS, then to the sink.
    await iam.createLoginProfile({ UserName: user, Password: password.reveal(), PasswordResetRequired: true });
    sink({ account, user, password });
  }
}
