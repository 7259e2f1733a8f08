// The one policy of a key, named `default`.
import type * as Sdk from '@aws-sdk/client-kms';
import { operation } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { keyPermission } from './access.ts';
import { notFound, unsupported } from './failures.ts';
import { needKey } from './lookup.ts';
import { saveKey } from './model.ts';
import { pageOfList } from './page.ts';
import { checkedPolicy, checkLockout, shownPolicy } from './policy-document.ts';

const policyName = 'default';

const getKeyPolicy = operation<Parsed<Sdk.GetKeyPolicyRequest>, Sdk.GetKeyPolicyResponse>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:GetKeyPolicy', needKey(call, input.KeyId, { aliases: false })),
  ],
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    if (input.PolicyName !== undefined && input.PolicyName !== policyName) throw notFound('No such policy exists');
    return { Policy: shownPolicy(key, call.world), PolicyName: policyName };
  },
});

const putKeyPolicy = operation<Parsed<Sdk.PutKeyPolicyRequest>, void>({
  permissions: (input, call) => {
    const bypass = String(input.BypassPolicyLockoutSafetyCheck ?? false);
    const context = { 'kms:BypassPolicyLockoutSafetyCheck': bypass };
    return [keyPermission(call, 'kms:PutKeyPolicy', needKey(call, input.KeyId, { aliases: false }), { context })];
  },
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    if (input.PolicyName !== undefined && input.PolicyName !== policyName) {
      throw unsupported('The only valid policy name is default.');
    }
    const changed = { ...key, policy: checkedPolicy(input.Policy, call.world) };
    if (input.BypassPolicyLockoutSafetyCheck !== true) checkLockout(call, changed);
    saveKey(call.world, changed);
  },
});

const listKeyPolicies = operation<Parsed<Sdk.ListKeyPoliciesRequest>, Sdk.ListKeyPoliciesResponse>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:ListKeyPolicies', needKey(call, input.KeyId, { aliases: false })),
  ],
  handle: (input, call) => {
    needKey(call, input.KeyId, { aliases: false });
    const { items, page } = pageOfList([policyName], input, { usual: 100, most: 1000 });
    return { PolicyNames: items, ...page };
  },
});

export const policyOperations = {
  GetKeyPolicy: getKeyPolicy,
  PutKeyPolicy: putKeyPolicy,
  ListKeyPolicies: listKeyPolicies,
};
