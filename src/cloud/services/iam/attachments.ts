// Managed policies on users, groups and roles, and permissions boundaries of users and roles, from one piece each.
import { operation, type Operation } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { carrierName, permissionOnCarrier, refuseProtected, type Carrier, type CarrierInput } from './carriers.ts';
import { need, permissionOn, save } from './entities.ts';
import { noSuchEntity, quotaExceeded } from './failures.ts';
import { isAwsPolicyArn, needAttachable } from './managed.ts';
import type { Identity } from './model.ts';
import { pageOfList, type PageInput } from './page.ts';
import { beginUse, endUse, type UserKind } from './policy-usage.ts';

type ArnInput = CarrierInput & { readonly PolicyArn: string };

/** Attach, Detach and ListAttached of one carrier: `AttachUserPolicy`, `ListAttachedUserPolicies`… */
export function attachmentOperations<Row extends Identity>(carrier: Carrier<Row>): Record<string, Operation> {
  const { label } = carrier.noun;
  const nameOf = (input: CarrierInput): string => carrierName(carrier as never, input);
  const change = (action: string) => (input: ArnInput, call: Parameters<typeof permissionOnCarrier>[1]) => [
    permissionOnCarrier(carrier, call, action, nameOf(input), { 'iam:PolicyARN': input.PolicyArn }),
  ];
  return {
    [`Attach${label}Policy`]: operation<ArnInput, void>({
      permissions: change(`Attach${label}Policy`),
      handle: (input, call) => {
        const row = need(carrier.noun, call, nameOf(input));
        refuseProtected(row);
        const { arn } = needAttachable(call, input.PolicyArn);
        refuseServiceRolePolicy(arn, carrier.kind);
        if (row.attached.includes(arn)) return;
        const limit = call.world.quotas[carrier.attachedQuota];
        if (row.attached.length >= limit) throw quotaExceeded(`PoliciesPer${label}`, limit);
        save(carrier.noun, call, { ...row, attached: [...row.attached, arn] });
        beginUse(call, arn, 'attached', carrier.kind, row.name);
      },
    }),
    [`Detach${label}Policy`]: operation<ArnInput, void>({
      permissions: change(`Detach${label}Policy`),
      handle: (input, call) => {
        const row = need(carrier.noun, call, nameOf(input));
        refuseProtected(row);
        if (!row.attached.includes(input.PolicyArn)) throw noSuchEntity(`Policy ${input.PolicyArn} was not found.`);
        save(carrier.noun, call, { ...row, attached: row.attached.filter((arn) => arn !== input.PolicyArn) });
        endUse(call, input.PolicyArn, 'attached', carrier.kind, row.name);
      },
    }),
    [`ListAttached${label}Policies`]: operation<CarrierInput & PageInput & { readonly PathPrefix?: string }, object>({
      permissions: (input, call) => [permissionOn(carrier.noun, call, `ListAttached${label}Policies`, nameOf(input))],
      handle: (input, call) => {
        const { attached } = need(carrier.noun, call, nameOf(input));
        const under = attached.filter((arn) => pathOfPolicyArn(arn).startsWith(input.PathPrefix ?? '/'));
        const { items, ...page } = pageOfList(under, input, (arn) => arn);
        return { AttachedPolicies: items.map(attachedPolicyShape), ...page };
      },
    }),
  };
}

/** Policies of service-linked roles are AWS's to attach. @throws PolicyNotAttachable */
function refuseServiceRolePolicy(arn: string, kind: UserKind): void {
  if (!isAwsPolicyArn(arn) || !arn.includes(':policy/aws-service-role/')) return;
  const carrier = kind === 'role' ? 'a Customer Role.' : `an IAM ${kind}`;
  throw awsFailure('PolicyNotAttachable', `Cannot attach a Service Role Policy to ${carrier}`, { status: 400 });
}

function pathOfPolicyArn(arn: string): string {
  return arn.slice(arn.indexOf(':policy/') + ':policy'.length, arn.lastIndexOf('/') + 1);
}

export function attachedPolicyShape(arn: string): { PolicyName: string; PolicyArn: string } {
  return { PolicyName: arn.slice(arn.lastIndexOf('/') + 1), PolicyArn: arn };
}

/** Put and Delete of the permissions boundary of users or roles. */
export function boundaryOperations<Row extends Identity & { readonly boundary?: string | undefined }>(
  carrier: Carrier<Row>,
): Record<string, Operation> {
  const { label } = carrier.noun;
  const nameOf = (input: CarrierInput): string => carrierName(carrier as never, input);
  const put = `Put${label}PermissionsBoundary`;
  const remove = `Delete${label}PermissionsBoundary`;
  return {
    [put]: operation<CarrierInput & { readonly PermissionsBoundary: string }, void>({
      permissions: (input, call) => [
        permissionOn(carrier.noun, call, put, nameOf(input), { 'iam:PermissionsBoundary': input.PermissionsBoundary }),
      ],
      handle: (input, call) => {
        const row = need(carrier.noun, call, nameOf(input));
        refuseProtected(row);
        const { arn } = needAttachable(call, input.PermissionsBoundary);
        if (row.boundary === arn) return;
        if (row.boundary !== undefined) endUse(call, row.boundary, 'boundary', carrier.kind, row.name);
        save(carrier.noun, call, { ...row, boundary: arn });
        beginUse(call, arn, 'boundary', carrier.kind, row.name);
      },
    }),
    [remove]: operation<CarrierInput, void>({
      permissions: (input, call) => [permissionOnCarrier(carrier, call, remove, nameOf(input))],
      handle: (input, call) => {
        const row = need(carrier.noun, call, nameOf(input));
        refuseProtected(row);
        if (row.boundary === undefined) {
          throw noSuchEntity(`${label} ${row.name} does not have a permissions boundary.`);
        }
        save(carrier.noun, call, { ...row, boundary: undefined });
        endUse(call, row.boundary, 'boundary', carrier.kind, row.name);
      },
    }),
  };
}
