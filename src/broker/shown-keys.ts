// What a policy's `list_scan_response_keys_filter_path` leaves of the answer to a list.
// Source: OpenBao internal/vault/request_handling_list_filtering.go.
import type { Answer, Call } from './call.ts';
import { brokerFailure } from './failures.ts';
import type { WireEnvelope, WireValue } from './http/wire.ts';

/**
 * The answer with the keys that the caller may know of, where its rule limits them.
 * @throws Failure `permission-denied` when the answer is not a list of keys, so that nothing slips through.
 */
export function withShownKeys(call: Call, answer: Answer): Answer {
  const shownKeys = call.granted?.shownKeys;
  if (shownKeys === undefined) return answer;
  const body = answer.body as WireEnvelope;
  const { keys, key_info: info, ...more } = body.data ?? {};
  if (!isTexts(keys) || Object.keys(more).length > 0) {
    throw brokerFailure('permission-denied', 'permission denied', {
      hint: 'a rule filters the keys of this list, and its answer has more than keys',
    });
  }
  const shown = shownKeys(keys);
  const data = { keys: shown, ...(isObject(info) ? { key_info: pick(info, shown) } : {}) };
  return { ...answer, body: { ...body, data }, audited: { data, auth: null } };
}

function isTexts(value: WireValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isObject(value: WireValue | undefined): value is { readonly [key: string]: WireValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pick(
  info: { readonly [key: string]: WireValue },
  keys: readonly string[],
): { readonly [key: string]: WireValue } {
  return Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(info, key) ? [[key, info[key]!]] : [])));
}
