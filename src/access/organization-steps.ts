// The calls that make, change, attach and remove policies of AWS Organizations. A policy's id is known only when it
// is made, so calls name it by `PolicyName` and `Type`; carrying them out looks the id up.
import { ranks, tagList, type Call, type StepDraft, type StepScope } from './calls.ts';
import { sameMeaning } from './documents.ts';
import type { OrganizationPolicyResource, SeenOrganization } from './resources.ts';
import { tagCalls } from './tag-steps.ts';

type Policy = OrganizationPolicyResource;

const named = ({ name, type }: Policy): Call['input'] => ({ PolicyName: name, Type: type });

/** The id of `root`, `ou/Workloads/Prod` or an account; `undefined` where the organisation has no such unit. */
export function targetId(organization: SeenOrganization, target: string): string | undefined {
  if (target === 'root') return organization.root;
  return target.startsWith('ou/') ? organization.units[target.slice(3)] : target;
}

function attachSteps(want: Policy, seen: Policy | undefined, organization: SeenOrganization): StepDraft[] {
  const call = (verb: 'attach' | 'detach', target: string): Call => ({
    operation: `organizations.${verb}Policy`,
    input: { ...named(want), TargetId: targetId(organization, target) ?? target },
  });
  const had = seen?.targets ?? [];
  const gone = want.mode === 'additive' ? [] : had.filter((it) => !want.targets.includes(it));
  return [
    ...want.targets
      .filter((it) => !had.includes(it))
      .map((it) => ({ ...call('attach', it), rank: ranks.attachGuardrail, inverse: [call('detach', it)] })),
    ...gone.map((it) => ({ ...call('detach', it), rank: ranks.detachGuardrail, inverse: [call('attach', it)] })),
  ];
}

function createCall(policy: Policy): Call {
  return {
    operation: 'organizations.createPolicy',
    input: {
      ...named(policy),
      Description: policy.description,
      Content: JSON.stringify(policy.document),
      Tags: tagList(policy.tags),
    },
  };
}

function updateSteps(want: Policy, seen: Policy): StepDraft[] {
  const same = sameMeaning(want.document, seen.document) && want.description === seen.description;
  if (same) return [];
  const call = (policy: Policy): Call => ({
    operation: 'organizations.updatePolicy',
    input: { ...named(want), Description: policy.description, Content: JSON.stringify(policy.document) },
  });
  return [{ ...call(want), rank: ranks.guardrail, inverse: [call(seen)] }];
}

const tagging = { tag: 'organizations.tagResource', untag: 'organizations.untagResource' };

/** The calls that make or change a guard rail. Its kind of policy is switched on for the organisation first. */
export function guardrailSteps(want: Policy, seen: Policy | undefined, scope: StepScope): StepDraft[] {
  const organization = scope.organization ?? { management: '', root: 'root', units: {}, policyTypes: [want.type] };
  const enable = (verb: 'enable' | 'disable'): Call => ({
    operation: `organizations.${verb}PolicyType`,
    input: { RootId: organization.root, PolicyType: want.type },
  });
  const switchOn: StepDraft[] = organization.policyTypes.includes(want.type)
    ? []
    : [{ ...enable('enable'), rank: ranks.guardrail, inverse: [enable('disable')] }];
  const make: StepDraft[] =
    seen === undefined
      ? [
          {
            ...createCall(want),
            rank: ranks.guardrail,
            inverse: [{ operation: 'organizations.deletePolicy', input: named(want) }],
            provides: scope.arnOf(want),
          },
        ]
      : [...updateSteps(want, seen), ...tagCalls(tagging, named(want), want.tags, seen.tags, ranks.guardrail)];
  return [...switchOn, ...make, ...attachSteps(want, seen, organization)];
}

/** The calls that remove a guard rail: off everything it is attached to, then gone. */
export function guardrailRemoval(seen: Policy, scope: StepScope): StepDraft[] {
  const organization = scope.organization ?? { management: '', root: 'root', units: {}, policyTypes: [seen.type] };
  return [
    ...attachSteps({ ...seen, targets: [] }, seen, organization),
    {
      operation: 'organizations.deletePolicy',
      input: named(seen),
      rank: ranks.removeGuardrail,
      inverse: [createCall(seen)],
    },
  ];
}
