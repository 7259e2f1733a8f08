// Caring for leases: those that cannot be ended so far, which Vault calls irrevocable, and tidying.
import { enveloped, served, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { WireValue } from '../http/wire.ts';
import type { Ledger } from '../ledger.ts';
import type { Lease } from '../model.ts';
import type { Mounts } from '../mounts.ts';
import type { Handlers } from '../pipeline.ts';
import type { Tidy } from '../tidy.ts';

export interface LeaseCareParts {
  readonly ledger: Pick<Ledger, 'stuck'>;
  readonly mounts: Pick<Mounts, 'byId'>;
  readonly tidy: Tidy;
}

/** As many as Vault lists unless told otherwise. */
const listedAtMost = 10_000;
const haltedText =
  'Command halted because many irrevocable leases were found. To emit the entire list, re-run the command with force set true.';
const startedText =
  "Tidy operation successfully started. Any information from the operation will be printed to Vault's server logs.";

export function leaseCareHandlers(
  parts: LeaseCareParts,
): Pick<Handlers, 'leaseStuck' | 'leaseCount' | 'leaseTidy' | 'tokenTidy'> {
  const stuckFields = {
    type: 'string',
    limit: 'string',
    include_large_results: 'boolean',
    include_child_namespaces: 'boolean',
  } as const;
  return {
    leaseStuck: served('List the leases that could not be ended so far.', stuckFields, async (call, fields) => {
      checkType(fields.type);
      return list(parts, call, fields.include_large_results === true ? Infinity : limitOf(fields.limit ?? ''));
    }),
    leaseCount: served(
      'Count the leases that could not be ended so far.',
      { type: 'string', include_child_namespaces: 'boolean' },
      async (call, { type }) => {
        checkType(type);
        return count(parts, call);
      },
    ),
    leaseTidy: served('End what was lent to tokens that are gone.', {}, async (call) => tidied(parts, call, 'leases')),
    tokenTidy: served('Remove what is left of tokens that are gone.', {}, async (call) =>
      tidied(parts, call, 'tokens'),
    ),
  };
}

/** Nothing is known of other kinds, as in Vault. */
function checkType(type: string | undefined): void {
  if (type?.toLowerCase() !== 'irrevocable') throw brokerFailure('not-found', '');
}

function limitOf(text: string): number {
  if (text === '') return listedAtMost;
  if (text.toLowerCase() === 'none') return Infinity;
  if (!/^[+-]?\d+$/.test(text)) {
    throw brokerFailure('bad-request', `invalid 'limit' provided: strconv.Atoi: parsing "${text}": invalid syntax`);
  }
  if (Number(text) < 1) throw brokerFailure('bad-request', "limit must be 'none' or a positive integer");
  return Number(text);
}

async function list({ ledger, mounts }: LeaseCareParts, call: Call, limit: number): Promise<Answer> {
  const found = (await ledger.stuck(Math.min(limit, 1e9) + 1)).toSorted(byEnd);
  const shown = found.slice(0, Math.min(limit, found.length));
  const leases: WireValue[] = [];
  for (const { id, mountId, lastError } of shown) {
    leases.push({
      lease_id: id,
      mount_id: (await mounts.byId(mountId))?.accessor ?? 'mount-accessor-not-found',
      error: lastError ?? '',
    });
  }
  const warnings = found.length > shown.length ? [haltedText] : [];
  return enveloped(call, { data: { lease_count: shown.length, leases }, warnings });
}

function byEnd(a: Lease, b: Lease): number {
  return a.expiresAt - b.expiresAt || (a.id < b.id ? -1 : 1);
}

async function count({ ledger, mounts }: LeaseCareParts, call: Call): Promise<Answer> {
  const found = await ledger.stuck(1e9);
  const counts: Record<string, number> = {};
  for (const { mountId } of found) {
    const accessor = (await mounts.byId(mountId))?.accessor ?? 'mount-accessor-not-found';
    counts[accessor] = (counts[accessor] ?? 0) + 1;
  }
  return enveloped(call, { data: { lease_count: found.length, counts } });
}

function tidied({ tidy }: LeaseCareParts, call: Call, kind: 'tokens' | 'leases'): Answer {
  if (!tidy.start(kind)) return enveloped(call, { warnings: ['Tidy operation already in progress.'] });
  return { ...enveloped(call, { warnings: [startedText] }), status: 202 };
}
