// The inline policy that ends single sessions of a role: a pure function from the sessions to be ended
// to its text. AWS decides about every call anew, so a session is refused from the moment the policy
// is seen; sessions that the policy does not name go on.
//
// Statements carry no time, except for sessions whose name somebody else chose: a session that assumes
// its own role again keeps its source identity, and would slip through a limit of issue times.
import { isoSeconds, type Millis } from '../../../base/index.ts';

/** What tells one session from all others of its role. */
export type SessionMark =
  /** Its source identity, which holds text of this lease alone. */
  | { readonly by: 'identity'; readonly value: string }
  /** Its name, which ends in random text of this lease alone. */
  | { readonly by: 'name'; readonly value: string }
  /** Its name, which others may carry too, and when AWS issued it. */
  | { readonly by: 'name-at'; readonly value: string; readonly issuedAt: Millis };

/** How long AWS's clocks may be apart from the time it told, when it issued a session. */
const issueSlackMillis = 2000;

/**
 * What is kept of a mark when not all of them fit in full: the last 11 characters, random text of which
 * there are 62 ** 11. That any two of a million sessions end alike has a chance of 1 in 100,000,000.
 */
const shortLength = 11;
/** Not every name has room for so much random text at its end. */
const randomEnd = /-[0-9A-Za-z]{11,}$/;

interface Statement {
  readonly Sid: string;
  readonly Condition: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/**
 * The text of the policy that refuses every session with one of `marks`; the same for the same marks
 * in any order. The form `short` costs half the room. Undefined when there is nothing to refuse.
 */
export function denyDocument(marks: readonly SessionMark[], form: 'exact' | 'short'): string | undefined {
  const statements = [byIdentity(marks, form), byName(marks, form), ...byNameAndTime(marks)].filter(
    (statement) => statement !== undefined,
  );
  if (statements.length === 0) return undefined;
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map(({ Sid, Condition }) => ({ Sid, Effect: 'Deny', Action: '*', Resource: '*', Condition })),
  });
}

function byIdentity(marks: readonly SessionMark[], form: 'exact' | 'short'): Statement | undefined {
  const values = valuesOf(marks, 'identity');
  if (values.length === 0) return undefined;
  const Condition =
    form === 'exact'
      ? { StringEquals: { 'aws:SourceIdentity': values } }
      : { StringLike: { 'aws:SourceIdentity': values.map(endOf) } };
  return { Sid: 'StintRevokedByIdentity', Condition };
}

// `aws:userid` of a session is the role's id, a colon, and its name.
function byName(marks: readonly SessionMark[], form: 'exact' | 'short'): Statement | undefined {
  const values = valuesOf(marks, 'name');
  if (values.length === 0) return undefined;
  const patterns = values.map((value) => (form === 'exact' || !randomEnd.test(value) ? `*:${value}` : endOf(value)));
  return { Sid: 'StintRevokedByName', Condition: { StringLike: { 'aws:userid': patterns } } };
}

function byNameAndTime(marks: readonly SessionMark[]): readonly Statement[] {
  const byTime = new Map<Millis, string[]>();
  for (const mark of marks) {
    if (mark.by === 'name-at') byTime.set(mark.issuedAt, [...(byTime.get(mark.issuedAt) ?? []), `*:${mark.value}`]);
  }
  return [...byTime]
    .sort(([a], [b]) => a - b)
    .map(([issuedAt, names], at) => ({
      Sid: `StintRevokedByNameAndTime${at}`,
      Condition: {
        StringLike: { 'aws:userid': sorted(names) },
        DateGreaterThanEquals: { 'aws:TokenIssueTime': isoSeconds(issuedAt - issueSlackMillis) },
        DateLessThanEquals: { 'aws:TokenIssueTime': isoSeconds(issuedAt + issueSlackMillis) },
      },
    }));
}

function valuesOf(marks: readonly SessionMark[], by: 'identity' | 'name'): readonly string[] {
  return sorted(marks.filter((mark) => mark.by === by).map(({ value }) => value));
}

function sorted(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort();
}

function endOf(value: string): string {
  return `*${value.slice(-shortLength)}`;
}

/** Characters that all inline policies of a role may have together: IAM user guide, "IAM and AWS STS quotas". */
export const roleInlineLimit = 10_240;

export interface Fitted {
  /** Undefined: there is nothing to refuse. */
  readonly text: string | undefined;
  /** Leases of which the text has every mark, and those for which there was no room. */
  readonly within: readonly string[];
  readonly beyond: readonly string[];
}

/** The policy for as many of the leases, from the first on, as have room in `room` characters. */
export function fitDocument(leases: readonly (readonly [string, readonly SessionMark[]])[], room: number): Fitted {
  const ids = leases.map(([id]) => id);
  const textOf = (count: number, form: 'exact' | 'short'): string | undefined => {
    const text = denyDocument(
      leases.slice(0, count).flatMap(([, marks]) => marks),
      form,
    );
    return text === undefined || text.length <= room ? text : tooLong;
  };
  const exact = textOf(ids.length, 'exact');
  if (exact !== tooLong) return { text: exact, within: ids, beyond: [] };
  const count = largest(ids.length, (tried) => textOf(tried, 'short') !== tooLong);
  return { text: textOf(count, 'short'), within: ids.slice(0, count), beyond: ids.slice(count) };
}

const tooLong = 'too long';

/** The largest number up to `limit` that `holds`, which holds for every smaller one too. */
function largest(limit: number, holds: (count: number) => boolean): number {
  let [low, high] = [0, limit];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
