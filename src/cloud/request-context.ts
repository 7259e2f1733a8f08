// The global condition keys of a request, filled with what is true of this caller, call and resource.
// Source: IAM user guide, "AWS global condition context keys" and, for the caller's keys, the table
// "Principal key values" of "Using policy variables". A key that AWS would leave out is left out.
import { isoSeconds } from '../base/index.ts';
import { contextOf, type Context, type ContextValue, type Principal } from '../policy/index.ts';
import type { Call, Permission, ServiceId } from './call.ts';
import type { Credential, SessionTag } from './credential.ts';
import { userIdOf } from './services/iam/lookup.ts';
import { organizationPath } from './services/organizations/tree.ts';
import type { World } from './world.ts';

/** A key that AWS would leave out is undefined. */
export type Keys = Record<string, ContextValue | undefined>;

/** Every key of `call` for one permission. `tags` are the caller's: of its user or role and its session, later ones win. */
export function requestContext(call: Call, permission: Permission, tags: readonly SessionTag[]): Context {
  const resourceAccount = accountOfResource(permission) ?? call.account;
  return contextOf({
    ...principalKeys(permission.principal ?? call.principal, tags, call.world.seen),
    ...(permission.principal === undefined ? sessionKeys(call.credential, call.clock.now()) : {}),
    ...callKeys(call),
    ...resourceKeys(resourceAccount, call.world.seen),
    ...permission.context,
  });
}

/**
 * Keys of a call that an AWS service makes by itself on something of `account`. Those of the resource for which it
 * calls (`aws:SourceArn` and the like) are not among them: not every service gives them.
 */
export function serviceKeys(service: string, account: string, now: number, world: World): Keys {
  return {
    ...principalKeys({ type: 'Service', service }, [], world),
    'aws:CurrentTime': isoSeconds(now),
    'aws:EpochTime': Math.floor(now / 1000),
    'aws:SecureTransport': true,
    ...resourceKeys(account, world),
  };
}

/**
 * The keys of the resource for which a service calls.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourcearn
 */
export function sourceKeys(arn: string, account: string, world: World): Keys {
  return { 'aws:SourceArn': arn, 'aws:SourceAccount': account, ...organizationKeys('Source', account, world) };
}

/** The account that owns the permission's resource; undefined for `*` and for ARNs that name none. */
export function accountOfResource({ resource, resourceAccount }: Permission): string | undefined {
  if (resourceAccount !== undefined) return resourceAccount;
  const account = resource.split(':', 5)[4];
  return account === undefined || account === '' ? undefined : account;
}

function principalKeys(principal: Principal, tags: readonly SessionTag[], world: World): Keys {
  switch (principal.type) {
    case 'Anonymous':
      return { 'aws:PrincipalType': 'Anonymous', 'aws:PrincipalAccount': 'anonymous', 'aws:userid': 'anonymous' };
    case 'Federated':
      return { 'aws:FederatedProvider': principal.provider };
    case 'Service':
      return {
        'aws:PrincipalIsAWSService': true,
        'aws:PrincipalServiceName': principal.service,
        'aws:PrincipalServiceNamesList': [principal.service],
      };
    default:
      return {
        ...identityKeys(principal),
        'aws:PrincipalAccount': principal.account,
        'aws:PrincipalIsAWSService': false,
        ...organizationKeys('Principal', principal.account, world),
        ...Object.fromEntries(tags.map(({ key, value }) => [`aws:PrincipalTag/${key}`, value])),
      };
  }
}

function identityKeys(principal: Extract<Principal, { account: string }>): Keys {
  return {
    'aws:PrincipalArn': principal.type === 'AssumedRole' ? principal.roleArn : principal.arn,
    'aws:PrincipalType': principal.type === 'Root' ? 'Account' : principal.type,
    'aws:userid': userIdOf(principal),
    'aws:username': principal.type === 'User' ? principal.userName : undefined,
  };
}

function sessionKeys(credential: Credential | undefined, now: number): Keys {
  const session = credential?.session;
  if (session === undefined) return {};
  return {
    'aws:TokenIssueTime': isoSeconds(session.issuedAt),
    'aws:MultiFactorAuthPresent': session.mfaAt !== undefined,
    'aws:MultiFactorAuthAge': session.mfaAt === undefined ? undefined : Math.floor((now - session.mfaAt) / 1000),
    'aws:SourceIdentity': session.sourceIdentity,
    'aws:FederatedProvider': session.federatedProvider,
    'aws:AssumedRoot': session.taskPolicyArn === undefined ? undefined : true,
    ...session.originKeys,
  };
}

function callKeys(call: Call): Keys {
  const now = call.clock.now();
  return {
    'aws:CurrentTime': isoSeconds(now),
    'aws:EpochTime': Math.floor(now / 1000),
    'aws:SourceIp': call.http.sourceIp,
    'aws:SecureTransport': call.http.secure,
    'aws:UserAgent': call.http.userAgent === '' ? undefined : call.http.userAgent,
    'aws:Referer': call.http.referer,
    'aws:RequestedRegion': requestedRegion(call),
    'aws:ViaAWSService': false,
  };
}

const globalServices: ReadonlySet<ServiceId> = new Set(['iam', 'organizations']);
const homeRegions: Readonly<Record<string, string>> = { 'aws-us-gov': 'us-gov-west-1', 'aws-cn': 'cn-north-1' };

/** The region of the endpoint that answers: a service without regions answers from one of its partition. */
function requestedRegion(call: Call): string {
  return globalServices.has(call.service) ? (homeRegions[call.partition] ?? 'us-east-1') : call.region;
}

function resourceKeys(account: string, world: World): Keys {
  if (account === '') return {};
  return { 'aws:ResourceAccount': account, ...organizationKeys('Resource', account, world) };
}

function organizationKeys(side: 'Principal' | 'Resource' | 'Source', account: string, world: World): Keys {
  const path = organizationPath(world, account);
  if (path === undefined) return {};
  return { [`aws:${side}OrgID`]: world.organizationId, [`aws:${side}OrgPaths`]: [path] };
}
