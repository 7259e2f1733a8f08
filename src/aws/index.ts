// Our client side of AWS: which AWS is meant, accounts and how they are entered, budgets, retries, ARNs.
export {
  iamArn,
  parseArn,
  partitionOfRegion,
  policyArnProblem,
  rootArn,
  type Arn,
  type IamKind,
  type Partition,
} from './arn.ts';
export {
  openAccounts,
  organizationRole,
  type Account,
  type AccountsOptions,
  type AwsAccounts,
  type Caller,
} from './accounts.ts';
export { Bucket, localRates, sharedRates, type Rates, type Sleep } from './budget.ts';
export { clientSettings, isLoopback, type AwsKeys, type ClientSettings, type Env } from './environment.ts';
export { classifyError, retryDelay, type RetryClass, type RunMemory } from './retry.ts';
