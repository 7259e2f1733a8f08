// Idempotency of TransactWriteItems: a token stands for one transaction, for ten minutes. SDKs send one with every
// call, so what has ended is forgotten with what comes.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
import { createHash } from 'node:crypto';
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { canonicalJson, type Millis } from '../../../base/index.ts';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { tableName } from '../../world.ts';
import type { Parsed } from '../iam/shapes.ts';
import { plain } from './requests.ts';

/** Account: the caller's. Id: `REGION/TOKEN` → the transaction that was done with it. */
const transactions = tableName<{ readonly at: Millis; readonly digest: string }>('dynamodb.transaction');
/** Account: the caller's. Id: when a token was used, a space, its row. */
const uses = tableName<true>('dynamodb.transaction-use');

/** "An idempotency token is valid for 10 minutes". */
const lastingMillis = 600_000;
/** Tokens forgotten with each new one: two, so that what was piled up goes away. */
const forgottenAtOnce = 2;

const useOf = (at: Millis, row: string): string => `${String(at).padStart(16, '0')} ${row}`;

/**
 * True when the token was used for the same transaction: nothing is left to do. Otherwise it is used from now on.
 * @throws IdempotentParameterMismatchException
 */
export function isRepeated(input: Parsed<Sdk.TransactWriteItemsInput>, call: Call): boolean {
  const { ClientRequestToken: token, TransactItems: items } = input;
  if (token === undefined) return false;
  const digest = createHash('sha256')
    .update(canonicalJson(plain(items)))
    .digest('base64');
  const rows = call.world.table(transactions);
  const row = `${call.region}/${token}`;
  const at = call.clock.now();
  const known = rows.get(call.account, row);
  if (known !== undefined && at - known.at < lastingMillis) {
    if (known.digest === digest) return true;
    throw awsFailure(
      'IdempotentParameterMismatchException',
      'The request uses the same client token as a previous, but non-identical request.',
    );
  }
  forgetEnded(call, at);
  rows.put(call.account, row, { at, digest });
  call.world.table(uses).put(call.account, useOf(at, row), true);
  return false;
}

function forgetEnded({ world, account }: Call, now: Millis): void {
  const limit = useOf(now - lastingMillis, '');
  let left = forgottenAtOnce;
  for (const [id] of world.table(uses).list(account)) {
    if (id >= limit || left-- === 0) return;
    world.table(uses).delete(account, id);
    const row = id.slice(id.indexOf(' ') + 1);
    // A token that was used again is remembered from its last use.
    const known = world.table(transactions).get(account, row);
    if (known !== undefined && id === useOf(known.at, row)) world.table(transactions).delete(account, row);
  }
}
