// The calls that bring the policies of a role, user or group to what is wanted: attached ones, inline ones, boundary.
// Denies come before what they hold back and go after it; old ones make room early only where both do not fit.
import { policyLimits } from '../policy/index.ts';
import { ranks, type Call, type StepDraft } from './calls.ts';
import { documentSize, sameMeaning } from './documents.ts';
import type { Document, GroupResource, RoleResource, UserResource } from './resources.ts';

type Carrier = RoleResource | UserResource | GroupResource;

const carrierWords = {
  role: { key: 'RoleName', noun: 'Role' },
  user: { key: 'UserName', noun: 'User' },
  group: { key: 'GroupName', noun: 'Group' },
} as const;

/** Policies an identity may carry by default (IAM quotas); where an account has more, room is made a little early. */
const attachmentLimit = 10;

interface CarrierSteps {
  readonly grants: StepDraft[];
  readonly removals: StepDraft[];
}

function attachmentSteps(want: Carrier, had: readonly string[]): CarrierSteps {
  const { key, noun } = carrierWords[want.kind];
  const call = (verb: 'attach' | 'detach', PolicyArn: string): Call => ({
    operation: `${verb}${noun}Policy`,
    input: { [key]: want.name, PolicyArn },
  });
  const grants = want.attached
    .filter((arn) => !had.includes(arn))
    .map((arn) => ({ ...call('attach', arn), rank: ranks.grant, inverse: [call('detach', arn)], needs: [arn] }));
  const removals = had
    .filter((arn) => !want.attached.includes(arn))
    .map((arn) => ({ ...call('detach', arn), rank: ranks.revoke, inverse: [call('attach', arn)] }));
  const tooMany = grants.length === 0 ? 0 : Math.max(0, had.length + grants.length - attachmentLimit);
  return makeRoom({ grants, removals }, tooMany);
}

/** Lets the first removals go before the grants: where both do not fit, AWS would refuse the grants for ever. */
function makeRoom({ grants, removals }: CarrierSteps, count: number): CarrierSteps {
  const early = removals.slice(0, count).map((step) => ({ ...step, rank: ranks.grant }));
  return { grants: [...early, ...grants], removals: removals.slice(count) };
}

function inlineSteps(want: Carrier, had: Readonly<Record<string, Document>>): CarrierSteps {
  const { key, noun } = carrierWords[want.kind];
  const put = (PolicyName: string, document: Document): Call => ({
    operation: `put${noun}Policy`,
    input: { [key]: want.name, PolicyName, PolicyDocument: JSON.stringify(document) },
  });
  const remove = (PolicyName: string): Call => ({
    operation: `delete${noun}Policy`,
    input: { [key]: want.name, PolicyName },
  });
  // IAM takes `constructor` and `__proto__` for names like any other.
  const before = (name: string): Document | undefined => (Object.hasOwn(had, name) ? had[name] : undefined);
  const inverseOf = (name: string): Call => {
    const old = before(name);
    return old === undefined ? remove(name) : put(name, old);
  };
  const isThere = (name: string, document: Document): boolean => {
    const old = before(name);
    return old !== undefined && sameMeaning(old, document);
  };
  const grants = Object.entries(want.inline)
    .filter(([name, document]) => !isThere(name, document))
    .map(([name, document]) => ({
      ...put(name, document),
      rank: ranks.grant,
      inverse: [inverseOf(name)],
    }));
  const removals = Object.entries(had)
    .filter(([name]) => !Object.hasOwn(want.inline, name))
    .map(([name, document]) => ({ ...remove(name), rank: ranks.revoke, inverse: [put(name, document)] }));
  const both = Object.values({ ...had, ...want.inline }).reduce((sum, document) => sum + documentSize(document), 0);
  const fits = grants.length === 0 || both <= policyLimits[`${want.kind}Inline`];
  return makeRoom({ grants, removals }, fits ? 0 : removals.length);
}

/** Inline policies hold the denies: they are put before anything is attached, and go after everything is detached. */
export function carrierSteps(want: Carrier, seen: Carrier | undefined): StepDraft[] {
  const attached = attachmentSteps(want, seen?.attached ?? []);
  const inline = inlineSteps(want, seen?.inline ?? {});
  return [...inline.grants, ...attached.grants, ...attached.removals, ...inline.removals];
}

/** A boundary is set before anything is granted; it goes when what it held back has gone. */
export function boundarySteps(
  want: RoleResource | UserResource,
  seen: RoleResource | UserResource | undefined,
): StepDraft[] {
  if (seen === undefined || want.boundary === seen.boundary) return [];
  const { key, noun } = carrierWords[want.kind];
  const put = (arn: string): Call => ({
    operation: `put${noun}PermissionsBoundary`,
    input: { [key]: want.name, PermissionsBoundary: arn },
  });
  const remove: Call = { operation: `delete${noun}PermissionsBoundary`, input: { [key]: want.name } };
  const inverse = [seen.boundary === undefined ? remove : put(seen.boundary)];
  if (want.boundary === undefined) return [{ ...remove, rank: ranks.revoke, inverse }];
  return [{ ...put(want.boundary), rank: ranks.trust, inverse, needs: [want.boundary] }];
}
