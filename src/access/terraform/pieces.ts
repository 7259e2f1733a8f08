// What hangs on roles, users and groups in Terraform: every attachment, inline policy and membership is a resource
// of its own there, and some types speak for several carriers at once.
import type { Document } from '../resources.ts';
import { documentOf } from './documents.ts';
import { carrierAttributes } from './placement.ts';
import type { TerraformResource } from './resource.ts';
import { textIn, textsIn } from './values.ts';

type CarrierKind = 'role' | 'user' | 'group';

export interface Piece {
  readonly kind: CarrierKind;
  /** Name of the carrier. */
  readonly carrier: string;
  readonly from: TerraformResource;
  readonly says:
    | { readonly attached: string }
    | { readonly inline: string; readonly document: Document }
    | { readonly groups: readonly string[] }
    | { readonly exactlyAttached: readonly string[] }
    | { readonly exactlyInline: readonly string[] }
    /** An attribute that is known only after apply, marked as sensitive, or no policy at all. */
    | { readonly missing: string; readonly because: 'unknown' | 'sensitive' | 'broken' };
}

type Says = Piece['says'];

const memberTypes: Readonly<Record<string, { readonly attribute: string; say(values: readonly string[]): Says }>> = {
  aws_iam_user_group_membership: { attribute: 'groups', say: (groups) => ({ groups }) },
  aws_iam_role_policy_attachments_exclusive: {
    attribute: 'policy_arns',
    say: (exactlyAttached) => ({ exactlyAttached }),
  },
  aws_iam_user_policy_attachments_exclusive: {
    attribute: 'policy_arns',
    say: (exactlyAttached) => ({ exactlyAttached }),
  },
  aws_iam_group_policy_attachments_exclusive: {
    attribute: 'policy_arns',
    say: (exactlyAttached) => ({ exactlyAttached }),
  },
  aws_iam_role_policies_exclusive: { attribute: 'policy_names', say: (exactlyInline) => ({ exactlyInline }) },
  aws_iam_user_policies_exclusive: { attribute: 'policy_names', say: (exactlyInline) => ({ exactlyInline }) },
  aws_iam_group_policies_exclusive: { attribute: 'policy_names', say: (exactlyInline) => ({ exactlyInline }) },
};

function missing(resource: TerraformResource, attribute: string): Says | undefined {
  if (resource.unknown.has(attribute)) return { missing: attribute, because: 'unknown' };
  if (resource.sensitive.has(attribute)) return { missing: attribute, because: 'sensitive' };
  return undefined;
}

/** Values that are not known yet, by what they refer to. */
export interface Lookup {
  arnOf(resource: TerraformResource, attribute: string): string | undefined;
  nameOf(resource: TerraformResource, attribute: string): string | undefined;
  /** The resource that an unknown value refers to. */
  resourceOf(resource: TerraformResource, attribute: string): TerraformResource | undefined;
}

function attachmentSays(resource: TerraformResource, lookup: Lookup): Says {
  const arn = lookup.arnOf(resource, 'policy_arn');
  return arn === undefined
    ? (missing(resource, 'policy_arn') ?? { missing: 'policy_arn', because: 'broken' })
    : { attached: arn };
}

function inlineSays(resource: TerraformResource, name: string, text: string | undefined): Says {
  const document = text === undefined ? undefined : documentOf(text);
  if (document !== undefined) return { inline: name, document };
  return missing(resource, 'policy') ?? { missing: 'policy', because: 'broken' };
}

/** The pieces in one resource; none for a type that is no piece, or whose carrier is not known. */
export function piecesOf(resource: TerraformResource, lookup: Lookup): Piece[] {
  const { type, values } = resource;
  if (type === 'aws_iam_policy_attachment') {
    const says = attachmentSays(resource, lookup);
    return (['role', 'user', 'group'] as const).flatMap((kind) =>
      textsIn(values, `${kind}s`).map((carrier): Piece => ({ kind, carrier, from: resource, says })),
    );
  }
  if (type === 'aws_iam_group_membership') {
    const group = lookup.nameOf(resource, 'group');
    return textsIn(values, 'users').map((carrier): Piece => ({
      kind: 'user',
      carrier,
      from: resource,
      says: group === undefined ? { missing: 'group', because: 'unknown' } : { groups: [group] },
    }));
  }
  const carried = carrierAttributes[type];
  const carrier = carried === undefined ? undefined : lookup.nameOf(resource, carried.attribute);
  if (carried === undefined || carrier === undefined) return [];
  const piece = (says: Says): Piece[] => [{ kind: carried.kind, carrier, from: resource, says }];
  if (type.endsWith('_policy_attachment')) return piece(attachmentSays(resource, lookup));
  if (type.endsWith('_policy'))
    return piece(inlineSays(resource, textIn(values, 'name') ?? '', textIn(values, 'policy')));
  const member = memberTypes[type];
  if (member === undefined) return [];
  return piece(missing(resource, member.attribute) ?? member.say(textsIn(values, member.attribute)));
}
