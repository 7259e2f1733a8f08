// Inline policies of users, groups and roles, from one piece.
import { operation, type Operation } from '../../call.ts';
import { carrierName, permissionOnCarrier, refuseProtected, type Carrier, type CarrierInput } from './carriers.ts';
import { checkDocument, documentSize } from './documents.ts';
import { need, permissionOn, save } from './entities.ts';
import { limitExceeded, noSuchEntity } from './failures.ts';
import type { Identity } from './model.ts';
import { pageOfList, type PageInput } from './page.ts';

type PolicyInput = CarrierInput & { readonly PolicyName: string };

/** Put, Get, List and Delete of one carrier: `PutUserPolicy`, `ListUserPolicies`… */
export function inlinePolicyOperations<Row extends Identity>(carrier: Carrier<Row>): Record<string, Operation> {
  const { label, nameKey } = carrier.noun;
  const nameOf = (input: CarrierInput): string => carrierName(carrier as never, input);
  const missing = (name: string) => noSuchEntity(`The ${carrier.kind} policy with name ${name} cannot be found.`);
  return {
    [`Put${label}Policy`]: operation<PolicyInput & { readonly PolicyDocument: string }, void>({
      permissions: (input, call) => [permissionOnCarrier(carrier, call, `Put${label}Policy`, nameOf(input))],
      handle: (input, call) => {
        const row = need(carrier.noun, call, nameOf(input));
        refuseProtected(row);
        checkDocument(input.PolicyDocument, 'identity');
        const inline = { ...row.inline, [input.PolicyName]: input.PolicyDocument };
        const size = Object.values(inline).reduce((sum, text) => sum + documentSize(text), 0);
        const limit = call.world.quotas[carrier.inlineQuota];
        if (size > limit) {
          throw limitExceeded(`Maximum policy size of ${limit} bytes exceeded for ${carrier.kind} ${row.name}`);
        }
        save(carrier.noun, call, { ...row, inline });
      },
    }),
    [`Get${label}Policy`]: operation<PolicyInput, object>({
      permissions: (input, call) => [permissionOn(carrier.noun, call, `Get${label}Policy`, nameOf(input))],
      handle: (input, call) => {
        const row = need(carrier.noun, call, nameOf(input));
        if (!Object.hasOwn(row.inline, input.PolicyName)) throw missing(input.PolicyName);
        const PolicyDocument = row.inline[input.PolicyName];
        return { [nameKey]: row.name, PolicyName: input.PolicyName, PolicyDocument };
      },
    }),
    [`List${label}Policies`]: operation<CarrierInput & PageInput, object>({
      permissions: (input, call) => [permissionOn(carrier.noun, call, `List${label}Policies`, nameOf(input))],
      handle: (input, call) => {
        const names = Object.keys(need(carrier.noun, call, nameOf(input)).inline).sort();
        const { items, ...page } = pageOfList(names, input, (name) => name);
        return { PolicyNames: items, ...page };
      },
    }),
    [`Delete${label}Policy`]: operation<PolicyInput, void>({
      permissions: (input, call) => [permissionOnCarrier(carrier, call, `Delete${label}Policy`, nameOf(input))],
      handle: (input, call) => {
        const row = need(carrier.noun, call, nameOf(input));
        refuseProtected(row);
        if (!Object.hasOwn(row.inline, input.PolicyName)) throw missing(input.PolicyName);
        const { [input.PolicyName]: _, ...inline } = row.inline;
        save(carrier.noun, call, { ...row, inline });
      },
    }),
  };
}
