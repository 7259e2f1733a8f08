// The policy of a browser's upload: what its signer allowed the form to hold, and until when.
// Source: S3 API reference, "POST policy".
import { isFailure, type Failure, type Millis } from '../../base/index.ts';
import { awsFailure } from '../failures.ts';
import type { UploadForm } from './form.ts';

type Condition =
  | { readonly kind: 'eq' | 'starts-with'; readonly field: string; readonly value: string; readonly source: string }
  | { readonly kind: 'size'; readonly least: number; readonly most: number };

/** Fields that need no condition. */
const free = /^(?:x-amz-signature|file|policy|awsaccesskeyid|signature|x-ignore-.*)$/;

/**
 * @throws InvalidPolicyDocument 400 for a policy that cannot be read; AccessDenied 403 for one that has expired or
 * that the form does not keep to; EntityTooSmall, EntityTooLarge 400
 */
export function checkPolicy(text: string, form: UploadForm, bucket: string, now: Millis): void {
  const { expiration, conditions } = readPolicy(text);
  if (now >= expiration) throw denied('Policy expired.');
  const covered = new Set<string>();
  for (const condition of conditions) {
    if (condition.kind === 'size') {
      checkSize(form.file.length, condition);
      continue;
    }
    const value = condition.field === 'bucket' ? bucket : (form.fields.get(condition.field) ?? '');
    const holds = condition.kind === 'eq' ? value === condition.value : startsWith(value, condition);
    if (!holds) throw denied(`Policy Condition failed: ${condition.source}`);
    covered.add(condition.field);
  }
  const extra = [...form.fields.keys()].filter((name) => !covered.has(name) && !free.test(name) && name !== 'bucket');
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(', ')}`);
}

/** A list of content types has to start with the value item by item. */
function startsWith(
  value: string,
  { field, value: start }: { readonly field: string; readonly value: string },
): boolean {
  if (field !== 'content-type') return value.startsWith(start);
  return value.split(',').every((one) => one.trim().startsWith(start));
}

function denied(reason: string): Failure {
  return awsFailure('AccessDenied', `Invalid according to Policy: ${reason}`, { status: 403 });
}

function checkSize(size: number, { least, most }: { readonly least: number; readonly most: number }): void {
  if (size < least) {
    throw awsFailure('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      status: 400,
      fields: { ProposedSize: String(size), MinSizeAllowed: String(least) },
    });
  }
  if (size > most) {
    throw awsFailure('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
      status: 400,
      fields: { ProposedSize: String(size), MaxSizeAllowed: String(most) },
    });
  }
}

function invalid(reason: string): Failure {
  return awsFailure('InvalidPolicyDocument', `Invalid Policy: ${reason}`, { status: 400 });
}

function readPolicy(text: string): { readonly expiration: Millis; readonly conditions: readonly Condition[] } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64').toString());
  } catch (error) {
    if (isFailure(error)) throw error;
    throw invalid('Invalid JSON.');
  }
  const { expiration, conditions } = (parsed ?? {}) as { expiration?: unknown; conditions?: unknown };
  if (typeof expiration !== 'string') throw invalid('Policy missing expiration.');
  const ends = Date.parse(expiration);
  if (Number.isNaN(ends)) throw invalid(`Invalid 'expiration' value: '${expiration}'`);
  if (!Array.isArray(conditions)) throw invalid('Policy missing conditions.');
  return { expiration: ends, conditions: conditions.flatMap(conditionsOf) };
}

function conditionsOf(one: unknown): readonly Condition[] {
  if (Array.isArray(one)) return [listed(one)];
  if (typeof one !== 'object' || one === null) throw invalid('Invalid Condition');
  return Object.entries(one).map(([field, value]) => ({
    kind: 'eq',
    field: field.toLowerCase(),
    value: String(value),
    source: JSON.stringify(['eq', `$${field}`, value]),
  }));
}

function listed(parts: readonly unknown[]): Condition {
  const [operator, first, second] = parts;
  const kind = String(operator).toLowerCase();
  if (kind === 'content-length-range') return { kind: 'size', least: Number(first), most: Number(second) };
  if ((kind !== 'eq' && kind !== 'starts-with') || typeof first !== 'string' || !first.startsWith('$')) {
    throw invalid(`Invalid Condition: ${JSON.stringify(parts)}`);
  }
  return { kind, field: first.slice(1).toLowerCase(), value: String(second), source: JSON.stringify(parts) };
}
