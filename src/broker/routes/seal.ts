// Opening and closing the server: sys/init, sys/unseal, sys/seal, sys/step-down, with Vault's shapes.
import { bare, done, served, type Answer } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { Lifecycle, SealState } from '../lifecycle.ts';
import type { Handlers, SealedHandlers } from '../pipeline.ts';
import { shareProblem, type ShareCounts } from '../seal/seal.ts';
import { checkNoPgp, shareOf, wireShares } from './shares.ts';
import { sealStatus } from './status.ts';

/** Answered in any state, to everybody. */
export function openingHandlers(lifecycle: Lifecycle): Pick<SealedHandlers, 'init' | 'unseal'> {
  return {
    init: served(
      'Makes keys and the first root token; read, whether that was done.',
      initFields,
      async (call, values) => {
        if (call.operation === 'update') return initialize(lifecycle, values);
        return bare({ initialized: (await lifecycle.state()).config !== undefined });
      },
    ),
    unseal: served('Gives one share of the key that opens the server.', unsealFields, async (_, values) => {
      await unseal(lifecycle, values);
      return bare(await sealStatus(lifecycle));
    }),
  };
}

export function sealHandlers(lifecycle: Lifecycle): Pick<Handlers, 'seal' | 'stepDown'> {
  return {
    seal: served('Stops everything and forgets the keys.', {}, async () => {
      await lifecycle.seal();
      return done();
    }),
    // One node has the store, so that nobody could take over: as Vault without high availability, nothing happens.
    stepDown: served('Gives up leading.', {}, async () => done()),
  };
}

const initFields = {
  secret_shares: 'int',
  secret_threshold: 'int',
  stored_shares: 'int',
  pgp_keys: 'list',
  recovery_shares: 'int',
  recovery_threshold: 'int',
  recovery_pgp_keys: 'list',
  root_token_pgp_key: 'string',
} as const;

interface InitValues {
  readonly secret_shares?: number;
  readonly secret_threshold?: number;
  readonly pgp_keys?: readonly string[];
  readonly recovery_shares?: number;
  readonly recovery_threshold?: number;
  readonly recovery_pgp_keys?: readonly string[];
  readonly root_token_pgp_key?: string;
}

async function initialize(lifecycle: Lifecycle, values: InitValues): Promise<Answer> {
  const state = await lifecycle.state();
  checkApplicable(state, values);
  for (const name of ['pgp_keys', 'recovery_pgp_keys', 'root_token_pgp_key'] as const) checkNoPgp(name, values[name]);
  const { shares, rootToken } = await lifecycle.initialize(countsOf(state, values));
  const { keys, keys_base64 } = wireShares(shares);
  const body = state.recovers
    ? { keys: [], keys_base64: [], recovery_keys: keys, recovery_keys_base64: keys_base64 }
    : { keys, keys_base64 };
  // SECURITY: the one time that shares and first root token leave.
  return { ...bare({ ...body, root_token: rootToken.reveal() }), audited: null };
}

function checkApplicable({ recovers, type }: SealState, values: InitValues): void {
  const others = recovers
    ? (['secret_shares', 'secret_threshold', 'pgp_keys'] as const)
    : (['recovery_shares', 'recovery_threshold', 'recovery_pgp_keys'] as const);
  const given = others.filter((name) => isGiven(values[name]));
  if (given.length === 0) return;
  throw brokerFailure('bad-request', `parameters ${given.join(',')} not applicable to seal type ${type}`);
}

function isGiven(value: InitValues[keyof InitValues]): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== 0;
}

function countsOf({ recovers }: SealState, values: InitValues): ShareCounts {
  const counts = recovers
    ? { shares: values.recovery_shares ?? 0, threshold: values.recovery_threshold ?? 0 }
    : { shares: values.secret_shares ?? 0, threshold: values.secret_threshold ?? 0 };
  const problem = shareProblem(counts, recovers ? 0 : 1);
  if (problem === undefined) return counts;
  throw brokerFailure('bad-request', `invalid ${recovers ? 'recovery' : 'seal'} configuration: ${problem}`);
}

const unsealFields = { key: 'string', reset: 'boolean', migrate: 'boolean' } as const;

interface UnsealValues {
  readonly key?: string;
  readonly reset?: boolean;
  readonly migrate?: boolean;
}

async function unseal(lifecycle: Lifecycle, { key = '', reset, migrate }: UnsealValues): Promise<void> {
  if (reset === true) return lifecycle.resetShares();
  if (key === '') {
    throw brokerFailure('bad-request', "'key' must be specified in request body as JSON, or 'reset' set to true");
  }
  const share = shareOf(key);
  if (migrate === true) {
    throw brokerFailure('bad-request', "can't perform a seal migration, no migration seal found", {
      hint: 'leave `migrate` out: a store keeps the kind of seal it was initialised with',
      status: 500,
    });
  }
  await lifecycle.giveShare(share);
}
