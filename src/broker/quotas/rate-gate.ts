// The gate every request passes while there are rate limits: before its token is looked at, so that
// guessing tokens is limited like everything else.
import type { Audit } from '../audit/audit.ts';
import type { Call } from '../call.ts';
import { authPrefix } from '../mounts.ts';
import type { QuotaRequest } from './quota.ts';
import { rateExceeded, type RateLimits } from './rate-limits.ts';
import type { Quotas, QuotaTable } from './table.ts';

export interface RateGateParts {
  readonly table: QuotaTable;
  readonly limits: RateLimits;
  readonly audit: Pick<Audit, 'refused'>;
}

export class RateGate {
  readonly #parts: RateGateParts;

  constructor(parts: RateGateParts) {
    this.#parts = parts;
  }

  /** The call, of which the body may have been read. @throws Failure `rate-limited`. */
  async admit(asked: Call): Promise<Call> {
    const { table, limits, audit } = this.#parts;
    const quotas = await table.all();
    if (quotas.rates.length === 0) return asked;
    const { call, request } = await asRequest(quotas, asked);
    const { allowed, headers } = limits.take(quotas, request, call.remoteAddress);
    for (const [name, value] of Object.entries(headers)) call.replyHeader?.(name, value);
    if (allowed) return call;
    const refusal = rateExceeded(call.path);
    if (quotas.settings.auditRejections) await audit.refused(call, refusal);
    throw refusal;
  }
}

/** Only where a rule is about roles of this method, the body is read to learn the role. */
async function asRequest({ rates }: Quotas, asked: Call): Promise<{ call: Call; request: QuotaRequest }> {
  const { path } = asked;
  const roles =
    path.startsWith(authPrefix) && rates.some((rule) => rule.role !== '' && path.startsWith(rule.mountPath));
  const login = /\/login(?:\/([^/]+))?$/.exec(path);
  if (!roles || login === null) return { call: asked, request: { path, role: '' } };
  if (login[1] !== undefined) return { call: asked, request: { path, role: login[1] } };
  const body = await asked.readBody();
  const role = body['role'];
  const call = { ...asked, readBody: async () => body };
  return { call, request: { path, role: typeof role === 'string' ? role : '' } };
}
