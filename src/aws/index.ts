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
