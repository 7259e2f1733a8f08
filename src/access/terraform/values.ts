// The JSON of a Terraform file taken apart without trust in its shape: what is not as expected counts as absent.
import { isObject } from '../../base/index.ts';

type Members = Readonly<Record<string, unknown>>;

const nothing: Members = {};

/** The member of that name as an object; an empty one where it is none. */
export function objectIn(value: unknown, name: string): Members {
  const member = isObject(value) ? value[name] : undefined;
  return isObject(member) ? member : nothing;
}

/** The member of that name as a list; an empty one where it is none. */
export function listIn(value: unknown, name: string): readonly unknown[] {
  const member = isObject(value) ? value[name] : undefined;
  return Array.isArray(member) ? (member as readonly unknown[]) : [];
}

/** The member of that name as a text that says something. */
export function textIn(value: unknown, name: string): string | undefined {
  const member = isObject(value) ? value[name] : undefined;
  return typeof member === 'string' && member !== '' ? member : undefined;
}

/** The texts in the list of that name. */
export function textsIn(value: unknown, name: string): readonly string[] {
  return listIn(value, name).filter((item) => typeof item === 'string');
}

export function numberIn(value: unknown, name: string): number | undefined {
  const member = isObject(value) ? value[name] : undefined;
  return typeof member === 'number' ? member : undefined;
}

export function flagIn(value: unknown, name: string): boolean {
  return isObject(value) && value[name] === true;
}

/** Whether a mask of Terraform (`after_unknown`, `sensitive_values`) marks anything in what it covers. */
export function marksAny(mask: unknown): boolean {
  if (mask === true) return true;
  if (Array.isArray(mask)) return mask.some(marksAny);
  return isObject(mask) && Object.values(mask).some(marksAny);
}
