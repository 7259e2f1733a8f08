// The paths that Stint adds below a mount of the AWS engine, beside Vault's.
import { enginePath, type PathRow } from '../engine.ts';
import { accountFields, handleAccount, listAccounts } from './accounts.ts';
import type { Clock } from '../../../base/index.ts';
import { handleMountOptions, optionFields } from './options.ts';
import { handleOrphans } from './orphans.ts';
import { handleRoleInfo } from './role-info.ts';
import type { ClientsOf, RoleSessions } from './role-sessions.ts';
import { handleRootInfo } from './root-info.ts';

export interface StintPathParts {
  readonly clock: Clock;
  readonly clientsOf: ClientsOf;
  readonly sessions: RoleSessions;
}

export function stintPaths({ clock, clientsOf, sessions }: StintPathParts): readonly PathRow[] {
  return [
    ...configPaths,
    enginePath({
      pattern: 'stint/root',
      operations: ['read'],
      summary: 'Whose key the mount acts with, and its age.',
      fields: {},
      handle: (call) => handleRootInfo(call, clientsOf, clock),
    }),
    enginePath({
      pattern: 'stint/roles/:name',
      operations: ['read'],
      summary: 'How credentials of a role end, and what Stint’s options are for it.',
      fields: { name: 'string' },
      handle: (call, { name = '' }) => handleRoleInfo(call, name, sessions),
    }),
    enginePath({
      pattern: 'stint/orphans',
      operations: ['read', 'update'],
      summary: 'What the mount made in AWS and no lease owns: read lists it, write removes it.',
      fields: {},
      handle: (call) => handleOrphans(call, clientsOf, clock),
    }),
  ];
}

const configPaths: readonly PathRow[] = [
  enginePath({
    pattern: 'config/stint',
    operations: ['read', 'update', 'delete'],
    summary: 'What Stint adds to Vault’s engine, for all roles that do not say otherwise.',
    fields: optionFields,
    handle: handleMountOptions,
  }),
  enginePath({
    pattern: 'config/accounts',
    operations: ['list'],
    summary: 'List the further accounts in which this mount lends.',
    fields: {},
    handle: listAccounts,
  }),
  enginePath({
    pattern: 'config/accounts/:account',
    operations: ['read', 'update', 'delete'],
    summary: 'How a further account is reached: by a role in it, or by keys of its own.',
    fields: accountFields,
    handle: handleAccount,
  }),
];
