// KMS: keys that never leave it, who may use them, and what they encrypt and sign.
import type { Call, Operation, Service } from '../../call.ts';
import { aliasOperations } from './aliases.ts';
import { dataKeyOperations } from './data-keys.ts';
import { encryptOperations } from './encrypt.ts';
import { readGrantToken } from './grant-token.ts';
import { grantOperations } from './grants.ts';
import { importOperations } from './import.ts';
import { keyOperations } from './keys.ts';
import { policyOperations } from './policies.ts';
import { rotationOperations } from './rotation.ts';
import { signOperations } from './sign.ts';
import { tagOperations } from './tags.ts';

interface WithTokens {
  readonly GrantTokens?: readonly string[] | undefined;
}

/**
 * Without a propagation delay grants count at once, and a token adds nothing but must be one. With a delay it does what
 * it is for: the grant counts before it has propagated ("Using a grant token", developer guide).
 */
function checkingTokens(operation: Operation): Operation {
  return {
    ...operation,
    permissions: (input: never, call: Call, prepared: never) => {
      const tokens = (input as WithTokens).GrantTokens ?? [];
      tokens.forEach(readGrantToken);
      const world = tokens.length === 0 ? call.world : { ...call.world, seen: call.world };
      return operation.permissions(input, { ...call, world }, prepared);
    },
  };
}

const operations: Readonly<Record<string, Operation>> = {
  ...keyOperations,
  ...aliasOperations,
  ...policyOperations,
  ...grantOperations,
  ...encryptOperations,
  ...dataKeyOperations,
  ...signOperations,
  ...rotationOperations,
  ...importOperations,
  ...tagOperations,
};

export const kms: Service = {
  id: 'kms',
  operations: Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [name, checkingTokens(operation)]),
  ),
};
