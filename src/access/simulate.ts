// What a call does to an account, told on paper: resources in, resources out. Undo asks it two things: whether AWS
// still shows what a call wrote (then doing it once more changes nothing), and what the account is after its inverse.
// Calls that it does not know it says so of; nothing is guessed.
import { canonicalJson, type Json } from '../base/index.ts';
import type { Call } from './calls.ts';
import { canonicalDocument, type ResolvePrincipal } from './documents.ts';
import { sharedChanges } from './simulate-trusted.ts';
import {
  resourceKey,
  type Document,
  type InstanceProfileResource,
  type PasswordSettings,
  type SeenResource,
  type Tags,
} from './resources.ts';

/** The resources of one account by key. */
export type AccountState = ReadonlyMap<string, SeenResource>;

/** What a call leads to: the new state, or why it cannot be told. */
export type Effect = { readonly state: AccountState } | { readonly unknown: 'call' | 'absent' | 'in-use' };

type Input = Readonly<Record<string, Json>>;
type Of<Kind extends SeenResource['kind']> = Extract<SeenResource, { readonly kind: Kind }>;
type Carrier = Of<'role' | 'user' | 'group'>;
type Change = (state: AccountState, input: Input) => Effect;

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const documentOf = (value: Json | undefined): Document => JSON.parse(text(value)) as Document;
const tagsOf = (value: Json | undefined): Tags =>
  Object.fromEntries(((value ?? []) as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]));

const nameKeys = {
  role: 'RoleName',
  user: 'UserName',
  group: 'GroupName',
  policy: 'PolicyName',
  'instance-profile': 'InstanceProfileName',
} as const;

type NamedKind = keyof typeof nameKeys;

function find<Kind extends SeenResource['kind']>(state: AccountState, kind: Kind, name: string): Of<Kind> | undefined {
  return state.get(resourceKey({ kind, name })) as Of<Kind> | undefined;
}

function put(state: AccountState, resource: SeenResource): Effect {
  return { state: new Map(state).set(resourceKey(resource), resource) };
}

function without(state: AccountState, kind: SeenResource['kind'], name: string): Effect {
  const next = new Map(state);
  next.delete(resourceKey({ kind, name }));
  return { state: next };
}

/** Changes a thing that is there. */
function change<Kind extends NamedKind>(kind: Kind, alter: (had: Of<Kind>, input: Input) => object): Change {
  return (state, input) => {
    const had = find(state, kind, text(input[nameKeys[kind]]));
    return had === undefined ? { unknown: 'absent' } : put(state, { ...had, ...alter(had, input) });
  };
}

/** Makes a thing, or says of one that is there what a creating call would have said. */
function create(kind: NamedKind, made: (input: Input) => object, bare: object): Change {
  return (state, input) => {
    const name = text(input[nameKeys[kind]]);
    const had = find(state, kind, name);
    const path = typeof input['Path'] === 'string' ? input['Path'] : '/';
    return put(state, { kind, name, ...bare, ...had, path, ...made(input) } as unknown as SeenResource);
  };
}

/** Removes a thing that nothing hangs on any more: else AWS would refuse. */
function remove<Kind extends NamedKind>(kind: Kind, inUse: (had: Of<Kind>, state: AccountState) => boolean): Change {
  return (state, input) => {
    const name = text(input[nameKeys[kind]]);
    const had = find(state, kind, name);
    if (had === undefined) return { state };
    return inUse(had, state) ? { unknown: 'in-use' } : without(state, kind, name);
  };
}

const boundaryOf = (input: Input): object => ({
  boundary: typeof input['PermissionsBoundary'] === 'string' ? input['PermissionsBoundary'] : undefined,
});

const carriesPolicies = ({ attached, inline }: Carrier): boolean =>
  attached.length > 0 || Object.keys(inline).length > 0;

const some = (state: AccountState, test: (it: SeenResource) => boolean): boolean => [...state.values()].some(test);

const inProfile = (role: string, state: AccountState): boolean =>
  some(state, (it) => it.kind === 'instance-profile' && it.role === role);

const carrierChanges = (kind: 'role' | 'user' | 'group', noun: string): Record<string, Change> => ({
  [`put${noun}Policy`]: change(kind, (had, input) => ({
    inline: { ...had.inline, [text(input['PolicyName'])]: documentOf(input['PolicyDocument']) },
  })),
  [`delete${noun}Policy`]: change(kind, ({ inline }, input) => {
    const { [text(input['PolicyName'])]: _, ...rest } = inline;
    return { inline: rest };
  }),
  [`attach${noun}Policy`]: change(kind, ({ attached }, input) => ({
    attached: [...new Set([...attached, text(input['PolicyArn'])])].sort(),
  })),
  [`detach${noun}Policy`]: change(kind, ({ attached }, input) => ({
    attached: attached.filter((arn) => arn !== input['PolicyArn']),
  })),
});

const boundaryChanges = (kind: 'role' | 'user', noun: string): Record<string, Change> => ({
  [`put${noun}PermissionsBoundary`]: change(kind, (_, input) => boundaryOf(input)),
  [`delete${noun}PermissionsBoundary`]: change(kind, () => ({ boundary: undefined })),
});

const tagChanges = (kind: 'role' | 'user' | 'instance-profile', noun: string): Record<string, Change> => ({
  [`tag${noun}`]: change(kind, ({ tags }, input) => ({ tags: { ...tags, ...tagsOf(input['Tags']) } })),
  [`untag${noun}`]: change(kind, ({ tags }, input) => {
    const gone = new Set(input['TagKeys'] as string[]);
    return { tags: Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key))) };
  }),
});

const bareCarrier = { attached: [], inline: {} };

const roleChanges: Record<string, Change> = {
  createRole: create(
    'role',
    (input) => ({
      trust: documentOf(input['AssumeRolePolicyDocument']),
      sessionSeconds: Number(input['MaxSessionDuration'] ?? 3600),
      description: text(input['Description']),
      ...(input['PermissionsBoundary'] === undefined ? {} : boundaryOf(input)),
      tags: tagsOf(input['Tags']),
    }),
    bareCarrier,
  ),
  updateAssumeRolePolicy: change('role', (_, input) => ({ trust: documentOf(input['PolicyDocument']) })),
  updateRole: change('role', (_, input) => ({
    sessionSeconds: Number(input['MaxSessionDuration'] ?? 3600),
    description: text(input['Description']),
  })),
  deleteRole: remove('role', (had, state) => carriesPolicies(had) || inProfile(had.name, state)),
};

const userChanges: Record<string, Change> = {
  createUser: create(
    'user',
    (input) => ({
      ...(input['PermissionsBoundary'] === undefined ? {} : boundaryOf(input)),
      tags: tagsOf(input['Tags']),
    }),
    { ...bareCarrier, groups: [] },
  ),
  updateUser: (state, input) => {
    const had = find(state, 'user', text(input['UserName']));
    const name = text(input['NewUserName'] ?? input['UserName']);
    // Done already: the user has the new name.
    const now = had ?? find(state, 'user', name);
    if (now === undefined) return { unknown: 'absent' };
    const next = new Map(state);
    next.delete(resourceKey(now));
    return put(next, { ...now, name, path: text(input['NewPath'] ?? now.path) });
  },
  deleteUser: remove('user', (had) => carriesPolicies(had) || had.groups.length > 0),
  addUserToGroup: change('user', ({ groups }, input) => ({
    groups: [...new Set([...groups, text(input['GroupName'])])].sort(),
  })),
  removeUserFromGroup: change('user', ({ groups }, input) => ({
    groups: groups.filter((group) => group !== input['GroupName']),
  })),
};

/** Its members are shown by the group's new name. */
function moveGroup(state: AccountState, input: Input): Effect {
  const [from, to] = [text(input['GroupName']), text(input['NewGroupName'] ?? input['GroupName'])];
  const now = find(state, 'group', from) ?? find(state, 'group', to);
  if (now === undefined) return { unknown: 'absent' };
  const next = new Map(state);
  next.delete(resourceKey(now));
  for (const [key, it] of state) {
    if (it.kind !== 'user' || !it.groups.includes(from)) continue;
    next.set(key, { ...it, groups: it.groups.map((group) => (group === from ? to : group)) });
  }
  return put(next, { ...now, name: to, path: text(input['NewPath'] ?? now.path) });
}

const groupChanges: Record<string, Change> = {
  updateGroup: moveGroup,
  createGroup: create('group', () => ({}), bareCarrier),
  deleteGroup: remove(
    'group',
    (had, state) => carriesPolicies(had) || some(state, (it) => it.kind === 'user' && it.groups.includes(had.name)),
  ),
};

const policyNameOf = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);

const isUsed = (policy: Of<'policy'>, state: AccountState): boolean =>
  policy.arn !== undefined &&
  some(
    state,
    (it) => 'attached' in it && (it.attached.includes(policy.arn!) || ('boundary' in it && it.boundary === policy.arn)),
  );

const named =
  (change: Change): Change =>
  (state, input) =>
    change(state, { ...input, PolicyName: policyNameOf(text(input['PolicyArn'])) });

const policyChanges: Record<string, Change> = {
  createPolicy: create(
    'policy',
    (input) => ({
      document: documentOf(input['PolicyDocument']),
      ...(input['Description'] === undefined ? {} : { description: text(input['Description']) }),
    }),
    { tags: {} },
  ),
  createPolicyVersion: named(change('policy', (_, input) => ({ document: documentOf(input['PolicyDocument']) }))),
  // Old versions bear on nothing.
  deletePolicyVersion: (state) => ({ state }),
  deletePolicy: named(remove('policy', isUsed)),
};

const profileChanges: Record<string, Change> = {
  createInstanceProfile: create('instance-profile', (input) => ({ tags: tagsOf(input['Tags']) }), {}),
  addRoleToInstanceProfile: change('instance-profile', (_, input) => ({ role: text(input['RoleName']) })),
  removeRoleFromInstanceProfile: change('instance-profile', (had, input): Partial<InstanceProfileResource> =>
    had.role === input['RoleName'] ? { role: undefined } : {},
  ),
  deleteInstanceProfile: remove('instance-profile', ({ role }) => role !== undefined),
};

const settingChanges: Record<string, Change> = {
  updateAccountPasswordPolicy: (state, input) =>
    put(state, {
      kind: 'password-policy',
      name: 'password policy',
      settings: input as unknown as PasswordSettings,
    }),
  deleteAccountPasswordPolicy: (state) => without(state, 'password-policy', 'password policy'),
};

const changes: Readonly<Record<string, Change>> = {
  ...roleChanges,
  ...carrierChanges('role', 'Role'),
  ...boundaryChanges('role', 'Role'),
  ...tagChanges('role', 'Role'),
  ...userChanges,
  ...carrierChanges('user', 'User'),
  ...boundaryChanges('user', 'User'),
  ...tagChanges('user', 'User'),
  ...groupChanges,
  ...carrierChanges('group', 'Group'),
  ...policyChanges,
  ...profileChanges,
  ...tagChanges('instance-profile', 'InstanceProfile'),
  ...settingChanges,
  ...sharedChanges,
};

/** What the account is after a call. */
export function afterCall(state: AccountState, { operation, input }: Call): Effect {
  return Object.hasOwn(changes, operation) ? changes[operation]!(state, input) : { unknown: 'call' };
}

/** A text that is equal for resources of equal meaning. What AWS gives out by itself is left out. */
function meaning(resource: SeenResource, resolve: ResolvePrincipal): string {
  const { uniqueId: _, arn: __, oldVersions: ___, defaultVersion: ____, loginProfile: _____, ...rest } = resource;
  const documents: Record<string, Json> = {};
  if (rest.kind === 'role') documents['trust'] = canonicalDocument(rest.trust, resolve);
  // AWS's bulk reads tell neither tags nor descriptions of policies.
  if (rest.kind === 'policy')
    return `${rest.kind} ${rest.path}${rest.name} ${canonicalDocument(rest.document, resolve)}`;
  if (rest.kind === 'organization-policy') documents['document'] = canonicalDocument(rest.document, resolve);
  if ('inline' in rest) {
    documents['inline'] = Object.fromEntries(
      Object.entries(rest.inline).map(([name, document]) => [name, canonicalDocument(document, resolve)]),
    );
  }
  const lists = {
    ...('attached' in rest ? { attached: rest.attached.toSorted() } : {}),
    ...('targets' in rest ? { targets: rest.targets.toSorted(), policyId: null } : {}),
    ...('clientIds' in rest ? { clientIds: rest.clientIds.toSorted() } : {}),
    ...('groups' in rest ? { groups: rest.groups.toSorted() } : {}),
  };
  return canonicalJson({ ...rest, ...documents, ...lists });
}

/** Whether two states of one resource mean the same; either may be absent. */
export function sameResource(
  a: SeenResource | undefined,
  b: SeenResource | undefined,
  resolve: ResolvePrincipal,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a === b || meaning(a, resolve) === meaning(b, resolve);
}

/** Whether two states of an account mean the same. */
export function sameState(a: AccountState, b: AccountState, resolve: ResolvePrincipal): boolean {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].every((key) => sameResource(a.get(key), b.get(key), resolve));
}
