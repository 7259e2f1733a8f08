// Ends single sessions of roles: writes the deny policy of deny-document.ts onto the role, reads it back,
// and takes marks out again when their sessions have run out. What is to be refused is in the store
// first; many revokes at once are one write; nodes write one after the other, and none loses a mark.
import type { IAMClient } from '@aws-sdk/client-iam';
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { randomText, type Clock, type Millis, type Random } from '../../../base/index.ts';
import { iamSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import type { Folder } from '../engine.ts';
import { awsCode, awsFailure, isMissing, orMissing, told } from './aws-errors.ts';
import { fitDocument, roleInlineLimit } from './deny-document.ts';
import {
  claimedBy,
  isShown,
  newDenyRecord,
  nextEnd,
  releasedBy,
  withEntries,
  withoutEnded,
  type DenyEntry,
  type DenyRecord,
} from './deny-record.ts';

type Iam = typeof import('@aws-sdk/client-iam');

const prefix = 'Error writing the deny policy: ';
/** How long one node may write to a role before another may. */
const writerMillis = 60_000;
/** Others may add sessions while one write is under way: then it is written again. */
const writesAtOnce = 20;
/** A write to IAM takes longer than this: who comes meanwhile is part of it. */
const gatherMillis = 50;

/** A role, and the mount's folder and client that reach it. */
export interface DeniedRole {
  readonly mountId: string;
  readonly folder: Folder;
  readonly roleArn: string;
  readonly iam: () => Promise<IAMClient>;
}

interface Batch {
  readonly entries: Record<string, DenyEntry>;
  readonly done: Promise<Brought>;
}

interface Brought {
  /** AWS was read back to hold `record`. */
  readonly shown: boolean;
  readonly record: DenyRecord;
}

export class RoleDenies {
  readonly #clock: Clock;
  /** Tells this process from others that write to the same role. */
  readonly #writer: string;
  /** The batch that waits for the write under way, by role. */
  readonly #waiting = new Map<string, Batch>();
  readonly #writing = new Map<string, Promise<unknown>>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#writer = randomText(random, 16);
  }

  /**
   * Refuses the session of lease `id` from now on; resolves when AWS was read back to hold its marks.
   * False: AWS accepted the policy but does not show it yet.
   * @throws Failure when AWS refuses, when the role has no room left, or while another node writes.
   */
  async refuse(role: DeniedRole, id: string, entry: DenyEntry): Promise<boolean> {
    const name = `${role.mountId}/${role.roleArn}`;
    const batch = this.#waiting.get(name) ?? this.#nextBatch(role, name);
    batch.entries[id] = entry;
    const { shown, record } = await batch.done;
    if (!shown) return false;
    if (Object.hasOwn(record.entries, id) || entry.until <= this.#clock.now()) return true;
    throw noRoom(role, record);
  }

  // What comes while a write is under way waits for it, and is then one write together.
  #nextBatch(role: DeniedRole, name: string): Batch {
    const entries: Record<string, DenyEntry> = {};
    const done = (this.#writing.get(name) ?? Promise.resolve())
      .catch(() => undefined)
      .then(async () => setTimeout(gatherMillis))
      .then(() => {
        this.#waiting.delete(name);
        return this.#bring(role, entries);
      });
    const batch = { entries, done };
    this.#waiting.set(name, batch);
    this.#writing.set(name, done);
    const forget = (): void => {
      if (this.#writing.get(name) === done) this.#writing.delete(name);
    };
    void done.then(forget, forget);
    return batch;
  }

  /** Takes out sessions that have run out; returns when the next one will have. */
  async tidy(role: DeniedRole): Promise<Millis | undefined> {
    const { record } = await this.#bring(role, {});
    return nextEnd(record);
  }

  /** Brings AWS to what the record says with `entries` added, and reads it back. */
  async #bring(role: DeniedRole, entries: Readonly<Record<string, DenyEntry>>): Promise<Brought> {
    const sdk: Iam = await iamSdk();
    let room = roleInlineLimit;
    for (let writes = 0; writes < writesAtOnce; writes++) {
      const record = await this.#claim(role, entries, room);
      const outcome = await this.#write(sdk, role, record, room).catch(async (error: unknown) => {
        await this.#release(role, null);
        throw error;
      });
      if (outcome === 'no-room') {
        room = await roomOf(sdk, role);
        continue;
      }
      const latest = await this.#release(role, outcome === 'shown' ? record.revision : null);
      if (outcome === 'hidden') return { shown: false, record };
      if (!isShown(latest)) continue;
      await role.folder.schedule(recordKey(role.roleArn), nextEnd(record));
      return { shown: true, record };
    }
    throw brokerFailure('aws-refused', `${prefix}the role \`${role.roleArn}\` is changed by others all the time`);
  }

  /** Adds the entries that have room, and takes the right to write. @throws Failure while another has it. */
  async #claim(role: DeniedRole, entries: Readonly<Record<string, DenyEntry>>, room: number): Promise<DenyRecord> {
    const now = this.#clock.now();
    let claimed: DenyRecord | undefined;
    await role.folder.change<DenyRecord>(recordKey(role.roleArn), (before) => {
      const wanted = wantedRecord(withoutEnded(before ?? newDenyRecord(role.roleArn), now), entries, room);
      claimed = claimedBy(wanted, this.#writer, now, now + writerMillis);
      return claimed ?? wanted;
    });
    if (claimed !== undefined) return claimed;
    throw brokerFailure('revoke-incomplete', `${prefix}another node is writing to \`${role.roleArn}\``);
  }

  async #release(role: DeniedRole, shown: number | null): Promise<DenyRecord> {
    let latest = newDenyRecord(role.roleArn);
    await role.folder.change<DenyRecord>(recordKey(role.roleArn), (before) => {
      if (before === undefined) return undefined;
      latest = releasedBy(before, this.#writer, shown);
      // Nothing is refused any more, and AWS shows it: nothing to remember.
      return isShown(latest) && nextEnd(latest) === undefined && latest.writer === null ? undefined : latest;
    });
    return latest;
  }

  async #write(sdk: Iam, role: DeniedRole, record: DenyRecord, room: number): Promise<'shown' | 'hidden' | 'no-room'> {
    const { text } = fitDocument(sessionsOf(record), room);
    const iam = await role.iam();
    const names = { RoleName: roleName(role.roleArn), PolicyName: policyName(role.mountId) };
    const shown = async (): Promise<boolean> => (await readPolicy(sdk, iam, names)) === text;
    // Also what was written before is looked at: others may have taken it away.
    if (isShown(record) && (await shown())) return 'shown';
    try {
      if (text === undefined) await orMissing(iam.send(new sdk.DeleteRolePolicyCommand(names)));
      else await iam.send(new sdk.PutRolePolicyCommand({ ...names, PolicyDocument: text }));
    } catch (error) {
      if (awsCode(error) === 'LimitExceeded' && room === roleInlineLimit) return 'no-room';
      // A role that is gone has no sessions that can do anything.
      if (isMissing(error)) return 'shown';
      throw awsFailure(prefix, error);
    }
    return (await shown()) ? 'shown' : 'hidden';
  }
}

export const denyPrefix = 'deny/';

/** Name under which the store keeps what a role refuses; a schedule of that name tidies it. */
export function recordKey(roleArn: string): string {
  return `${denyPrefix}${createHash('sha256').update(roleArn).digest('hex').slice(0, 32)}`;
}

/** Of the mount, so that two servers, or two mounts, that lend one role do not overwrite each other. */
export function policyName(mountId: string): string {
  return `${policyNamePrefix}${mountId}`;
}

export const policyNamePrefix = 'StintRevoke-';

/** The last part of a role's ARN: IAM's calls take the name without the path. */
export function roleName(roleArn: string): string {
  return roleArn.slice(roleArn.lastIndexOf('/') + 1);
}

function sessionsOf({ entries }: DenyRecord): readonly (readonly [string, DenyEntry['marks']])[] {
  return Object.entries(entries).map(([id, { marks }]) => [id, marks]);
}

/** The record with as many of the entries as have room; who finds none is told so. What is refused already stays. */
function wantedRecord(kept: DenyRecord, entries: Readonly<Record<string, DenyEntry>>, room: number): DenyRecord {
  const added = withEntries(kept, entries);
  const { within, beyond } = fitDocument(sessionsOf(added), room);
  if (beyond.length === 0) return added;
  if (within.length <= Object.keys(kept.entries).length) return kept;
  return { ...added, entries: Object.fromEntries(within.map((id) => [id, added.entries[id]!])) };
}

async function readPolicy(
  sdk: Iam,
  iam: IAMClient,
  names: { RoleName: string; PolicyName: string },
): Promise<string | undefined> {
  const found = await told(prefix, orMissing(iam.send(new sdk.GetRolePolicyCommand(names))));
  return found?.PolicyDocument === undefined ? undefined : decodeURIComponent(found.PolicyDocument);
}

/** Characters that the other inline policies of the role leave. */
async function roomOf(sdk: Iam, { roleArn, mountId, iam }: DeniedRole): Promise<number> {
  const client = await iam();
  const RoleName = roleName(roleArn);
  let taken = 0;
  for await (const { PolicyNames = [] } of sdk.paginateListRolePolicies({ client }, { RoleName })) {
    for (const PolicyName of PolicyNames) {
      if (PolicyName === policyName(mountId)) continue;
      const text = await readPolicy(sdk, client, { RoleName, PolicyName });
      taken += (text ?? '').replace(/\s/g, '').length;
    }
  }
  return roleInlineLimit - taken - 1;
}

function noRoom({ roleArn }: DeniedRole, record: DenyRecord): Error {
  const refused = Object.keys(record.entries).length;
  return brokerFailure(
    'revoke-incomplete',
    `${prefix}the inline policies of \`${roleArn}\` are full: ${refused} of its sessions are refused already`,
    {
      hint: 'room comes as those sessions run out; to end all sessions of the role at once, use AWS’s "Revoke active sessions"',
    },
  );
}
