// `stint/roles/:name`: how what a role lends ends, asked of AWS as a grant would ask.
import { formatGoDuration } from '../../../base/index.ts';
import type { EngineAnswer, EngineCall } from '../engine.ts';
import { optionsOfRole } from './options.ts';
import type { RoleSessions } from './role-sessions.ts';
import { loadRole } from './roles.ts';

// A deny on the server's own user would reach them, but a key that may write its own policies may give
// itself anything.
const tokensExpire = 'refusing these tokens needs the right to write the policies of the server’s own user';

export async function handleRoleInfo(call: EngineCall, name: string, sessions: RoleSessions): Promise<EngineAnswer> {
  const { folder, mount } = call;
  const role = await loadRole(folder, name);
  if (role === undefined) return {};
  const options = await optionsOfRole(folder, name);
  const [type] = role.credentialTypes;
  const common = {
    credential_type: role.credentialTypes.join(','),
    account: options.account,
    wait_until_usable: formatGoDuration(options.waitSeconds),
  };
  if (type === 'iam_user') return { data: { ...common, revoke_strength: 'deletes', reason: '' } };
  if (type !== 'assumed_role') {
    return { data: { ...common, revoke_strength: 'expires', reason: tokensExpire } };
  }
  const roles = await Promise.all(
    (role.roleArns ?? []).map(async (arn) => {
      const { strength, reason } = await sessions.ending(mount.id, folder, arn, options);
      return { arn, revoke_strength: strength, reason: reason ?? '' };
    }),
  );
  const weakest = roles.find(({ revoke_strength: strength }) => strength === 'expires');
  return {
    data: {
      ...common,
      source_identity: options.sourceIdentity,
      revoke_strength: weakest === undefined && roles.length > 0 ? 'denies' : 'expires',
      reason:
        weakest?.reason ||
        (options.revokeStrength === 'expires' ? 'as Vault: `revoke_strength=denies` ends sessions' : ''),
      roles,
    },
  };
}
