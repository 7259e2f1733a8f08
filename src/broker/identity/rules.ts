// What identities may be called and may carry. Pure. Limits and texts: OpenBao internal/vault/identity,
// sdk/helper/custommetadata.
import { brokerFailure } from '../failures.ts';
import { severalErrors } from '../go-errors.ts';
import type { Metadata } from './model.ts';

const mostPairs = 64;
const longestKey = 128;
const longestValue = 512;

/** @throws Failure `identity-invalid` with Vault's text. */
export function checkMetadata(whose: 'entity' | 'group' | 'alias', metadata: Metadata): void {
  const pairs = Object.entries(metadata);
  const wrong = pairs.map(([key, value]) => pairFault(key, value)).find((fault) => fault !== undefined);
  const fault = pairs.length > mostPairs ? `metadata cannot contain more than ${mostPairs} key/value pairs` : wrong;
  if (fault !== undefined) throw invalid(severalErrors(`invalid ${whose} metadata: ${fault}`));
}

function pairFault(key: string, value: string): string | undefined {
  const fault = keyFault(key) ?? (value.length > longestValue ? tooLong('value', longestValue) : undefined);
  if (fault === undefined) return undefined;
  return `failed to load metadata pair (${JSON.stringify(key)}, ${JSON.stringify(value)}): ${fault}`;
}

function keyFault(key: string): string | undefined {
  if (key === '') return 'key cannot be blank';
  if (!/^[a-zA-Z0-9=/+_-]+$/.test(key)) return 'key contains invalid characters';
  if (key.length > longestKey) return tooLong('key', longestKey);
  return key.startsWith('vault-') ? 'key prefix "vault-" is reserved for internal use' : undefined;
}

function tooLong(what: string, limit: number): string {
  return `${what} is too long (limit: ${limit} characters)`;
}

/** @throws Failure `identity-invalid` with all that is wrong. */
export function checkCustomMetadata(metadata: Metadata): void {
  const count = Object.keys(metadata).length;
  const faults =
    count > mostPairs
      ? [`payload must contain at most ${mostPairs} keys, provided ${count}`]
      : Object.entries(metadata).flatMap(([key, value]) => customFaults(key, value));
  if (faults.length === 0) return;
  throw invalid(severalErrors(...faults.map((fault) => `custom_metadata validation failed: ${fault}`)));
}

function customFaults(key: string, value: string): readonly string[] {
  const name = JSON.stringify(key);
  const within = (length: number, limit: number): boolean => length > 0 && length <= limit;
  return [
    ...(within(key.length, longestKey)
      ? []
      : [`length of key ${name} is ${key.length} but must be 0 < len(key) <= ${longestKey}`]),
    ...(within(value.length, longestValue)
      ? []
      : [`length of value for key ${name} is ${value.length} but must be 0 < len(value) <= ${longestValue}`]),
    ...(isPrintable(key) ? [] : [`key ${name} (${key}) contains unprintable characters`]),
    ...(isPrintable(value) ? [] : [`value for key ${name} contains unprintable characters`]),
  ];
}

function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Cs}\p{Cn}]/u.test(text);
}

/** Metadata as it is kept: none and empty are the same. */
export function keptMetadata(metadata: Metadata): Metadata | null {
  return Object.keys(metadata).length === 0 ? null : metadata;
}

/** Names of policies as they are kept: in lower case, in order, each once. @throws Failure `bad-request` for root. */
export function policyNames(given: readonly string[]): readonly string[] {
  const names = [...new Set(given.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''))].sort();
  if (names.includes('root')) throw brokerFailure('bad-request', 'policies cannot contain root');
  return names;
}

function invalid(message: string): Error {
  return brokerFailure('identity-invalid', message);
}
