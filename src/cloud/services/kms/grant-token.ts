// Grant tokens: not secret, different each time, and naming the grant they stand for.
import type { Random } from '../../../base/index.ts';
import { invalidGrantToken } from './failures.ts';
import type { Key } from './model.ts';

export interface GrantName {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  readonly grantId: string;
}

export function writeGrantToken(random: Random, key: Key, grantId: string): string {
  const nonce = Buffer.from(random.bytes(9)).toString('base64url');
  return Buffer.from([nonce, key.account, key.region, key.id, grantId].join('/')).toString('base64');
}

/** @throws InvalidGrantTokenException */
export function readGrantToken(token: string): GrantName {
  const [, account, region, keyId, grantId, ...rest] = Buffer.from(token, 'base64').toString().split('/');
  if (
    account === undefined ||
    region === undefined ||
    keyId === undefined ||
    grantId === undefined ||
    rest.length > 0
  ) {
    throw invalidGrantToken();
  }
  return { account, region, keyId, grantId };
}
