// Documents of the policies that AWS manages, unpacked block by block when somebody asks. The data is made by
// tools/generate-managed-policies.ts: an index of lines `path/Name version created updated block line`, and blocks of
// documents, one a line.
import type { PolicyJson } from '../access/details.ts';
import { unpack } from './unpack.ts';

const arnPattern = /^arn:([^:]+):iam::aws:policy\/(.+)$/;

interface Index {
  readonly places: ReadonlyMap<string, readonly [block: number, line: number]>;
  readonly linesOf: (block: number) => Promise<readonly string[]>;
}

// A memo of constant data.
let index: Promise<Index> | undefined;

async function readIndex(): Promise<Index> {
  const { default: data } = await import('../generated/managed-policies.json', { with: { type: 'json' } });
  const places = new Map<string, readonly [number, number]>();
  for (const text of (await unpack(data.index)).split('\n')) {
    const parts = text.split(' ');
    places.set(parts[0]!, [Number(parts[4]), Number(parts[5])]);
  }
  const blocks = new Map<number, Promise<readonly string[]>>();
  const linesOf = (block: number): Promise<readonly string[]> => {
    const known = blocks.get(block) ?? unpack(data.blocks[block]!).then((text) => text.split('\n'));
    blocks.set(block, known);
    return known;
  };
  return { places, linesOf };
}

/**
 * The newest documents that this Stint knows of AWS managed policies, by ARN. Those that AWS added since are left out,
 * and so are ARNs of other policies.
 */
export async function managedDocuments(arns: Iterable<string>): Promise<ReadonlyMap<string, PolicyJson>> {
  const asked = [...new Set(arns)].flatMap((arn) => {
    const [, partition, pathAndName] = arnPattern.exec(arn) ?? [];
    return partition === undefined || pathAndName === undefined ? [] : [{ arn, partition, pathAndName }];
  });
  if (asked.length === 0) return new Map();
  index ??= readIndex();
  const { places, linesOf } = await index;
  const found = new Map<string, PolicyJson>();
  for (const { arn, partition, pathAndName } of asked) {
    const place = places.get(pathAndName);
    if (place === undefined) continue;
    const text = (await linesOf(place[0]))[place[1]]!;
    // The data is of the partition `aws`; elsewhere the ARNs in a document are of that partition.
    const local = partition === 'aws' ? text : text.replaceAll('"arn:aws:', `"arn:${partition}:`);
    found.set(arn, JSON.parse(local) as PolicyJson);
  }
  return found;
}
