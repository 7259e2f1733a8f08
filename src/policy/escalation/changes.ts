// Ways up that a change opens.
import type { Escalations, EscalationPath } from './paths.ts';

const keyOf = ({ from, to, gain }: EscalationPath): string => `${from.arn} ${gain} ${to?.arn ?? ''}`;

/**
 * The ways up that are there after a change and were not before, or hung on something then and do no longer. Users,
 * roles and groups are told by their ARN, so that one that the change makes is new with all its ways.
 */
export function newEscalations(before: Escalations, after: Escalations): readonly EscalationPath[] {
  const had = new Map<string, boolean>();
  for (const path of before.all()) {
    had.set(keyOf(path), path.certain || had.get(keyOf(path)) === true);
  }
  return after.all().filter((path) => {
    const old = had.get(keyOf(path));
    return old === undefined || (path.certain && !old);
  });
}
