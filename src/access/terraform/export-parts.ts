// What every exported resource is made of: its address, its import, its tags.
import type { Json } from '../../base/index.ts';
import type { Partition } from '../../aws/index.ts';
import type { Tags, WantedAccount } from '../resources.ts';
import { terraformName } from './export-names.ts';
import type { Block, Entry, Expression } from './hcl.ts';

export interface ExportedResource {
  /** `aws_iam_role.dev__test_role`. */
  readonly address: string;
  readonly block: Block;
  /** The id by which it is imported. */
  readonly importId: Expression;
  /** Of what has one of its own: the ARN in AWS. */
  readonly arn?: string | undefined;
}

/** What all resources of an account have in common. */
export interface ExportScope {
  readonly account: WantedAccount;
  readonly partition: Partition;
  /** `aws.dev` in one root for all accounts; absent in a root of its own. */
  readonly provider: string | undefined;
  readonly definition: string;
  /** Whether Stint's own tags are written. */
  readonly marks: boolean;
}

const value = (json: Json): Expression => ({ value: json });

/** A resource with its address. An id of letters alone is given as it is. */
export function exported(
  scope: ExportScope,
  type: string,
  nameParts: readonly string[],
  id: string,
  importId: string | Expression,
  entries: readonly (Entry | undefined)[],
): ExportedResource {
  const name = terraformName(scope.account.name, ...nameParts);
  const provider: Entry[] = scope.provider === undefined ? [] : [['provider', { refer: scope.provider }]];
  return {
    address: `${type}.${name}`,
    importId: typeof importId === 'string' ? value(importId) : importId,
    block: {
      kind: 'resource',
      labels: [type, name],
      comment: `stint: ${id} of definition ${scope.definition}`,
      entries: [...provider, ...entries.filter((entry) => entry !== undefined)],
    },
  };
}

/** The tags, with Stint's own where those are written. */
export function tagEntry(scope: ExportScope, tags: Tags): Entry | undefined {
  const shown = Object.entries(tags).filter(([key]) => scope.marks || !key.startsWith('stint:'));
  return shown.length === 0 ? undefined : ['tags', value(Object.fromEntries(shown))];
}
