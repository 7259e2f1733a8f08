// Idempotency: the same token with the same request makes nothing twice, with another request it is refused.
// Source: EC2 API reference, "Ensuring idempotency".
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../base/index.ts';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { toKept } from '../../kept-document.ts';
import { clientTokens } from './model.ts';

interface Tokened {
  readonly ClientToken?: string | undefined;
  readonly DryRun?: boolean | undefined;
}

/** RunInstances was first; the tokens of the others bear their operation's name. */
const rowOf = (call: Call, token: string): string =>
  `${call.region}/${call.operation === 'RunInstances' ? '' : `${call.operation}:`}${token}`;

/** What has to be the same when the token comes again. User data may hold secrets, so only a digest is kept. */
function requestDigest({ ClientToken: _token, DryRun: _dryRun, ...request }: Tokened): string {
  return createHash('sha256')
    .update(canonicalJson(toKept(request)))
    .digest('base64');
}

/**
 * The ids of what an earlier request with this token made.
 * @throws IdempotentParameterMismatch 400 when the token was used for another request
 */
export function madeBefore(input: Tokened, call: Call): readonly string[] | undefined {
  if (input.ClientToken === undefined) return undefined;
  const known = call.world.table(clientTokens).get(call.account, rowOf(call, input.ClientToken));
  if (known === undefined) return undefined;
  if (known.request === requestDigest(input)) return known.instances;
  throw awsFailure(
    'IdempotentParameterMismatch',
    'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
    { status: 400 },
  );
}

export function rememberToken(input: Tokened, ids: readonly string[], call: Call): void {
  if (input.ClientToken === undefined) return;
  call.world.table(clientTokens).put(call.account, rowOf(call, input.ClientToken), {
    request: requestDigest(input),
    instances: ids,
  });
}
