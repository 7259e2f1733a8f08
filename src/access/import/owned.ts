// What a definition wrote on its own things, read back: the name of the entry, who answers for it, its end, its
// protection, and the ends of single statements. Marks of others are no marks.
import type { Millis } from '../../base/index.ts';
import { expiryInstant } from '../expiry.ts';
import { ownMarks, reasonText } from '../ownership.ts';
import type { Statement, Tags } from '../resources.ts';
import type { Entry, Found } from './found.ts';
import { statementEntry } from './permissions.ts';

/** The name that a thing's entry has in the definition; undefined for a thing of others. */
export function ownKey(found: Found, tags: Tags, part: string): string | undefined {
  const id = ownMarks(tags, found.name)?.id;
  return id?.startsWith(`${part}/`) === true ? id.slice(part.length + 1) : undefined;
}

/** A date as the definition takes it: somebody may have written anything into a tag. */
function isDate(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)?$/.test(text) && !Number.isNaN(Date.parse(expiryInstant(text)))
  );
}

/** The members that tags keep: `owner`, `reason`, `expires`, `protect`, `marked`. */
export function markedMembers(found: Found, tags: Tags): Entry {
  const { owner, reason, expires, protect, marked } = ownMarks(tags, found.name) ?? {};
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(reason === undefined || reasonText(reason) !== reason ? {} : { reason }),
    ...(expires === undefined || !isDate(expires) ? {} : { expires }),
    ...(protect === undefined ? {} : { protect }),
    ...(marked === undefined ? {} : { marked }),
  };
}

/** The end that the members tell, as an instant. */
export function endOf({ expires }: Entry): string | undefined {
  return typeof expires === 'string' ? expiryInstant(expires) : undefined;
}

/** `2027-01-01T00:00:00Z` is the beginning of a day, which people write without the hour. */
export const shortDate = (instant: string): string => instant.replace(/T00:00:00(?:\.0+)?Z$/, '');

/**
 * A statement of the definition as its entry. Its end in time is `expires` again, and nothing where what it is part of
 * ends then; an end that has passed stays the condition that it is, or the next apply would take the statement away.
 */
export function ownStatementEntry(statement: Statement, end: string | undefined, now: Millis): Entry {
  const { DateLessThan = {}, ...others } = statement.Condition ?? {};
  const { 'aws:CurrentTime': time, ...rest } = DateLessThan;
  const until = [time].flat()[0];
  const plain = typeof until === 'string' && isDate(until) && [time].flat().length === 1;
  if (!plain || Date.parse(until) <= now) return statementEntry(statement);
  const kept = { ...others, ...(Object.keys(rest).length === 0 ? {} : { DateLessThan: rest }) };
  const { Condition: _, ...bare } = statement;
  const entry = statementEntry(Object.keys(kept).length === 0 ? bare : { ...bare, Condition: kept });
  const own = end !== undefined && Date.parse(until) === Date.parse(end);
  return own ? entry : { ...entry, expires: shortDate(until) };
}
