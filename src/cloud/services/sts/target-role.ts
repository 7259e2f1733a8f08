// The role that an STS operation is to give credentials of, and how long they may last.
import type { Failure } from '../../../base/index.ts';
import type { Call, Permission } from '../../call.ts';
import { compiledDocument } from '../iam/documents.ts';
import { find, roleNoun } from '../iam/entities.ts';
import { validationError } from '../iam/failures.ts';
import type { Role } from '../iam/model.ts';
import { resourceTagKeys, type ConditionKeys } from '../iam/tags.ts';
import { isClosed } from '../organizations/tree.ts';

const defaultSeconds = 3600;

/** The role with exactly this ARN, as it has propagated; undefined when there is none. Throws `invalid` when it is no ARN of a role. */
export function roleOf(arn: string, call: Call, invalid: () => Failure): Role | undefined {
  const [, account, name] = /^arn:[\w-]+:iam::(\d{12}):role\/(?:[^/]+\/)*([^/]+)$/.exec(arn) ?? [];
  if (account === undefined || name === undefined) throw invalid();
  const role = find(roleNoun, { world: call.world.seen, account }, name);
  return role?.arn === arn && !isClosed(call.world, account) ? role : undefined;
}

export function accountOf(arn: string): string {
  return arn.split(':')[4]!;
}

/** The permission for `action` on the role, which its trust policy has a say in. */
export function permissionOnRole(role: Role, action: string, context: ConditionKeys): Permission {
  return {
    action,
    resource: role.arn,
    resourceAccount: accountOf(role.arn),
    context: { ...resourceTagKeys(role.tags), ...context },
    resourcePolicy: {
      kind: 'trust',
      attached: { policy: compiledDocument(role, role.trust, 'trust'), name: role.name, attachedTo: role.arn },
    },
  };
}

/** What was asked for, or an hour. @throws ValidationError beyond what the role allows */
export function sessionSeconds(asked: number | undefined, role: Role): number {
  const seconds = asked ?? defaultSeconds;
  if (seconds > role.maxSessionSeconds) {
    throw validationError('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.');
  }
  return seconds;
}
