// Roles, groups and people of one account, from their entries. Pure.
import { policyLimits } from '../policy/index.ts';
import type { Partition } from '../aws/index.ts';
import type { Millis } from '../base/index.ts';
import { policyArn } from './arns.ts';
import { documentSize } from './documents.ts';
import { expiryDeny, expiryInlineName, hasEnded } from './expiry.ts';
import { placed, type Finding } from './findings.ts';
import type { Definition, GroupEntry, PersonEntry, RoleEntry } from './model.ts';
import { handling, ownedPath, ownershipTags } from './ownership.ts';
import { compileInline, managedPolicyArn, ownPolicyArn } from './permissions.ts';
import type { AccountRef, Document, Resource, Statement } from './resources.ts';
import { nobodyTrusts, type Assumable, type TrustIndex } from './trust-index.ts';
import { compileTrust, type TrustScope } from './trust.ts';
import { roleIn, sessionSeconds } from './variation.ts';

/** Name of the inline policy by which a group, person or role may assume its roles. */
export const assumeInlineName = 'stint-assume';
/** Name of the inline policy that holds credentials of the old metadata service worthless. */
export const imdsInlineName = 'stint-imdsv2';

export interface CompileScope {
  readonly definition: Definition;
  readonly name: string;
  readonly partition: Partition;
  readonly account: AccountRef;
  readonly findings: Finding[];
  readonly now: Millis;
  readonly trusting: TrustIndex;
}

type PolicyLists = {
  readonly managed?: readonly string[] | undefined;
  readonly policies?: readonly string[] | undefined;
};

/** Whether a policy of the definition is there in the account. */
function policyCounts({ definition, account, now }: CompileScope, name: string): boolean {
  const policy = definition.policies?.[name];
  if (policy === undefined || hasEnded(policy, now)) return false;
  return (policy.only?.includes(account.name) ?? true) && !(policy.except ?? []).includes(account.name);
}

function attachedArns(scope: CompileScope, entry: PolicyLists, resource: string): string[] {
  const managed = (entry.managed ?? []).map((text) => {
    const { arn, findings } = managedPolicyArn(text, scope.partition);
    scope.findings.push(...placed(findings, scope.account, resource));
    return arn;
  });
  const own = (entry.policies ?? [])
    .filter((name) => policyCounts(scope, name))
    .map((name) => policyArn(scope.definition, scope.account.id, name));
  return [...new Set([...own, ...managed])];
}

/** The boundary of a role or person. One that is not there would leave its bearer unbound, so it is an error. */
function boundaryArn(scope: CompileScope, boundary: string | undefined, resource: string): string | undefined {
  if (boundary === undefined) return undefined;
  const own = Object.hasOwn(scope.definition.policies ?? {}, boundary);
  const arn = attachedArns(scope, own ? { policies: [boundary] } : { managed: [boundary] }, resource)[0];
  if (arn === undefined) {
    const ended = hasEnded(scope.definition.policies![boundary]!, scope.now);
    scope.findings.push({
      severity: 'error',
      code: 'boundary-not-there',
      account: scope.account.name,
      resource,
      message: `its boundary, policy \`${boundary}\`, ${ended ? 'has ended' : 'is not made in this account'}: nothing would bound it`,
      hint: ended
        ? 'give the policy another `expires`, or take `boundary` out'
        : 'widen `only` of the policy, or bound it by another',
    });
  }
  return arn;
}

function trustScope({ definition, partition, account, now }: CompileScope, name: string): TrustScope {
  return { definition, partition, account: name, accountId: definition.accounts[name]?.id ?? account.id, now };
}

function assumeDocument({ identity }: Assumable, arns: readonly string[]): Document {
  const Action = identity ? ['sts:AssumeRole', 'sts:SetSourceIdentity'] : 'sts:AssumeRole';
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: arns }] };
}

const sizeOf = (inline: Readonly<Record<string, Document>>): number =>
  Object.values(inline).reduce((sum, document) => sum + documentSize(document), 0);

/** Splits ARNs so that each part's policy fits a managed policy, whatever the order of accounts and roles. */
function chunkArns(assumable: Assumable): string[][] {
  const room = policyLimits.managedPolicy - documentSize(assumeDocument(assumable, []));
  const chunks: string[][] = [[]];
  let used = 0;
  for (const arn of assumable.arns.toSorted()) {
    const size = arn.length + 3;
    if (used + size > room) {
      chunks.push([]);
      used = 0;
    }
    chunks.at(-1)!.push(arn);
    used += size;
  }
  return chunks;
}

/** The right to assume roles, inline where it fits into `room`, else as managed policies. */
function assumeGrant(
  scope: CompileScope,
  carrier: string,
  assumable: Assumable,
  room: number,
): { readonly inline: Record<string, Document>; readonly policies: Resource[]; readonly attached: string[] } {
  if (assumable.arns.length === 0) return { inline: {}, policies: [], attached: [] };
  const document = assumeDocument(assumable, assumable.arns);
  if (documentSize(document) <= room) return { inline: { [assumeInlineName]: document }, policies: [], attached: [] };
  const policies = chunkArns(assumable).map((chunk, index): Resource => {
    const name = `${assumeInlineName}-${carrier}-${index + 1}`;
    const tags = ownershipTags(scope.name, `policy/${name}`, {});
    return { kind: 'policy', name, path: ownedPath(scope.name), document: assumeDocument(assumable, chunk), tags };
  });
  const attached = policies.map(({ name }) => ownPolicyArn(scope.partition, scope.account.id, scope.name, name));
  return { inline: {}, policies, attached };
}

function expiryInline(expires: string | undefined): Record<string, Document> {
  return expires === undefined ? {} : { [expiryInlineName]: expiryDeny(expires) };
}

const imdsDeny: Statement = {
  Effect: 'Deny',
  Action: '*',
  Resource: '*',
  Condition: { NumericLessThan: { 'ec2:RoleDelivery': '2.0' } },
};

/** Requests signed with what version 1 of the metadata service handed out are denied (EC2 guide, `ec2:RoleDelivery`). */
export const imdsDocument: Document = { Version: '2012-10-17', Statement: [imdsDeny] };

function imdsInline({ definition }: CompileScope, role: RoleEntry): Record<string, Document> {
  if (role.instanceProfile === undefined || (definition.defaults?.imdsv2 ?? true) !== true) return {};
  return { [imdsInlineName]: imdsDocument };
}

/** A role, with the policies by which it assumes others and the instance profile that holds it. */
export function compileRole(scope: CompileScope, key: string, entry: RoleEntry): Resource[] {
  const { definition, account } = scope;
  const role = roleIn(definition, entry, account.name);
  if (hasEnded(role, scope.now)) return [];
  const name = role.name ?? key;
  const resource = `role/${name}`;
  const trust = compileTrust(trustScope(scope, account.name), role);
  scope.findings.push(...placed(trust.findings, account, resource));
  const boundary = boundaryArn(scope, role.boundary, resource);
  const inline = {
    ...compileInline(role, account.name, scope.now),
    ...expiryInline(role.expires),
    ...imdsInline(scope, role),
  };
  const targets = scope.trusting.get(`role/${account.name}/${key}`) ?? nobodyTrusts;
  const grant = assumeGrant(scope, name, targets, policyLimits.roleInline - sizeOf(inline));
  const roleResource: Resource = {
    kind: 'role',
    name,
    path: role.path ?? '/',
    trust: trust.document,
    sessionSeconds: sessionSeconds(definition, entry, account.name),
    description: role.description ?? '',
    ...(boundary === undefined ? {} : { boundary }),
    attached: [...attachedArns(scope, role, resource), ...grant.attached],
    inline: { ...inline, ...grant.inline },
    tags: ownershipTags(scope.name, `role/${key}`, role),
    ...handling(role),
  };
  if (role.instanceProfile === undefined) return [...grant.policies, roleResource];
  const profile = role.instanceProfile === true ? name : role.instanceProfile;
  const tags = ownershipTags(scope.name, `instance-profile/${profile}`, role);
  const { mode, protect } = handling(role);
  const held = { ...(mode === 'observe' ? { mode } : {}), ...(protect === true ? { protect } : {}) };
  return [
    ...grant.policies,
    roleResource,
    { kind: 'instance-profile', name: profile, path: '/', role: name, tags, ...held },
  ];
}

/** A group has no condition of its own that ends it: what it carries from elsewhere ends with its removal only. */
function groupExpiryFindings(scope: CompileScope, name: string, group: GroupEntry): void {
  const carried = [...(group.managed ?? []), ...(group.policies ?? [])];
  if (group.expires === undefined || carried.length === 0) return;
  scope.findings.push({
    severity: 'warning',
    code: 'expiry-not-in-policy',
    account: scope.account.name,
    resource: `group/${name}`,
    message: `ends with the first apply after ${group.expires} only: a condition cannot be put into ${carried.map((it) => `\`${it}\``).join(', ')}`,
    hint: 'give the group `statements` of its own, or roles to assume: those end by themselves',
  });
}

/** A group, with the policies by which it assumes roles. */
export function compileGroup(scope: CompileScope, name: string, group: GroupEntry): Resource[] {
  if (hasEnded(group, scope.now)) return [];
  groupExpiryFindings(scope, name, group);
  const inline = compileInline(group, scope.account.name, scope.now, group.expires);
  const targets = scope.trusting.get(`group/${name}`) ?? nobodyTrusts;
  const grant = assumeGrant(scope, name, targets, policyLimits.groupInline - sizeOf(inline));
  return [
    ...grant.policies,
    {
      kind: 'group',
      name,
      path: ownedPath(scope.name, handling(group).protect),
      attached: [...attachedArns(scope, group, `group/${name}`), ...grant.attached],
      inline: { ...inline, ...grant.inline },
      ...handling(group),
    },
  ];
}

/** A person, with the policies by which they assume the roles that trust them by name. */
export function compilePerson(scope: CompileScope, name: string, person: PersonEntry): Resource[] {
  if (hasEnded(person, scope.now)) return [];
  const boundary = boundaryArn(scope, person.boundary, `user/${name}`);
  const inline = { ...compileInline(person, scope.account.name, scope.now), ...expiryInline(person.expires) };
  const targets = scope.trusting.get(`person/${name}`) ?? nobodyTrusts;
  const grant = assumeGrant(scope, name, targets, policyLimits.userInline - sizeOf(inline));
  const groups = [...new Set(person.groups)].filter((group) => {
    const entry = scope.definition.groups?.[group];
    return entry !== undefined && !hasEnded(entry, scope.now);
  });
  return [
    ...grant.policies,
    {
      kind: 'user',
      name,
      path: person.path ?? '/',
      groups,
      attached: [...attachedArns(scope, person, `user/${name}`), ...grant.attached],
      inline: { ...inline, ...grant.inline },
      ...(boundary === undefined ? {} : { boundary }),
      tags: ownershipTags(scope.name, `person/${name}`, person),
      ...handling(person),
    },
  ];
}
