// The policy simulator's operations: what would be allowed, and which context keys policies ask for.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
import type * as Sdk from '@aws-sdk/client-iam';
import { contextKeysOf, type AttachedPolicy, type ContextValue, type Principal } from '../../../policy/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import { find, groupNoun, need, permissionOn, permissionOnAll, roleNoun, userNoun } from './entities.ts';
import { invalidInput } from './failures.ts';
import { memberOf } from '../organizations/tree.ts';
import { entityPolicies, scpsOf } from './lookup.ts';
import type { Group, Role, User } from './model.ts';
import { afterMarker, pageOf } from './page.ts';
import type { Parsed } from './shapes.ts';
import { simulate, type Scene } from './simulation.ts';
import {
  checkActions,
  contextFrom,
  givenBoundary,
  givenPolicies,
  givenPolicy,
  givenResourcePolicy,
  ownerOf,
  resourcesOf,
  type SimulationInput,
} from './simulation-input.ts';

const nouns = { user: userNoun, group: groupNoun, role: roleNoun } as const;

interface EntityName {
  readonly account: string;
  readonly kind: keyof typeof nouns;
  readonly name: string;
}

/** @throws InvalidInput when it is not the ARN of a user, group or role */
function entityName(arn: string): EntityName {
  const [, account, kind, name] = /^arn:[\w-]+:iam::(\d{12}):(user|group|role)\/(?:.*\/)?([^/]+)$/.exec(arn) ?? [];
  if (account === undefined || name === undefined) {
    throw invalidInput(`Invalid Entity Arn: ${arn} does not clearly define entity type and name.`);
  }
  return { account, kind: kind as keyof typeof nouns, name };
}

/** The entity whose policies are asked about. @throws InvalidInput, NoSuchEntity */
function needEntity(call: Call, arn: string): User | Group | Role {
  const { account, kind, name } = entityName(arn);
  if (account !== call.account) {
    throw invalidInput(
      `Invalid Policy Source Arn: caller's account ${call.account} does not have access to policies in account ${account}`,
    );
  }
  return need<User | Group | Role>(nouns[kind], call, name);
}

function permissionOnSource(call: Call, action: string, arn: string): Permission {
  const [, account, kind, name] = /^arn:[\w-]+:iam::(\d{12}):(user|group|role)\/(?:.*\/)?([^/]+)$/.exec(arn) ?? [];
  // Another account's is refused by the operation itself, to whoever may simulate at all.
  if (account !== call.account || name === undefined) {
    return { action: `iam:${action}`, resource: arn, resourceAccount: call.account };
  }
  return permissionOn(nouns[kind as keyof typeof nouns] as never, call, action, name);
}

/** The simulated caller and what is known of it. A caller need not exist; a resource policy asks for a user. */
function callerOf(
  call: Call,
  arn: string | undefined,
  input: SimulationInput,
): { principal: Principal; keys: Record<string, ContextValue | undefined> } {
  if (input.ResourcePolicy !== undefined && (arn === undefined || entityName(arn).kind !== 'user')) {
    throw invalidInput('Invalid caller - Caller must be an IAM user in this context.');
  }
  if (arn === undefined) {
    const principal = { type: 'User', account: call.account, arn: '', userId: '', userName: '' } as const;
    return { principal, keys: {} };
  }
  const { account, kind, name } = entityName(arn);
  const id = find<User | Group | Role>(nouns[kind], { world: call.world, account }, name)?.id ?? '';
  const keys = { 'aws:PrincipalArn': arn, 'aws:PrincipalAccount': account };
  if (kind === 'role') {
    const principal: Principal = {
      type: 'AssumedRole',
      account,
      arn,
      roleArn: arn,
      roleId: id,
      sessionName: '',
      serviceLinked: arn.includes(':role/aws-service-role/'),
    };
    return { principal, keys: { ...keys, 'aws:PrincipalType': 'AssumedRole' } };
  }
  const principal: Principal = { type: 'User', account, arn, userId: id, userName: name };
  if (kind === 'group') return { principal, keys };
  const userKeys = { 'aws:PrincipalType': 'User', 'aws:username': name, 'aws:userid': id === '' ? undefined : id };
  return { principal, keys: { ...keys, ...userKeys } };
}

type Policies = Pick<Scene, 'policies' | 'organization'>;

function run(
  call: Call,
  input: SimulationInput,
  caller: string | undefined,
  policies: Policies,
): Sdk.SimulatePolicyResponse {
  const { principal, keys } = callerOf(call, caller, input);
  const actions = checkActions(input.ActionNames);
  const resources = resourcesOf(input);
  const scene: Scene = {
    ...policies,
    principal,
    context: contextFrom(input.ContextEntries, keys),
    owner: ownerOf(input.ResourceOwner),
    resourcePolicy: givenResourcePolicy(input),
  };
  const from = Number(afterMarker(input.Marker) ?? -1) + 1;
  const size = pageSize(input.MaxItems, resources.length);
  const results = Array.from(simulate(scene, actions.slice(from, from + size + 1), resources));
  const rows = results.map((result, index) => [String(from + index), result] as const);
  const { items, ...page } = pageOf(rows, { MaxItems: size }, (result) => result);
  return { EvaluationResults: [...items], ...page };
}

/** Results of one page. Over very many resources there are fewer than asked for, as IAM may do, so that no call takes long. */
function pageSize(asked = 100, resources: number): number {
  return Math.max(1, Math.min(asked, Math.floor(20_000 / resources)));
}

const simulateCustomPolicy = operation<Parsed<Sdk.SimulateCustomPolicyRequest>, Sdk.SimulatePolicyResponse>({
  depth: 'The `EvalResourceName` of a result over several resources is `*`.',
  permissions: () => [permissionOnAll('SimulateCustomPolicy')],
  handle: (input, call) => {
    const levels = (input.OrderedOrganizationPolicyInputList ?? []).map((level, at) =>
      (level.ServiceControlPolicyInputList ?? []).map((text, index) =>
        givenPolicy(text, `OrderedOrganizationPolicyInputList.${at + 1}.${index + 1}`, 'scp'),
      ),
    );
    const policies = { identity: givenPolicies(input.PolicyInputList), boundary: givenBoundary(input), scps: levels };
    return run(call, input, input.CallerArn, { policies, organization: levels.length > 0 });
  },
});

const simulatePrincipalPolicy = operation<Parsed<Sdk.SimulatePrincipalPolicyRequest>, Sdk.SimulatePolicyResponse>({
  depth: 'The `EvalResourceName` of a result over several resources is `*`.',
  permissions: (input, call) => [permissionOnSource(call, 'SimulatePrincipalPolicy', input.PolicySourceArn)],
  handle: (input, call) => {
    const row = needEntity(call, input.PolicySourceArn);
    const own = entityPolicies(row, call);
    const isServiceLinked = row.arn.includes(':role/aws-service-role/');
    const policies = {
      identity: [...own.identity, ...givenPolicies(input.PolicyInputList)],
      boundary: givenBoundary(input) ?? own.boundary,
      scps: isServiceLinked ? [] : scpsOf(call.account, call.world),
    };
    const organization = memberOf(call.world, call.account) !== undefined;
    return run(call, input, input.CallerArn ?? input.PolicySourceArn, { policies, organization });
  },
});

function keysOf(policies: readonly AttachedPolicy[]): Sdk.GetContextKeysForPolicyResponse {
  return { ContextKeyNames: [...contextKeysOf(policies.map(({ policy }) => policy.document))] };
}

const getContextKeysForCustomPolicy = operation<
  Parsed<Sdk.GetContextKeysForCustomPolicyRequest>,
  Sdk.GetContextKeysForPolicyResponse
>({
  permissions: () => [permissionOnAll('GetContextKeysForCustomPolicy')],
  handle: (input) => keysOf(givenPolicies(input.PolicyInputList)),
});

const getContextKeysForPrincipalPolicy = operation<
  Parsed<Sdk.GetContextKeysForPrincipalPolicyRequest>,
  Sdk.GetContextKeysForPolicyResponse
>({
  permissions: (input, call) => [permissionOnSource(call, 'GetContextKeysForPrincipalPolicy', input.PolicySourceArn)],
  handle: (input, call) => {
    const { identity } = entityPolicies(needEntity(call, input.PolicySourceArn), call);
    return keysOf([...identity, ...givenPolicies(input.PolicyInputList)]);
  },
});

export const simulateOperations = {
  SimulateCustomPolicy: simulateCustomPolicy,
  SimulatePrincipalPolicy: simulatePrincipalPolicy,
  GetContextKeysForCustomPolicy: getContextKeysForCustomPolicy,
  GetContextKeysForPrincipalPolicy: getContextKeysForPrincipalPolicy,
};
