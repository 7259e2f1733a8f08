// Snapshots of the store: taken at one moment while the server works, and restored as a whole. What is
// lent is a fact of AWS that no snapshot takes back: a restore keeps the leases of the present.
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { randomText, type Clock, type Random } from '../../base/index.ts';
import { Barrier, type BarrierParts } from '../barrier.ts';
import { brokerFailure } from '../failures.ts';
import { Ledger } from '../ledger.ts';
import { hasEnded } from '../leases.ts';
import type { Lease, Mount } from '../model.ts';
import type { SealKeys } from '../seal/keys.ts';
import { decryptRecord } from '../seal/record.ts';
import type { CopyableStore, Replacement } from '../storage/store.ts';
import { readArchive, writeArchive, type SnapshotMeta } from './archive.ts';
import { Damaged } from './tar.ts';

const sumsPath = 'snapshot/sums';
/** What moved time forward in development must not move it back. */
const clockPath = 'dev/clock';

export interface SnapshotParts {
  readonly store: CopyableStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Of the running server. */
  readonly barrier: Barrier;
  readonly keys: SealKeys;
  readonly clusterId: string;
}

export interface TakenSnapshot {
  readonly archive: AsyncIterable<Uint8Array>;
  /** Lets go of the copy behind it. */
  readonly close: () => Promise<void>;
}

/** A snapshot of now. The archive reads a copy: the server goes on, and what it writes is not in it. */
export async function takeSnapshot(parts: SnapshotParts): Promise<TakenSnapshot> {
  const { store, clock, barrier, clusterId } = parts;
  const copy = await store.snapshot();
  try {
    const meta = { clusterId, createdAt: new Date(clock.now()).toISOString() };
    const archive = await writeArchive(
      () => copy.pages(),
      meta,
      (sums) => barrier.sealText(sums, sumsPath),
    );
    return { archive, close: () => copy.close() };
  } catch (error) {
    await copy.close();
    throw error;
  }
}

/** A snapshot that was read and found whole, beside the store, which is as before. */
export interface StagedSnapshot {
  readonly meta: SnapshotMeta;
  readonly replacement: Replacement;
  /** Undefined when this server's seal does not open it. */
  readonly rootKey: Uint8Array | undefined;
}

/**
 * Reads a snapshot to its end and checks it. With `force` it may be one of another server, or of other
 * unseal keys.
 * @throws Failure `snapshot-damaged`, `snapshot-foreign`, `leases-left`.
 */
export async function stageSnapshot(
  parts: SnapshotParts,
  source: AsyncIterable<Uint8Array>,
  force: boolean,
): Promise<StagedSnapshot> {
  const replacement = await parts.store.replacement();
  try {
    // Received first: a request must be read in its time, however long storing it takes.
    await pipeline(Readable.from(source), createWriteStream(replacement.spoolFile, { mode: 0o600 }));
    const read = await readArchive(createReadStream(replacement.spoolFile), async (entries) => {
      await replacement.store.commit(entries);
    });
    const rootKey = await parts.keys.rootKeyOf(replacement.store);
    const proved = rootKey !== undefined && decryptRecord(read.sealedSums, sumsPath, rootKey)?.toString() === read.sums;
    // Nobody without the root key made this: never taken, also not by force.
    if (rootKey !== undefined && !proved) throw new Damaged('it was not made by a server with these keys');
    if (!force) checkOwn(parts, read.meta, rootKey);
    if (rootKey === undefined || read.meta.clusterId !== parts.clusterId) await checkNoLeases(parts);
    return { meta: read.meta, replacement, rootKey };
  } catch (error) {
    await replacement.discard();
    if (!(error instanceof Damaged)) throw error;
    throw brokerFailure('snapshot-damaged', `the snapshot cannot be restored: ${error.message}`, {
      hint: 'give the whole file as `stint operator snapshot save` wrote it; nothing was changed',
    });
  }
}

function checkOwn({ clusterId, keys }: SnapshotParts, meta: SnapshotMeta, rootKey: Uint8Array | undefined): void {
  if (rootKey === undefined) {
    const kind = keys.recovers ? 'autoseal key' : 'set of unseal keys';
    const text = `could not verify hash file, possibly the snapshot is using a different ${kind}; use the snapshot-force API to bypass this check`;
    throw brokerFailure('snapshot-foreign', text, {
      hint: 'with `-force` the server is sealed afterwards, and opens with the shares of the time of the snapshot',
    });
  }
  if (meta.clusterId === clusterId) return;
  throw brokerFailure('snapshot-foreign', `the snapshot is of the server ${meta.clusterId}, this one is ${clusterId}`, {
    hint: 'if it is meant, restore it with `-force`',
  });
}

async function checkNoLeases({ barrier, clock }: SnapshotParts): Promise<void> {
  for await (const [lease] of new Ledger(barrier, clock, '', () => {}).unended()) {
    if (lease === undefined) continue;
    throw brokerFailure(
      'leases-left',
      `this server has leases that have not ended, such as ${lease.id}: they would be forgotten, and what they lent would live on in AWS`,
      {
        hint: 'revoke them first (`stint lease revoke -prefix …`), or restore into a new server',
      },
    );
  }
}

/** What a restore did about leases. */
export interface KeptLeases {
  /** Leases that the snapshot did not have. */
  readonly added: number;
  /** Leases that the snapshot had in another state than AWS. */
  readonly updated: number;
}

/**
 * Brings the leases of the present into the staged snapshot, with the mounts that end them. To be called
 * when nothing runs any more.
 */
export async function keepLeases(parts: SnapshotParts, staged: StagedSnapshot): Promise<KeptLeases> {
  const { barrier, clock, random, clusterId } = parts;
  const { replacement, rootKey, meta } = staged;
  const none = { added: 0, updated: 0 };
  if (rootKey === undefined || meta.clusterId !== clusterId) return none;
  const target: BarrierParts = { store: replacement.store, clock, random };
  const next = await Barrier.open(target, rootKey);
  if (next === undefined) return none;
  const node = randomText(random, 8);
  const present = new Ledger(barrier, clock, node, () => {});
  const restored = new Ledger(next, clock, node, () => {});
  const mounts = new Set<string>();
  let kept = none;
  for await (const page of present.unended()) {
    for (const { mountId, mountPath } of page) {
      if (!mounts.has(mountId)) await keepMount(barrier, next, mountId, mountPath);
      mounts.add(mountId);
    }
    kept = sum(kept, await Promise.all(page.map((lease) => keepLease(restored, lease))));
  }
  // Those that have ended since.
  for await (const page of restored.unended()) {
    const ended = await Promise.all(page.map(async ({ id }) => present.find(id)));
    const changed = ended.filter((lease) => lease !== undefined && hasEnded(lease.state)) as Lease[];
    kept = sum(kept, await Promise.all(changed.map((lease) => keepLease(restored, lease))));
  }
  await copyValue(barrier, next, clockPath);
  return kept;
}

function sum(before: KeptLeases, all: readonly KeptLeases[]): KeptLeases {
  return all.reduce(
    (one, { added, updated }) => ({ added: one.added + added, updated: one.updated + updated }),
    before,
  );
}

async function keepLease(restored: Ledger, lease: Lease): Promise<KeptLeases> {
  const found = await restored.find(lease.id);
  if (JSON.stringify(found) === JSON.stringify(lease)) return { added: 0, updated: 0 };
  await restored.takeOver(lease);
  return found === undefined ? { added: 1, updated: 0 } : { added: 0, updated: 1 };
}

// A mount that the snapshot does not have is taken along as one that is disabled: it lends nothing, and
// ends what it lent.
async function keepMount(from: Barrier, to: Barrier, id: string, path: string): Promise<void> {
  const known = [...(await to.scan<Mount>('mount/', 10_000)), ...(await to.scan<Mount>('gone/', 10_000))];
  if (known.some(({ value }) => value.id === id)) return;
  const mount =
    (await from.get<Mount>(`gone/${id}`)) ?? (await from.get<Mount>(`mount/${path}`)) ?? (await movedMount(from, id));
  if (mount?.value.id !== id) return;
  await to.commit([{ key: `gone/${id}`, value: { ...mount.value, tainted: true } }]);
  const data = await from.keys(`data/${id}/`, 100_000);
  for (const key of data) await copyValue(from, to, key);
}

async function movedMount(from: Barrier, id: string): Promise<{ readonly value: Mount } | undefined> {
  return (await from.scan<Mount>('mount/', 10_000)).find(({ value }) => value.id === id);
}

async function copyValue(from: Barrier, to: Barrier, key: string): Promise<void> {
  const found = await from.get(key);
  if (found !== undefined) await to.commit([{ key, value: found.value }]);
}
