// Tag…, Untag… and List…Tags of everything in IAM that carries tags, from one piece.
import { operation, type Call, type Operation, type Permission } from '../../call.ts';
import type { Tag } from './model.ts';
import { pageOfList, type PageInput } from './page.ts';
import {
  checkTags,
  mergeTags,
  requestTagKeys,
  withoutTags,
  type ConditionKeys,
  type TagCase,
  type TagList,
} from './tags.ts';

/** A kind of thing with tags: how it is named, found and saved. */
export interface Taggable<Row extends { readonly tags: readonly Tag[] }> {
  /** In names of operations: `TagUser`, `ListUserTags`. */
  readonly label: string;
  /** Member of inputs that names it. */
  readonly nameKey: string;
  readonly tagCase: TagCase;
  readonly permission: (call: Call, action: string, name: string, context: ConditionKeys) => Permission;
  /** @throws NoSuchEntity */
  readonly need: (call: Call, name: string) => Row;
  readonly save: (call: Call, row: Row) => void;
}

type Named = Readonly<Record<string, unknown>>;

export function taggingOperations<Row extends { readonly tags: readonly Tag[] }>(
  kind: Taggable<Row>,
): Record<string, Operation> {
  const nameOf = (input: Named): string => input[kind.nameKey] as string;
  const tagName = `Tag${kind.label}`;
  const untagName = `Untag${kind.label}`;
  const listName = `List${kind.label}Tags`;
  return {
    [tagName]: operation<Named & { Tags: TagList }, void>({
      permissions: (input, call) => [kind.permission(call, tagName, nameOf(input), requestTagKeys(input.Tags))],
      handle: (input, call) => {
        const row = kind.need(call, nameOf(input));
        kind.save(call, {
          ...row,
          tags: mergeTags(call.world, row.tags, checkTags(input.Tags, kind.tagCase), kind.tagCase),
        });
      },
    }),
    [untagName]: operation<Named & { TagKeys: readonly string[] }, void>({
      permissions: (input, call) => [kind.permission(call, untagName, nameOf(input), { 'aws:TagKeys': input.TagKeys })],
      handle: (input, call) => {
        const row = kind.need(call, nameOf(input));
        kind.save(call, { ...row, tags: withoutTags(row.tags, input.TagKeys, kind.tagCase) });
      },
    }),
    [listName]: operation<Named & PageInput, object>({
      permissions: (input, call) => [kind.permission(call, listName, nameOf(input), {})],
      handle: (input, call) => {
        // "The returned list of tags is sorted by tag key" (IAM API reference, ListUserTags and the like).
        const sorted = kind.need(call, nameOf(input)).tags.toSorted((a, b) => (a.Key < b.Key ? -1 : 1));
        const { items, ...page } = pageOfList(sorted, input, (tag) => tag.Key);
        return { Tags: items, ...page };
      },
    }),
  };
}
