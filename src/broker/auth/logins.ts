// What all logins share: the token that a role's parameters ask for, and where a caller may come from.
import { type EngineAnswer, type LoginToken, type PathRow, enginePath } from '../engines/engine.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import { severalErrors } from '../go-errors.ts';
import { addressIsIn } from '../addresses.ts';
import type { TokenParameters } from './token-parameters.ts';

/** The token a login gets, or a renewal may give. `boundCidrs` replaces those of the role. */
export function loginToken(
  parameters: TokenParameters,
  remoteAddress: string,
  boundCidrs: readonly string[] = parameters.boundCidrs,
): LoginToken {
  return {
    ttlSeconds: parameters.ttl,
    maxTtlSeconds: parameters.maxTtl,
    explicitMaxTtlSeconds: parameters.explicitMaxTtl,
    periodSeconds: parameters.period,
    uses: parameters.uses,
    noDefaultPolicy: parameters.noDefaultPolicy,
    boundCidrs: parameters.strictlyBindIp ? [remoteAddress] : boundCidrs,
    type: parameters.type,
  };
}

/** @throws Failure `permission-denied` when the tokens of the role are bound to other addresses. */
export function checkAddress({ boundCidrs }: TokenParameters, remoteAddress: string): void {
  if (boundCidrs.length === 0 || addressIsIn(remoteAddress, boundCidrs)) return;
  throw brokerFailure('permission-denied', 'permission denied', {
    hint: 'logins of this role are bound to other addresses: see `token_bound_cidrs`',
  });
}

/** As Vault's core words what a backend could not do for a caller who has a token. */
export function methodFailed(text: string): Error {
  return brokerFailure('method-failed', severalErrors(text));
}

/** As Vault's core words why a token of a login is not renewed. */
export function renewalRefused(reason: string): Error {
  return brokerFailure('renewal-refused', severalErrors(`failed to renew entry: ${reason}`), {
    hint: 'log in again',
  });
}

/** The path that lists the names below `prefix` of the mount's folder. */
export function listPath(pattern: string, summary: string, prefix: string): PathRow {
  return enginePath({
    pattern,
    operations: ['list'],
    summary,
    fields: pageFields,
    handle: async ({ folder }, page) => listed(await folder.list(prefix), page),
  });
}

/** The answer to a LIST, in pages as OpenBao serves them. */
export function listed(names: readonly string[], { after = '', limit = 0 }: PageValues): EngineAnswer {
  const rest = names.filter((name) => name > after);
  const keys = limit <= 0 ? rest : rest.slice(0, limit);
  return keys.length === 0 ? {} : { data: { keys } };
}

export const pageFields = { after: 'string', limit: 'int' } as const;

type PageValues = FieldValues<typeof pageFields>;
