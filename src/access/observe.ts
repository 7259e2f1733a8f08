// What an account holds, by bulk reads: two to four calls an account, however many roles it has, plus one for the
// tags of each instance profile that may be ours and one for each person who shall have a console password.
import type { InstanceProfile } from '@aws-sdk/client-iam';
import type { Organizations } from '@aws-sdk/client-organizations';
import type { Account } from '../aws/index.ts';
import { accessFailure } from './failures.ts';
import { readOrganization } from './observe-organization.ts';
import { looksForProviders, readProviders } from './observe-providers.ts';
import { tagsOf } from './ownership.ts';
import { leaseOf, leasePath, type SeenLease } from './lease-marker.ts';
import { SharedParts } from './share.ts';
import type {
  AccountRef,
  Document,
  PasswordSettings,
  SeenAccount,
  SeenResource,
  Tags,
  WantedAccount,
} from './resources.ts';

type Iam = Account['iam'];
type Details = Awaited<ReturnType<typeof readDetails>>;

interface Named {
  readonly PolicyName?: string | undefined;
  readonly PolicyDocument?: string | undefined;
}

function inlineOf(policies: readonly Named[] | undefined, parts: SharedParts): Readonly<Record<string, Document>> {
  const inline = (policies ?? []).map(({ PolicyName = '', PolicyDocument }) => [
    PolicyName,
    parts.document(PolicyDocument),
  ]);
  return parts.of(Object.fromEntries(inline) as Record<string, Document>);
}

function attachedOf(
  policies: readonly { PolicyArn?: string | undefined }[] | undefined,
  parts: SharedParts,
): readonly string[] {
  return parts.of((policies ?? []).map(({ PolicyArn = '' }) => PolicyArn).sort());
}

const absent = <Value>(error: unknown, value: Value): Value => {
  if (error instanceof Error && error.name.startsWith('NoSuchEntity')) return value;
  throw error;
};

/** All pages of GetAccountAuthorizationDetails, without AWS's own policies. */
async function readDetails(iam: Iam) {
  const pages = [];
  let marker: string | undefined;
  do {
    const page = await iam.getAccountAuthorizationDetails({
      Filter: ['User', 'Group', 'Role', 'LocalManagedPolicy'],
      MaxItems: 1000,
      ...(marker === undefined ? {} : { Marker: marker }),
    });
    pages.push(page);
    marker = page.IsTruncated === true ? page.Marker : undefined;
  } while (marker !== undefined);
  return {
    users: pages.flatMap(({ UserDetailList }) => UserDetailList ?? []),
    groups: pages.flatMap(({ GroupDetailList }) => GroupDetailList ?? []),
    roles: pages.flatMap(({ RoleDetailList }) => RoleDetailList ?? []),
    policies: pages.flatMap(({ Policies }) => Policies ?? []),
  };
}

/** Session length and description by role: the bulk read leaves them out, ListRoles has them. */
async function readRoleSettings(iam: Iam): Promise<Map<string, { sessionSeconds: number; description: string }>> {
  const settings = new Map<string, { sessionSeconds: number; description: string }>();
  let marker: string | undefined;
  do {
    const page = await iam.listRoles({ MaxItems: 1000, ...(marker === undefined ? {} : { Marker: marker }) });
    for (const { RoleName = '', MaxSessionDuration = 3600, Description = '' } of page.Roles ?? []) {
      settings.set(RoleName, { sessionSeconds: MaxSessionDuration, description: Description });
    }
    marker = page.IsTruncated === true ? page.Marker : undefined;
  } while (marker !== undefined);
  return settings;
}

async function readProfiles(
  iam: Iam,
  wanted: WantedAccount,
  details: Details,
): Promise<{ readonly profiles: SeenResource[]; readonly leases: SeenLease[] }> {
  const profiles: InstanceProfile[] = [];
  let marker: string | undefined;
  do {
    const page = await iam.listInstanceProfiles({
      MaxItems: 1000,
      ...(marker === undefined ? {} : { Marker: marker }),
    });
    profiles.push(...(page.InstanceProfiles ?? []));
    marker = page.IsTruncated === true ? page.Marker : undefined;
  } while (marker !== undefined);
  const leases = profiles
    .flatMap(({ InstanceProfileName = '', Path = '' }) => leaseOf(InstanceProfileName, Path) ?? [])
    .sort((a, b) => a.number - b.number);
  const ordinary = profiles.filter(({ Path }) => Path?.startsWith(leasePath) !== true);
  return { profiles: await seenProfiles(iam, wanted, details, ordinary), leases };
}

async function seenProfiles(
  iam: Iam,
  wanted: WantedAccount,
  details: Details,
  profiles: readonly InstanceProfile[],
): Promise<SeenResource[]> {
  const names = new Set(
    wanted.resources.filter(({ kind }) => kind === 'instance-profile').map(({ name }) => name.toLowerCase()),
  );
  const tagged = new Set(
    details.roles
      .filter(({ Tags }) => (Tags ?? []).some(({ Key }) => Key?.startsWith('stint:')))
      .map(({ RoleName }) => RoleName),
  );
  return Promise.all(
    profiles.map(async (profile): Promise<SeenResource> => {
      const {
        InstanceProfileName: name = '',
        Path: path = '/',
        Arn: arn,
        InstanceProfileId: uniqueId,
        Roles,
      } = profile;
      const role = Roles?.[0]?.RoleName;
      // A profile of ours is wanted, or holds a role of ours, or has lost its role: only of those are tags read.
      const maybeOurs = names.has(name.toLowerCase()) || role === undefined || tagged.has(role);
      const tags = maybeOurs ? (await iam.getInstanceProfile({ InstanceProfileName: name })).InstanceProfile?.Tags : [];
      return {
        kind: 'instance-profile',
        name,
        path,
        tags: tagsOf(tags),
        arn,
        uniqueId,
        ...(role === undefined ? {} : { role }),
      };
    }),
  );
}

async function readPasswordPolicy(iam: Iam): Promise<SeenResource[]> {
  const answer = await iam.getAccountPasswordPolicy({}).catch((error: unknown) => absent(error, undefined));
  const policy = answer?.PasswordPolicy;
  if (policy === undefined) return [];
  const settings: PasswordSettings = {
    MinimumPasswordLength: policy.MinimumPasswordLength ?? 6,
    RequireUppercaseCharacters: policy.RequireUppercaseCharacters ?? false,
    RequireLowercaseCharacters: policy.RequireLowercaseCharacters ?? false,
    RequireNumbers: policy.RequireNumbers ?? false,
    RequireSymbols: policy.RequireSymbols ?? false,
    AllowUsersToChangePassword: policy.AllowUsersToChangePassword ?? false,
    HardExpiry: policy.HardExpiry ?? false,
    // AWS answers 0 where none is set.
    ...(policy.MaxPasswordAge ? { MaxPasswordAge: policy.MaxPasswordAge } : {}),
    ...(policy.PasswordReusePrevention ? { PasswordReusePrevention: policy.PasswordReusePrevention } : {}),
  };
  return [{ kind: 'password-policy', name: 'password policy', settings }];
}

async function hasLoginProfile(iam: Iam, user: string): Promise<boolean> {
  return iam.getLoginProfile({ UserName: user }).then(
    () => true,
    (error: unknown) => absent(error, false),
  );
}

function seenUsers(details: Details, logins: ReadonlyMap<string, boolean>, parts: SharedParts): SeenResource[] {
  return details.users.map((user): SeenResource => {
    const { UserName: name = '', Path: path = '/', Arn: arn, UserId: uniqueId } = user;
    const boundary = user.PermissionsBoundary?.PermissionsBoundaryArn;
    return {
      kind: 'user',
      name,
      path,
      groups: (user.GroupList ?? []).toSorted(),
      attached: attachedOf(user.AttachedManagedPolicies, parts),
      inline: inlineOf(user.UserPolicyList, parts),
      ...(boundary === undefined ? {} : { boundary }),
      tags: parts.of(tagsOf(user.Tags)),
      arn,
      uniqueId,
      ...(logins.has(name) ? { loginProfile: logins.get(name) } : {}),
    };
  });
}

function seenRoles(
  details: Details,
  settings: Awaited<ReturnType<typeof readRoleSettings>>,
  parts: SharedParts,
): SeenResource[] {
  return details.roles.map((role): SeenResource => {
    const { RoleName: name = '', Path: path = '/', Arn: arn, RoleId: uniqueId } = role;
    const boundary = role.PermissionsBoundary?.PermissionsBoundaryArn;
    return {
      kind: 'role',
      name,
      path,
      trust: parts.document(role.AssumeRolePolicyDocument),
      ...(settings.get(name) ?? { sessionSeconds: 3600, description: '' }),
      attached: attachedOf(role.AttachedManagedPolicies, parts),
      inline: inlineOf(role.RolePolicyList, parts),
      ...(boundary === undefined ? {} : { boundary }),
      tags: parts.of(tagsOf(role.Tags)),
      arn,
      uniqueId,
    };
  });
}

function seenGroups(details: Details, parts: SharedParts): SeenResource[] {
  return details.groups.map(({ GroupName = '', Path = '/', Arn, GroupId, ...group }) => ({
    kind: 'group',
    name: GroupName,
    path: Path,
    attached: attachedOf(group.AttachedManagedPolicies, parts),
    inline: inlineOf(group.GroupPolicyList, parts),
    arn: Arn,
    uniqueId: GroupId,
  }));
}

/** ARNs of the policies that things of ours carry, or are bounded by. */
function carriedArns({ roles, users, groups }: Details): ReadonlySet<string | undefined> {
  const isMarked = (tags: (typeof roles)[number]['Tags']): boolean =>
    (tags ?? []).some(({ Key }) => Key?.startsWith('stint:'));
  const ours = [
    ...[...roles, ...users].filter(({ Tags }) => isMarked(Tags)),
    ...groups.filter(({ Path }) => Path?.startsWith('/stint/') === true),
  ];
  return new Set(
    ours.flatMap((it) => [
      ...(it.AttachedManagedPolicies ?? []).map(({ PolicyArn }) => PolicyArn),
      ...('PermissionsBoundary' in it ? [it.PermissionsBoundary?.PermissionsBoundaryArn] : []),
    ]),
  );
}

/**
 * Tags of the policies that lie elsewhere than Stint's own and may be ours, since the bulk read leaves tags of policies
 * out: those that are wanted, and those that something of ours carries and that were once taken over.
 */
async function readPolicyTags(iam: Iam, wanted: WantedAccount, details: Details): Promise<ReadonlyMap<string, Tags>> {
  const names = new Set(wanted.resources.flatMap(({ kind, name }) => (kind === 'policy' ? [name] : [])));
  const carried = carriedArns(details);
  const arns = details.policies.flatMap(({ Arn, Path, PolicyName = '' }) =>
    Arn !== undefined && Path?.startsWith('/stint/') !== true && (names.has(PolicyName) || carried.has(Arn))
      ? [Arn]
      : [],
  );
  const read = arns.map(async (arn) => [arn, tagsOf((await iam.listPolicyTags({ PolicyArn: arn })).Tags)] as const);
  return new Map(await Promise.all(read));
}

function seenPolicies(details: Details, tags: ReadonlyMap<string, Tags>, parts: SharedParts): SeenResource[] {
  return details.policies.map(({ Path = '/', Arn, PolicyId, DefaultVersionId, PolicyVersionList }) => {
    const versions = (PolicyVersionList ?? []).toSorted(
      (a, b) => Number(a.VersionId?.slice(1)) - Number(b.VersionId?.slice(1)),
    );
    const current = versions.find((version) => version.VersionId === DefaultVersionId);
    return {
      kind: 'policy',
      name: Arn!.slice(Arn!.lastIndexOf('/') + 1),
      path: Path,
      document: parts.document(current?.Document),
      tags: tags.get(Arn ?? '') ?? {},
      arn: Arn,
      uniqueId: PolicyId,
      defaultVersion: DefaultVersionId,
      oldVersions: versions.flatMap(({ VersionId }) =>
        VersionId === undefined || VersionId === DefaultVersionId ? [] : [VersionId],
      ),
    };
  });
}

/** What observing needs beside an account: for the guard rails of the organisation. */
export interface ObserveContext {
  /** Name of the definition. */
  readonly definition: string;
  readonly organizations: () => Promise<Organizations>;
  /** What the accounts of one look have in common. */
  readonly parts?: SharedParts | undefined;
}

/**
 * Everything in one account that bears on a plan. `wanted` tells what to look for beside what every account is asked.
 * @throws Failure `account-unreadable`.
 */
export async function observeAccount(
  account: Account,
  wanted: WantedAccount,
  context?: ObserveContext,
): Promise<SeenAccount> {
  try {
    const seen = await readAccount(account, wanted, context?.parts ?? new SharedParts());
    const guardrails = context === undefined ? undefined : await readGuardrails(wanted, context);
    if (guardrails === undefined) return seen;
    return { ...seen, ...guardrails, resources: [...seen.resources, ...guardrails.resources] };
  } catch (cause) {
    const { name, message } = cause instanceof Error ? cause : { name: 'Error', message: String(cause) };
    throw accessFailure('account-unreadable', `account \`${wanted.name}\` cannot be read: ${name}: ${message}`, {
      hint: 'the caller needs `iam:Get*` and `iam:List*` there',
      cause,
    });
  }
}

/** Whoever may not look at the organisation sees none: that matters only where guard rails are wanted. */
async function readGuardrails(
  wanted: WantedAccount,
  { definition, organizations }: ObserveContext,
): Promise<Pick<SeenAccount, 'organization' | 'resources' | 'unread'> | undefined> {
  if (wanted.look?.includes('organization') !== true) return undefined;
  try {
    return await readOrganization(await organizations(), wanted, definition);
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('AWSOrganizationsNotInUse')) return undefined;
    // Few definitions have guard rails: a plan without them goes on, and says what it did not see.
    if (error instanceof Error && error.name.startsWith('AccessDenied')) return { resources: [], unread: true };
    throw error;
  }
}

async function readAccount({ iam }: Account, wanted: WantedAccount, parts: SharedParts): Promise<SeenAccount> {
  const [details, settings, password] = await Promise.all([
    readDetails(iam),
    readRoleSettings(iam),
    wanted.look === undefined || wanted.look.includes('password-policy') ? readPasswordPolicy(iam) : [],
  ]);
  const roles = seenRoles(details, settings, parts);
  const providers = looksForProviders(wanted, roles) ? await readProviders(iam) : undefined;
  const { profiles, leases } = await readProfiles(iam, wanted, details);
  const policyTags = await readPolicyTags(iam, wanted, details);
  const people = wanted.console.filter((name) => details.users.some(({ UserName }) => UserName === name));
  const logins = new Map(
    await Promise.all(people.map(async (name) => [name, await hasLoginProfile(iam, name)] as const)),
  );
  const ref: AccountRef = { id: wanted.id, name: wanted.name, stage: wanted.stage };
  return {
    ...ref,
    resources: [
      ...password,
      ...seenPolicies(details, policyTags, parts),
      ...seenGroups(details, parts),
      ...seenUsers(details, logins, parts),
      ...roles,
      ...profiles,
      ...(providers ?? []),
    ],
    ...(providers === undefined ? {} : { providersRead: true }),
    ...(leases.length === 0 ? {} : { leases }),
  };
}
