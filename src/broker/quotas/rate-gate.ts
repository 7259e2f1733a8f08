// The gate every request passes while there are rate limits: before its token is looked at, so that
// guessing tokens is limited like everything else.
import type { Audit } from '../audit/audit.ts';
import { strangersBytes, type Call } from '../call.ts';
import { scalarText } from '../fields.ts';
import { authPrefix, type Mounts } from '../mounts.ts';
import type { QuotaPlace, QuotaRequest } from './quota.ts';
import { rateExceeded, type RateLimits } from './rate-limits.ts';
import type { Quotas, QuotaTable } from './table.ts';

export interface RateGateParts {
  readonly table: QuotaTable;
  readonly limits: RateLimits;
  readonly audit: Pick<Audit, 'refused'>;
  readonly mounts: Pick<Mounts, 'ofLogin'>;
}

export class RateGate {
  readonly #parts: RateGateParts;

  constructor(parts: RateGateParts) {
    this.#parts = parts;
  }

  /** The call, of which the body may have been read. @throws Failure `rate-limited`. */
  admit(asked: Call): Call | Promise<Call> {
    return this.#parts.table.present?.rates.length === 0 ? asked : this.#admit(asked);
  }

  async #admit(asked: Call): Promise<Call> {
    const { table, limits, audit } = this.#parts;
    const quotas = await table.all();
    if (quotas.rates.length === 0) return asked;
    const { call, request } = await this.#asRequest(quotas, asked);
    const { allowed, headers } = limits.take(quotas, request, call.remoteAddress);
    for (const [name, value] of Object.entries(headers)) call.replyHeader?.(name, value);
    if (allowed) return call;
    const refusal = rateExceeded(call.operation === 'list' ? `${call.path}/` : call.path);
    if (quotas.settings.auditRejections) await audit.refused(call, refusal);
    throw refusal;
  }

  /** Only where a rule is about roles of this method, the body is read to learn the role. */
  async #asRequest({ rates }: Quotas, asked: Call): Promise<{ call: Call; request: QuotaRequest }> {
    const { path } = asked;
    const about = ({ role, mountPath }: QuotaPlace): boolean => role !== '' && path.startsWith(mountPath);
    const login = path.startsWith(authPrefix) && rates.some(about) ? /\/login(?:\/([^/]+))?$/.exec(path) : null;
    if (login === null) return { call: asked, request: { path, role: '' } };
    if (login[1] !== undefined) return { call: asked, request: { path, role: login[1] } };
    const body = await asked.readBody(strangersBytes).catch(async (error: unknown) => {
      await this.#parts.audit.refused(asked, error);
      throw error;
    });
    const call = { ...asked, readBody: async () => body };
    return { call, request: { path, role: await this.#roleIn(path, body) } };
  }

  async #roleIn(path: string, body: Readonly<Record<string, unknown>>): Promise<string> {
    const found = await this.#parts.mounts.ofLogin(path);
    // SECURITY: the method's own word counts: a field that it does not read must not choose another rule.
    if (found?.method.roleOfLogin !== undefined) return (await found.method.roleOfLogin(body, found.folder)) ?? '';
    return scalarText(body['role']) ?? '';
  }
}
