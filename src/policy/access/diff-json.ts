// A change of access for programs. Long lists of actions, which many grants share, stand once beside them.
import type { AccessDiff } from './diff.ts';
import type { Grant } from './grants.ts';

/** Longest list of actions that stands in its grant. */
const longest = 40;

/**
 * `changes`: `{principals: [{kind, name, arn, account, state}], gains, loses}`, each of the two a list of
 * `{kind, count, actions | list, resources, except, conditions, otherwise?, policies}` · `trust`:
 * `{roles, widened, narrowed}` of `{principal, conditions, formerly?}` · `lists`: the actions of the grants that name a
 * `list`, by its position. `{account}` in texts is the account of each principal.
 */
export function diffJson({ changes, trust }: AccessDiff): object {
  const lists: (readonly string[])[] = [];
  const positions = new Map<string, number>();
  const listOf = (actions: readonly string[]): number => {
    const key = actions.join(' ');
    const known = positions.get(key);
    if (known !== undefined) return known;
    positions.set(key, lists.length);
    lists.push(actions);
    return lists.length - 1;
  };
  const grant = ({ kind, actions, patterns: _patterns, ...rest }: Grant): object => ({
    kind,
    count: actions.length,
    ...(actions.length <= longest ? { actions } : { list: listOf(actions) }),
    ...rest,
  });
  return {
    changes: changes.map(({ principals, gains, loses }) => ({
      principals,
      gains: gains.map(grant),
      loses: loses.map(grant),
    })),
    trust: trust.map(({ roles, widened, narrowed }) => ({ roles, widened, narrowed })),
    lists,
  };
}
