// A small account for the ways up: mallory and worker hold what a case gives them, victim and target are to be had.
import {
  Directory,
  type AccountDetails,
  type AuthorizationDetails,
  type NamedDocument,
} from '../../../src/policy/index.ts';

export const account = '111111111111';
export const arn = (name: string): string => `arn:aws:iam::${account}:${name}`;

export type Grant = readonly [action: string, resource: string];

export interface EscalationCase {
  readonly method: string;
  readonly holder: 'user' | 'role';
  readonly grants: readonly Grant[];
  /** One of these as well. */
  readonly oneOf?: readonly Grant[];
  readonly world?: {
    /** Principal of the target's trust; without it nobody is trusted. */
    readonly trust?: Readonly<Record<string, string>>;
    readonly boundary?: true;
    readonly denial?: 'inline' | 'attached';
    readonly scp?: true;
  };
  readonly ends: { readonly gain: string; readonly certain: boolean; readonly to?: string };
}

export interface Guards {
  /** Statements beside the grants. */
  readonly denies?: readonly object[];
  readonly boundary?: object;
  readonly scp?: object;
}

export const statements = (...list: readonly object[]): { Version: string; Statement: readonly object[] } => ({
  Version: '2012-10-17',
  Statement: list,
});
const allowAll = { Effect: 'Allow', Action: '*', Resource: '*' };
const named = (name: string, ...list: readonly object[]): NamedDocument => ({
  name,
  ...(name.startsWith('arn:') ? { arn: name } : {}),
  document: statements(...list),
});
const harmless = { Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' };
const trust = (principal: object): ReturnType<typeof statements> =>
  statements({ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' });

/** The details of a case in which the holder has exactly `grants`. */
export function detailsOf(
  { holder, world = {} }: EscalationCase,
  grants: readonly Grant[],
  guards: Guards = {},
): AuthorizationDetails {
  const own = grants.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource }));
  const denied = { Effect: 'Deny', Action: 's3:DeleteBucket', Resource: '*' };
  const denial = { inline: [named('denial', denied)], attached: [named(arn('policy/denial'), denied)] };
  const policies = [
    named(
      'grants',
      ...own,
      ...(guards.denies ?? []),
      ...(own.length + (guards.denies ?? []).length === 0 ? [harmless] : []),
    ),
    named(arn('policy/own'), harmless),
    ...(world.denial === undefined ? [] : denial[world.denial]),
  ];
  const boundary = guards.boundary ?? (world.boundary === true ? allowAll : undefined);
  const bounds = boundary === undefined ? {} : { boundary: named(arn('policy/bounds'), boundary) };
  const idle = [named(arn('policy/own'), harmless)];
  const full: AccountDetails = {
    id: account,
    partition: 'aws',
    users: [
      {
        arn: arn('user/mallory'),
        name: 'mallory',
        path: '/',
        groups: ['team'],
        policies: holder === 'user' ? policies : idle,
        ...(holder === 'user' ? bounds : {}),
        tags: {},
      },
      {
        arn: arn('user/victim'),
        name: 'victim',
        path: '/',
        groups: [],
        policies: [named(arn('policy/theirs'), harmless)],
        tags: {},
      },
    ],
    groups: [
      { arn: arn('group/team'), name: 'team', policies: [named('team', harmless)] },
      {
        arn: arn('group/admins'),
        name: 'admins',
        policies: [named('arn:aws:iam::aws:policy/AdministratorAccess', allowAll)],
      },
    ],
    roles: [
      {
        arn: arn('role/worker'),
        name: 'worker',
        path: '/',
        trust: trust({ Service: 'nobody.amazonaws.com' }),
        policies: holder === 'role' ? policies : idle,
        ...(holder === 'role' ? bounds : {}),
        tags: {},
      },
      {
        arn: arn('role/target'),
        name: 'target',
        path: '/',
        trust: trust(world.trust ?? { AWS: arn('user/nobody') }),
        policies: [named(arn('policy/theirs'), harmless)],
        tags: {},
        instanceProfiles: ['target'],
      },
    ],
    scps:
      guards.scp === undefined
        ? world.scp === true
          ? [[named('FullAWSAccess', allowAll)]]
          : []
        : [[named('FullAWSAccess', allowAll), named('fence', guards.scp)]],
    rcps: [],
  };
  return { accounts: [full] };
}

export const holderArn = ({ holder }: EscalationCase): string =>
  arn(holder === 'user' ? 'user/mallory' : 'role/worker');

export const directoryOf = (details: AuthorizationDetails): Directory => new Directory(details);
