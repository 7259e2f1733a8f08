// Our client side of AWS: which AWS is meant, accounts and how they are entered, budgets, retries, ARNs.
export { iamArn, policyArnProblem, rootArn, type Partition } from './arn.ts';
export { openAccounts, organizationRole, type Account, type AwsAccounts, type Caller } from './accounts.ts';
export { awsFailure } from './failures.ts';
export { Bucket, type Sleep } from './budget.ts';
export type { Budget } from './lane.ts';
export { leanClient, leanClientAs, type LeanParts } from './lean-client.ts';
export { retryDelay } from './retry.ts';
export { QueryTransport } from './query-transport.ts';
export type { PlainCall } from './plain-call.ts';
