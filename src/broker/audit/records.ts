// From a call and its answer to the record of it.
import { isFailure, isObject, Secret } from '../../base/index.ts';
import type { Answer, Call } from '../call.ts';
import { severalErrors } from '../go-errors.ts';
import type { WireAuth, WireEnvelope, WireWrapInfo } from '../http/wire.ts';
import type { Token } from '../model.ts';
import { isAuth } from '../mounts.ts';
import type { AuditAuth, AuditEntry, AuditMount, AuditRequest, AuditResponse } from './entry.ts';

const systemMount: AuditMount = { point: 'sys/', type: 'system', accessor: 'system_00000000', class: 'secret' };
const tokenMount: AuditMount = { point: 'auth/token/', type: 'token', accessor: 'auth_token_00000000', class: 'auth' };

/** The call as it came in. `refused`: why it was not even tried. */
export function requestRecord(call: Call, time: string, refused?: unknown): AuditEntry {
  return {
    ...common(call, time, refused === undefined),
    type: 'request',
    ...(refused === undefined ? {} : { error: plainText(refused) }),
  };
}

/** What the call was answered with. */
export function answerRecord(call: Call, time: string, answer: Answer): AuditEntry {
  return { ...common(call, time, true), type: 'response', response: responseOf(answer) };
}

/** That the call was refused or has failed. */
export function failureRecord(call: Call, time: string, error: unknown, allowed: boolean): AuditEntry {
  const message = isFailure(error) ? error.message : 'internal error';
  return {
    ...common(call, time, allowed),
    type: 'response',
    // As Vault: the text of a refusal may quote the request, so it is hashed; its kind stands in clear.
    response: message === '' ? {} : { data: { error: message } },
    ...(message === '' ? {} : { error: severalErrors(kindOf(error)) }),
  };
}

function kindOf(error: unknown): string {
  const status = isFailure(error) ? error.status : 500;
  if (status === 403) return 'permission denied';
  if (status === 404 || status === 405) return plainText(error);
  return status < 500 ? 'invalid request' : plainText(error);
}

/** One line of what Vault wraps in several. */
function plainText(error: unknown): string {
  if (!isFailure(error)) return 'internal error';
  return error.message.replace(/^1 error occurred:\s*\* /, '').trim() || error.code;
}

function common(call: Call, time: string, allowed: boolean): Omit<AuditEntry, 'type'> {
  const { config } = call.located?.mount ?? {};
  return {
    time,
    auth: call.token === undefined ? {} : authOf(call.token, call, allowed),
    request: requestOf(call),
    clearRequestKeys: config?.auditNonHmacRequestKeys,
    clearResponseKeys: config?.auditNonHmacResponseKeys,
  };
}

function authOf(token: Token, { tokenId, granted }: Call, allowed: boolean): AuditAuth {
  const { identityPolicies = [], grantedBy = [] } = granted ?? {};
  return {
    clientToken: tokenId,
    accessor: token.accessor,
    displayName: token.displayName,
    policies: [...new Set([...token.policies, ...identityPolicies])].sort(),
    tokenPolicies: token.policies,
    ...(identityPolicies.length === 0 ? {} : { identityPolicies }),
    policyResults: { allowed, grantingPolicies: grantedBy },
    metadata: token.meta,
    remainingUses: Math.max(0, token.usesLeft),
    entityId: token.entityId,
    tokenType: token.type,
    tokenTtlSeconds: token.creationTtlSeconds,
    tokenIssueTime: new Date(token.createdAt).toISOString().replace(/\.\d{3}Z$/, 'Z'),
  };
}

function requestOf(call: Call): AuditRequest {
  return {
    id: call.requestId,
    clientId: call.token?.entityId,
    operation: call.operation,
    mount: mountOf(call),
    clientToken: call.tokenId,
    clientTokenAccessor: call.token?.accessor,
    path: call.operation === 'list' ? `${call.path}/` : call.path,
    data: call.body,
    remoteAddress: call.remoteAddress,
    remotePort: call.remotePort,
    wrapTtlSeconds: call.wrapTtlSeconds || undefined,
    headers: call.headers,
  };
}

function mountOf({ located, path }: Call): AuditMount | undefined {
  if (located !== undefined) {
    const { mount } = located;
    return {
      point: `${mount.path}/`,
      type: mount.type,
      accessor: mount.accessor,
      class: isAuth(mount) ? 'auth' : 'secret',
    };
  }
  if (path.startsWith(tokenMount.point)) return tokenMount;
  return path.startsWith(systemMount.point) ? systemMount : undefined;
}

function responseOf({ body, audited, leaseId }: Answer): AuditResponse {
  if (!isEnvelope(body)) return { data: isObject(audited) ? audited : undefined, leaseId };
  return {
    auth: body.auth === null ? undefined : wireAuthOf(body.auth),
    leaseId: body.lease_id,
    data: body.data ?? undefined,
    warnings: body.warnings ?? undefined,
    wrapInfo: body.wrap_info === null ? undefined : wrapInfoOf(body.wrap_info),
  };
}

function wrapInfoOf(info: WireWrapInfo): AuditResponse['wrapInfo'] {
  return {
    ttlSeconds: info.ttl,
    token: new Secret(info.token),
    accessor: info.accessor,
    creationTime: info.creation_time,
    creationPath: info.creation_path,
    wrappedAccessor: info.wrapped_accessor,
  };
}

function wireAuthOf(auth: WireAuth): AuditAuth {
  return {
    clientToken: new Secret(auth.client_token),
    accessor: auth.accessor,
    policies: auth.policies,
    tokenPolicies: auth.token_policies,
    metadata: auth.metadata ?? undefined,
    numUses: auth.num_uses,
    entityId: auth.entity_id,
    tokenType: auth.token_type,
    tokenTtlSeconds: auth.lease_duration,
  };
}

function isEnvelope(body: Answer['body']): body is WireEnvelope {
  return typeof body === 'object' && body !== null && 'request_id' in body && 'wrap_info' in body;
}
