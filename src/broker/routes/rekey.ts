// Replacing shares: Vault's sys/rekey/… and sys/rekey-recovery-key/…, which whoever holds shares may
// call, and OpenBao's sys/rotate/root/… and sys/rotate/recovery/…, which also need a token. The same
// work, in the words and shapes of each.
import { bare, done, enveloped, served, type Answer, type Call, type Served } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import type { WireValue } from '../http/wire.ts';
import type { Handlers } from '../pipeline.ts';
import { RekeyCeremony, type CeremonyParts, type NewShares, type Replaced } from '../seal/rekey-ceremony.ts';
import type { RekeyWords } from '../seal/rekey.ts';
import { shareProblem, type ShareCounts } from '../seal/seal.ts';
import { checkNoPgp, shareOf, wireShares } from './shares.ts';

type Names =
  | 'rekeyInit'
  | 'rekeyUpdate'
  | 'rekeyVerify'
  | 'rekeyBackup'
  | 'recoveryInit'
  | 'recoveryUpdate'
  | 'recoveryVerify'
  | 'recoveryBackup'
  | 'rotateRootInit'
  | 'rotateRootUpdate'
  | 'rotateRootVerify'
  | 'rotateRootBackup'
  | 'rotateRecoveryInit'
  | 'rotateRecoveryUpdate'
  | 'rotateRecoveryVerify'
  | 'rotateRecoveryBackup';

export function rekeyHandlers(parts: CeremonyParts): Pick<Handlers, Names> {
  const rekey = handlersOf(parts, 'root', 'rekey');
  const recovery = handlersOf(parts, 'recovery', 'rekey');
  const root = handlersOf(parts, 'root', 'rotation');
  const rotateRecovery = handlersOf(parts, 'recovery', 'rotation');
  return {
    rekeyInit: rekey.init,
    rekeyUpdate: rekey.update,
    rekeyVerify: rekey.verify,
    rekeyBackup: backup,
    recoveryInit: recovery.init,
    recoveryUpdate: recovery.update,
    recoveryVerify: recovery.verify,
    recoveryBackup: backup,
    rotateRootInit: root.init,
    rotateRootUpdate: root.update,
    rotateRootVerify: root.verify,
    rotateRootBackup: backup,
    rotateRecoveryInit: rotateRecovery.init,
    rotateRecoveryUpdate: rotateRecovery.update,
    rotateRecoveryVerify: rotateRecovery.verify,
    rotateRecoveryBackup: backup,
  };
}

// Only shares encrypted with PGP keys would be kept, and there are none.
const backup = served('Shares that were kept encrypted with PGP keys: there are none.', {}, async (call) => {
  if (call.operation === 'delete') return done();
  throw brokerFailure('bad-request', 'no backed-up keys found');
});

const initFields = {
  secret_shares: 'int',
  secret_threshold: 'int',
  stored_shares: 'int',
  pgp_keys: 'list',
  backup: 'boolean',
  require_verification: 'boolean',
} as const;

const shareFields = { key: 'string', nonce: 'string' } as const;

interface Context {
  readonly parts: CeremonyParts;
  readonly ceremony: RekeyCeremony;
  readonly replaced: Replaced;
  readonly words: RekeyWords;
}

function handlersOf(
  parts: CeremonyParts,
  replaced: Replaced,
  words: RekeyWords,
): Readonly<Record<'init' | 'update' | 'verify', Served>> {
  const context = { parts, ceremony: new RekeyCeremony(parts, replaced, words), replaced, words };
  const { ceremony } = context;
  return {
    init: served('Starts, shows or cancels the replacing of shares.', initFields, async (call, values) => {
      checkSupported(context);
      if (call.operation === 'delete') {
        await ceremony.cancel();
        return done();
      }
      if (call.operation !== 'read') await start(context, values);
      return shaped(context, call, await status(context));
    }),
    update: served('Gives one of the present shares.', shareFields, async (call, values) => {
      checkSupported(context);
      const made = await ceremony.give(givenShare(context, values));
      if (made === undefined) return shaped(context, call, await status(context));
      return shaped(context, call, newShares(made, values.nonce ?? ''));
    }),
    verify: served('Gives one of the new shares as a proof that they were kept.', shareFields, async (call, values) => {
      checkSupported(context);
      if (call.operation === 'read') return shaped(context, call, await proofStatus(context));
      if (call.operation === 'delete') {
        await ceremony.restartProof();
        return shaped(context, call, await proofStatus(context));
      }
      const given = givenShare(context, values);
      const proved = await ceremony.prove(given);
      return shaped(context, call, proved ? { nonce: given.nonce, complete: true } : await proofStatus(context));
    }),
  };
}

function checkSupported({ parts, replaced, words }: Context): void {
  if (replaced === 'root' || parts.keys.recovers) return;
  const text = words === 'rekey' ? 'recovery rekeying not supported' : 'recovery keys not supported';
  throw brokerFailure('bad-request', text, { hint: 'the seal is opened with shares: replace those instead' });
}

async function start(context: Context, values: FieldValues<typeof initFields>): Promise<void> {
  const { parts, replaced, words } = context;
  if (values.backup === true && (values.pgp_keys ?? []).length === 0) {
    throw brokerFailure(
      'bad-request',
      'cannot request a backup of the new keys without providing PGP keys for encryption',
    );
  }
  checkNoPgp('pgp_keys', values.pgp_keys);
  const verify = values.require_verification ?? false;
  if (parts.keys.recovers && replaced === 'root') {
    if (verify) throw brokerFailure('bad-request', noProof(words));
    return context.ceremony.start({ shares: 0, threshold: 0 }, false);
  }
  const counts: ShareCounts = { shares: values.secret_shares ?? 0, threshold: values.secret_threshold ?? 0 };
  const problem = shareProblem(counts, 1);
  // Vault answers with 500 here, although it is the caller's mistake.
  if (problem !== undefined) {
    throw brokerFailure('bad-request', `${invalid(replaced, words)}: ${problem}`, { status: 500 });
  }
  return context.ceremony.start(counts, verify);
}

function noProof(words: RekeyWords): string {
  const doing = words === 'rekey' ? 'rekeying' : 'rotating';
  return `requiring verification not supported when ${doing} the barrier key with recovery keys`;
}

function invalid(replaced: Replaced, words: RekeyWords): string {
  if (replaced === 'recovery') return 'invalid recovery configuration';
  return words === 'rekey' ? 'invalid rekey seal configuration' : 'invalid rotate seal configuration';
}

function givenShare(
  { words }: Context,
  { key = '', nonce = '' }: FieldValues<typeof shareFields>,
): { readonly share: Uint8Array; readonly nonce: string } {
  if (key === '') {
    const text = words === 'rekey' ? "'key' must be specified in request body as JSON" : "missing required field 'key'";
    throw brokerFailure('bad-request', text);
  }
  if (words === 'rotation' && nonce === '') throw brokerFailure('bad-request', "missing required field 'nonce'");
  return { share: shareOf(key), nonce };
}

type Body = Readonly<Record<string, WireValue>>;

function shaped({ words }: Context, call: Call, body: Body): Answer {
  return words === 'rekey' ? bare(body) : enveloped(call, { data: body });
}

async function status({ ceremony, words }: Context): Promise<Body> {
  const { rekey, needed } = await ceremony.status();
  const counts = { t: rekey?.threshold ?? 0, n: rekey?.shares ?? 0 };
  const first = { started: rekey !== undefined, ...counts, required: needed };
  if (words === 'rotation' && rekey === undefined) return first;
  const proofNonce = rekey?.waiting?.nonce ?? '';
  return {
    ...first,
    nonce: rekey?.nonce ?? '',
    progress: rekey?.given.length ?? 0,
    ...(words === 'rekey' ? { pgp_fingerprints: null, backup: false } : {}),
    verification_required: rekey?.verify ?? false,
    ...(words === 'rotation' || proofNonce !== '' ? { verification_nonce: proofNonce } : {}),
  };
}

// SECURITY: the one time that new shares leave.
function newShares({ shares, proofNonce }: NewShares, nonce: string): Body {
  return {
    nonce,
    complete: true,
    ...wireShares(shares),
    pgp_fingerprints: null,
    backup: false,
    verification_required: proofNonce !== undefined,
    ...(proofNonce === undefined ? {} : { verification_nonce: proofNonce }),
  };
}

async function proofStatus({ ceremony, words }: Context): Promise<Body> {
  const { rekey } = await ceremony.status();
  if (rekey === undefined) {
    throw brokerFailure('bad-request', `no ${words} configuration found`, {
      hint: 'start one: `stint operator rekey --init`',
    });
  }
  const { waiting, threshold, shares } = rekey;
  return {
    nonce: waiting?.nonce ?? '',
    started: waiting !== null,
    t: threshold,
    n: shares,
    progress: waiting?.given.length ?? 0,
  };
}
