// Requests about items: read and checked by dynalite's rules before they are authorised, for DynamoDB's
// condition keys speak of what the expressions name.
import type { Call } from '../../call.ts';
import { rules, validations, actions, type Item, type ItemRequest, type Rules, type Store } from './dynalite.ts';
import { invalid, translated } from './failures.ts';
import { lessNested } from './nesting.ts';
import { storeOf } from './store.ts';

/** Developer guide, "Quotas": "DynamoDB supports nested attributes up to 32 levels deep". */
const deepest = 32;

/** The input as dynalite takes it: a copy without absent members, bytes as base64 text. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]));
}

/** @throws ValidationException for values nested too deep */
export function checkDepth(values: Item | undefined): void {
  for (const value of Object.values(values ?? {})) {
    if (depthOf(value) > deepest) {
      throw invalid(
        'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit',
      );
    }
  }
}

function depthOf({ M, L }: { readonly M?: unknown; readonly L?: unknown }): number {
  const inner = Array.isArray(L) ? (L as object[]) : Object.values((M ?? {}) as Readonly<Record<string, object>>);
  const own = M === undefined && L === undefined ? 0 : 1;
  return own + inner.reduce((most, one) => Math.max(most, depthOf(one)), 0);
}

type Values = Readonly<Record<string, unknown>>;

/** Developer guide, "Quotas": "The maximum length of any expression string is 4 KB", in bytes as sent. */
const longestExpression = 4096;
const isCondition = /^(?:Condition|Filter|KeyCondition)Expression$/;

/** The input with expressions that dynalite reads in no time. @throws ValidationException */
function readable(input: Values): object {
  const entries = Object.entries(input).map(([name, value]): readonly [string, unknown] => {
    if (!name.endsWith('Expression') || typeof value !== 'string') return [name, value];
    const size = Buffer.byteLength(value);
    if (size > longestExpression) {
      throw invalid(`Invalid ${name}: Expression size has exceeded the maximum allowed size; expression size: ${size}`);
    }
    return [name, isCondition.test(name) ? lessNested(name, value) : value];
  });
  return Object.fromEntries(entries);
}

/** Reads `input` by the rules of `operation`. @throws ValidationException, SerializationException */
export function checked(operation: keyof typeof rules, input: object, call: Call): ItemRequest {
  return checkedBy(rules[operation], input, storeOf(call, new Map()));
}

export function checkedBy(by: Rules, input: object, store: Store): ItemRequest {
  try {
    const request = validations.checkTypes(readable(plain(input) as Values), by.types);
    validations.checkValidations(request, by.types, by.custom, store);
    return request as ItemRequest;
  } catch (error) {
    throw translated(error);
  }
}

/** Runs dynalite's action. @throws its refusal */
export function act(operation: keyof typeof actions, store: Store, request: object): Promise<object> {
  return new Promise((resolve, reject) => {
    actions[operation](store, request as never, (error, result) => {
      if (error === null || error === undefined) resolve(result!);
      else reject(translated(error));
    });
  });
}
