// What a simulation is told: policies, caller, resources and context, checked and made ready for the policy engine.
import type * as Sdk from '@aws-sdk/client-iam';
import {
  contextOf,
  parsePolicy,
  type AttachedPolicy,
  type ContextValue,
  type DocumentKind,
} from '../../../policy/index.ts';
import type { ResourceSide } from '../../../policy/index.ts';
import { invalidInput } from './failures.ts';

/** What both simulations take. */
export interface SimulationInput {
  readonly ActionNames: readonly string[];
  readonly ResourceArns?: readonly string[] | undefined;
  readonly ResourcePolicy?: string | undefined;
  readonly ResourceOwner?: string | undefined;
  readonly ResourceHandlingOption?: string | undefined;
  readonly ContextEntries?: readonly Sdk.ContextEntry[] | undefined;
  readonly PermissionsBoundaryPolicyInputList?: readonly string[] | undefined;
  readonly MaxItems?: number | undefined;
  readonly Marker?: string | undefined;
}

/** A policy given as text, called as AWS calls it in `SourcePolicyId`. @throws InvalidInput */
export function givenPolicy(text: string, name: string, kind: DocumentKind): AttachedPolicy {
  const { policy, problems } = parsePolicy(text, kind);
  if (policy === undefined) throw invalidInput(`Invalid Input Policy: ${problems[0]!.awsMessage}`);
  return { policy, name };
}

export function givenPolicies(texts: readonly string[] | undefined): readonly AttachedPolicy[] {
  return (texts ?? []).map((text, index) => givenPolicy(text, `PolicyInputList.${index + 1}`, 'identity'));
}

/** The one boundary that may be given. @throws InvalidInput */
export function givenBoundary(input: SimulationInput): AttachedPolicy | undefined {
  const texts = input.PermissionsBoundaryPolicyInputList ?? [];
  if (texts.length > 1) throw invalidInput('Invalid Input: only one permissions boundary policy can be simulated.');
  return texts[0] === undefined ? undefined : givenPolicy(texts[0], 'PermissionsBoundaryPolicyInputList.1', 'identity');
}

/** @throws InvalidInput for an action that is no `service:Operation` or has a wildcard */
export function checkActions(actions: readonly string[]): readonly string[] {
  const wrong = actions.filter((action) => !/^[A-Za-z0-9.-]+:[A-Za-z0-9]+$/.test(action));
  if (wrong.length > 0) throw invalidInput(`Invalid Input Actions: ${wrong.map((name) => `"${name}"`).join(', ')}`);
  return actions;
}

const scenarios: Readonly<Record<string, readonly string[]>> = {
  'EC2-VPC-InstanceStore': ['instance', 'image', 'security-group', 'network-interface'],
  'EC2-VPC-InstanceStore-Subnet': ['instance', 'image', 'security-group', 'network-interface', 'subnet'],
  'EC2-VPC-EBS': ['instance', 'image', 'security-group', 'network-interface', 'volume'],
  'EC2-VPC-EBS-Subnet': ['instance', 'image', 'security-group', 'network-interface', 'subnet', 'volume'],
};

/** The resources of the simulation, `*` when none is named. @throws InvalidInput when a scenario lacks one */
export function resourcesOf(input: SimulationInput): readonly string[] {
  const arns = input.ResourceArns ?? [];
  const option = input.ResourceHandlingOption;
  if (option !== undefined) {
    const wanted = Object.hasOwn(scenarios, option) ? scenarios[option] : undefined;
    if (wanted === undefined) throw invalidInput(`Invalid Resource Handling Option: ${option}`);
    const missing = wanted.filter((type) => !arns.some((arn) => arn.split(':', 6)[5]?.startsWith(`${type}/`)));
    if (missing.length > 0) {
      throw invalidInput(`Invalid Input Resources: ${option} needs resources of type ${missing.join(', ')}`);
    }
  }
  const wrong = arns.find((arn) => arn !== '*' && !/^arn:[^:]*:[^:]+:[^:]*:[^:]*:.+/.test(arn));
  if (wrong !== undefined) throw invalidInput(`Invalid Input Resources: ${wrong} is not a valid ARN`);
  return arns.length === 0 ? ['*'] : arns;
}

/** The account of `ResourceOwner`, an account's ARN or its number. @throws InvalidInput */
export function ownerOf(owner: string | undefined): string | undefined {
  if (owner === undefined) return undefined;
  const [, account] = /^(?:arn:[\w-]+:iam::)?(\d{12})(?::root)?$/.exec(owner) ?? [];
  if (account === undefined) throw invalidInput(`Invalid Resource Owner: ${owner}`);
  return account;
}

/** The resource policy, in force on every resource. @throws InvalidInput */
export function givenResourcePolicy(input: SimulationInput): ResourceSide['policy'] {
  if (input.ResourcePolicy === undefined) return undefined;
  return { kind: 'resource', attached: givenPolicy(input.ResourcePolicy, 'ResourcePolicy', 'resource') };
}

const readable: Readonly<Record<string, (value: string) => boolean>> = {
  numeric: (value) => value.trim() !== '' && Number.isFinite(Number(value)),
  boolean: (value) => /^(?:true|false)$/i.test(value),
  ip: (value) => /^[0-9a-f.:]+(?:\/\d{1,3})?$/i.test(value),
  date: (value) => /^\d+$/.test(value) || !Number.isNaN(Date.parse(value)),
};

/** The context that was given, over what is known of the caller. @throws InvalidInput for a value not of its type */
export function contextFrom(
  entries: readonly Sdk.ContextEntry[] | undefined,
  known: Readonly<Record<string, ContextValue | undefined>>,
): ReturnType<typeof contextOf> {
  const given = (entries ?? []).map((entry) => {
    const { ContextKeyName: name = '', ContextKeyValues: values = [], ContextKeyType: type = 'string' } = entry;
    const isReadable = readable[type.replace(/List$/, '')] ?? (() => true);
    const wrong = values.find((value) => !isReadable(value));
    if (wrong !== undefined) throw invalidInput(`Invalid Context Value: ${wrong} of ${name} is not of type ${type}`);
    return [name, type.endsWith('List') || values.length !== 1 ? values : values[0]!] as const;
  });
  const names = new Set(given.map(([name]) => name.toLowerCase()));
  const kept = Object.entries(known).filter(([name]) => !names.has(name.toLowerCase()));
  return contextOf({ ...Object.fromEntries(kept), ...Object.fromEntries(given) });
}
