// Snapshots over HTTP, on the paths of Vault's raft storage, so that its clients and habits work.
import { enveloped, served, type Answer, type Call, type Served } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Handlers } from '../pipeline.ts';
import { stageSnapshot, takeSnapshot, type SnapshotParts } from '../snapshot/snapshots.ts';

export function snapshotHandlers(
  parts: SnapshotParts,
  lifecycle: Lifecycle,
): Pick<Handlers, 'snapshot' | 'snapshotForce'> {
  return {
    snapshot: raw(
      'Reads a copy of everything, encrypted as it is stored; written, it takes the place of everything.',
      (call) => (call.operation === 'read' ? take(parts) : restore(parts, lifecycle, call, false)),
    ),
    snapshotForce: raw('As a snapshot that is written, also one of another server or of other unseal keys.', (call) =>
      restore(parts, lifecycle, call, true),
    ),
  };
}

function raw(summary: string, handle: (call: Call) => Promise<Answer>): Served {
  return { ...served(summary, {}, handle), raw: true };
}

async function take(parts: SnapshotParts): Promise<Answer> {
  const { archive, close } = await takeSnapshot(parts);
  return {
    status: 200,
    body: undefined,
    audited: null,
    leaseId: '',
    stream: { bytes: archive, close },
    takeBack: close,
  };
}

async function restore(parts: SnapshotParts, lifecycle: Lifecycle, call: Call, force: boolean): Promise<Answer> {
  const source = call.rawBody?.();
  if (source === undefined) throw brokerFailure('bad-request', 'no reader for request');
  const staged = await stageSnapshot(parts, source, force);
  const kept = await lifecycle.restore(parts, staged);
  const sealed = staged.rootKey === undefined;
  const reopen = (): Promise<void> => lifecycle.reopen(staged);
  const answer = enveloped(call, {
    data: {
      cluster_id: staged.meta.clusterId,
      created_at: staged.meta.createdAt,
      entries: staged.meta.entries,
      leases_added: kept.added,
      leases_updated: kept.updated,
      sealed,
    },
    warnings: warningsOf(kept.added, sealed),
  });
  // What records this answer must be closed before the restored server opens it again.
  return { ...answer, afterRecorded: reopen, takeBack: reopen };
}

/** What the operator has to know and do; nothing is forgotten silently. */
function warningsOf(added: number, sealed: boolean): readonly string[] {
  return [
    ...(sealed ? ['the server is sealed: give the unseal keys of the time of the snapshot'] : []),
    ...(added > 0 ? [`${added} leases that the snapshot did not have were kept: each ends at its time`] : []),
    'users that neither the snapshot nor this server knew may live on in AWS: `stint doctor --orphans` finds them, and removes them with `--remove`',
    'keys that were rotated after the snapshot (config/root, static roles) are dead: write config/root again, rotate static roles',
  ];
}
