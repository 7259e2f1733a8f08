// The ARNs of what a definition makes. They are computed, not looked up: that costs no call and cannot name
// something else.
import { iamArn } from '../aws/index.ts';
import type { Definition } from './model.ts';
import { ownedPath } from './ownership.ts';
import { centralAccount } from './selectors.ts';

const partitionOf = (definition: Definition): NonNullable<Definition['partition']> => definition.partition ?? 'aws';
const idOf = (definition: Definition, account: string): string => definition.accounts[account]!.id;

/** The ARN of a role, by its name in the definition, in the account of that name. */
export function roleArn(definition: Definition, key: string, account: string): string {
  const role = definition.roles![key]!;
  return iamArn(partitionOf(definition), idOf(definition, account), 'role', role.name ?? key, role.path);
}

/** The ARN of a person. The definition must have a central account. */
export function personArn(definition: Definition, name: string): string {
  const account = idOf(definition, centralAccount(definition)!);
  return iamArn(partitionOf(definition), account, 'user', name, definition.people?.[name]?.path);
}

/** The path of a policy: its own, or the one that marks what belongs to the definition. */
export function policyPath(definition: Definition, name: string): string {
  return definition.policies?.[name]?.path ?? ownedPath(definition.name ?? 'default');
}

/** The ARN of a policy of the definition in the account of that id. */
export function policyArn(definition: Definition, accountId: string, name: string): string {
  return iamArn(partitionOf(definition), accountId, 'policy', name, policyPath(definition, name));
}

/** The id of the account that an ARN of IAM is of; `undefined` for what is AWS's own. */
export function accountOfArn(arn: string): string | undefined {
  return /^arn:[^:]+:iam::(\d{12}):/.exec(arn)?.[1];
}
