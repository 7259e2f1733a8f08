// After the last wave: AWS is looked at again, until it shows what was wanted. IAM spreads a write within seconds; the
// reads of a run may be answered by a place that has not heard of it.
import { isFailure, type Failure, type Json } from '../base/index.ts';
import type { AwsAccounts, Sleep } from '../aws/index.ts';
import { accessFailure } from './failures.ts';
import { accountsAtOnce, forEachLimited } from './parallel.ts';
import type { Step } from './plan.ts';

const tries = 10;
const pauseMillis = 1000;
/** One good read is no proof: a new profile may come and go for seconds (hashicorp/terraform-provider-aws asks thrice). */
const goodProfileReads = 3;

export interface ReadBackContext {
  readonly accounts: AwsAccounts;
  readonly sleep: Sleep;
  readonly signal?: AbortSignal | undefined;
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

async function holdsRole(context: ReadBackContext, { account, input }: Step): Promise<boolean> {
  const { iam } = await context.accounts.account(account);
  const { InstanceProfile } = await iam.getInstanceProfile({ InstanceProfileName: text(input['InstanceProfileName']) });
  const found = InstanceProfile?.Roles?.[0]?.RoleName === input['RoleName'];
  // Until it is known everywhere a profile may show an id in place of its ARN.
  return found && InstanceProfile?.Arn?.startsWith('arn:') === true;
}

async function isSettled(context: ReadBackContext, step: Step): Promise<boolean> {
  for (let good = 0; good < goodProfileReads; good++) {
    const holds = await holdsRole(context, step).catch((error: unknown) => {
      if (error instanceof Error && error.name.startsWith('NoSuchEntity')) return false;
      throw error;
    });
    if (!holds) return false;
  }
  return true;
}

/** Ids of the resources whose profiles do not show their role every time. */
async function unsettledProfiles(context: ReadBackContext, steps: readonly Step[]): Promise<string[]> {
  const fills = steps.filter(({ operation }) => operation === 'addRoleToInstanceProfile');
  const settled = await forEachLimited(fills, accountsAtOnce, (step) => isSettled(context, step));
  return fills.filter((_, index) => settled[index] !== true).map(({ id }) => id.replace(/#.*$/, ''));
}

/**
 * Waits until AWS shows what `steps` wrote. `remaining` looks again: ids of what differs still, or why that cannot be
 * told. @throws Failure `read-back-differs`, and the one of the last look.
 */
export async function readBack(
  context: ReadBackContext,
  steps: readonly Step[],
  remaining: () => Promise<readonly string[] | Failure>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const differing = await remaining();
    const rest = isFailure(differing) || differing.length > 0 ? differing : await unsettledProfiles(context, steps);
    if (!isFailure(rest) && rest.length === 0) return;
    if (attempt < tries) await context.sleep(pauseMillis, context.signal);
    else if (isFailure(rest)) throw rest;
    else {
      const ids = rest.slice(0, 5).map((id) => `\`${id}\``);
      throw accessFailure(
        'read-back-differs',
        `AWS took every call, but still shows another state of ${ids.join(', ')}`,
        { hint: 'run `stint plan`: somebody else may be changing the same things' },
      );
    }
  }
}
