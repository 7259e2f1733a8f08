// Idempotency of TransactWriteItems: a token stands for one transaction, for ten minutes. SDKs send one with every
// call, so what has ended is forgotten with what comes.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
import { createHash } from 'node:crypto';
import type * as Sdk from '@aws-sdk/client-dynamodb';
import { canonicalJson, type Millis } from '../../../base/index.ts';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { tableName } from '../../world.ts';
import { forgetEnded, noteEnd } from '../ends.ts';
import type { Parsed } from '../iam/shapes.ts';
import { plain } from './requests.ts';

/** Account: the caller's. Id: `REGION/TOKEN` → the transaction that was done with it. */
const transactions = tableName<{ readonly at: Millis; readonly digest: string }>('dynamodb.transaction');
/** Account: the caller's. When tokens end. */
const tokenEnds = tableName<true>('dynamodb.transaction-end');

/** "An idempotency token is valid for 10 minutes". */
const lastingMillis = 600_000;

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
  const ends = call.world.table(tokenEnds);
  forgetEnded(ends, call.account, at, (ended, endedAt) => {
    // A token that was used again is remembered from its last use.
    if (rows.get(call.account, ended)?.at === endedAt - lastingMillis) rows.delete(call.account, ended);
  });
  rows.put(call.account, row, { at, digest });
  noteEnd(ends, call.account, at + lastingMillis, row);
  return false;
}
