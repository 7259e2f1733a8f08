// What a service last accessed report may be about: a user, group, role or policy by its ARN, the policies that
// speak for it and the users and roles behind it.
import type * as Sdk from '@aws-sdk/client-iam';
import type { Call, Permission } from '../../call.ts';
import {
  find,
  groupNoun,
  idsUnder,
  permissionOn,
  policyNoun,
  roleNoun,
  userNoun,
  type Entity,
  type Noun,
} from './entities.ts';
import { invalidInput, noSuchEntity } from './failures.ts';
import { defaultVersionOf, findPolicy } from './managed.ts';
import { groups, policyUsers, roles, users, type Group, type Identity } from './model.ts';

/** One policy, as ListPoliciesGrantingServiceAccess shows it. */
interface Source {
  readonly shape: Sdk.PolicyGrantingServiceAccess;
  readonly document: string;
}

interface Subject {
  readonly sources: readonly Source[];
  /** Unique ids. */
  readonly entities: readonly string[];
}

const nouns: Readonly<Record<string, Noun<Entity>>> = {
  user: userNoun,
  group: groupNoun,
  role: roleNoun,
  policy: policyNoun,
};

interface ParsedArn {
  readonly noun: Noun<Entity>;
  readonly name: string;
}

/** @throws InvalidInput */
function parseArn(arn: string): ParsedArn {
  const [, type = '', name = ''] = /^arn:[\w-]+:iam::(?:\d{12}|aws):(\w+)\/(?:.*\/)?([^/]+)$/.exec(arn) ?? [];
  const noun = nouns[type];
  if (noun === undefined) throw invalidInput(`ARN ${arn} is not valid.`);
  return { noun, name };
}

/** @throws InvalidInput when `arn` is of nothing a report may be about */
export function permissionOnSubject(call: Call, action: string, arn: string): Permission {
  const { noun, name } = parseArn(arn);
  return { ...permissionOn(noun, call, action, name), resource: arn };
}

/** @throws InvalidInput, NoSuchEntity */
export function needSubject(call: Call, arn: string): Subject {
  const { noun, name } = parseArn(arn);
  if (noun.type === 'policy') return policySubject(call, arn);
  const row = find(noun, call, name);
  if (row?.arn !== arn) throw noSuchEntity(noun.missing(name));
  const identity = row as Identity;
  if (noun.type === 'group') {
    const members = (identity as Group).members.flatMap(
      (id) => call.world.table(users).get(call.account, id)?.id ?? [],
    );
    return { sources: sourcesOf(call, identity, 'GROUP'), entities: members };
  }
  if (noun.type === 'role') return { sources: sourcesOf(call, identity, 'ROLE'), entities: [identity.id] };
  return { sources: [...sourcesOf(call, identity, 'USER'), ...groupSources(call, name)], entities: [identity.id] };
}

function groupSources(call: Call, userName: string): readonly Source[] {
  const memberships = find(userNoun, call, userName)?.groups ?? [];
  return memberships.flatMap((id) => {
    const group = call.world.table(groups).get(call.account, id);
    return group === undefined ? [] : sourcesOf(call, group, 'GROUP');
  });
}

/** Attached and inline policies of one user, group or role. */
function sourcesOf(call: Call, row: Identity, EntityType: 'USER' | 'GROUP' | 'ROLE'): readonly Source[] {
  const inline = Object.entries(row.inline).map(([PolicyName, document]) => ({
    shape: { PolicyName, PolicyType: 'INLINE' as const, EntityType, EntityName: row.name },
    document,
  }));
  return [...row.attached.flatMap((arn) => managedSource(call, arn)), ...inline];
}

function managedSource(call: Call, arn: string): readonly Source[] {
  const policy = findPolicy(call, arn);
  if (policy === undefined) return [];
  return [
    {
      shape: { PolicyName: policy.name, PolicyType: 'MANAGED', PolicyArn: arn },
      document: defaultVersionOf(policy).document,
    },
  ];
}

/** A policy speaks for itself; behind it are the users and roles that have it, members of groups too. */
function policySubject(call: Call, arn: string): Subject {
  const sources = managedSource(call, arn);
  if (sources.length === 0) throw noSuchEntity(`Policy ${arn} was not found.`);
  const entities = new Set<string>();
  for (const [user] of idsUnder(call, policyUsers, `${arn} attached `)) {
    for (const id of entityIds(call, user)) entities.add(id);
  }
  return { sources, entities: [...entities] };
}

/** `user` is `user|group|role NAME`. */
function entityIds(call: Call, user: string): readonly string[] {
  const [kind, name] = user.split(' ', 2) as [string, string];
  if (kind === 'role') return [call.world.table(roles).get(call.account, name)?.id ?? []].flat();
  const members = kind === 'user' ? [name] : (call.world.table(groups).get(call.account, name)?.members ?? []);
  return members.flatMap((member) => call.world.table(users).get(call.account, member)?.id ?? []);
}
