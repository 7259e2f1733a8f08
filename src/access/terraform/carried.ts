// What a role, user or group of a Terraform file carries, gathered from all the resources that say so. What is not
// known is listed, never taken for empty.
import { isObject } from '../../base/index.ts';
import type { Finding } from '../findings.ts';
import type { Document, Tags } from '../resources.ts';
import type { Configuration } from './configuration.ts';
import { documentOf } from './documents.ts';
import type { OrganizationShape } from './organization.ts';
import type { Lookup, Piece } from './pieces.ts';
import type { Placement } from './placement.ts';
import { nameOfResource } from './references.ts';
import type { TerraformResource } from './resource.ts';
import { listIn, objectIn, textIn, textsIn } from './values.ts';

/** A value that Terraform will know only after apply, or that it keeps to itself. */
export interface UnknownValue {
  readonly account: string;
  /** `role/worker`. */
  readonly resource: string;
  /** `trust`, `policy queue`, `attachment`, `boundary`. */
  readonly what: string;
  /** Where it stands in Terraform. */
  readonly address: string;
}

/** Policies on carriers that no resource of the file made: a bulk read shows them, and a plan leaves them alone. */
export interface Outside {
  readonly attached: readonly string[];
  readonly inline: Readonly<Record<string, Document>>;
}

export interface Scope {
  readonly configuration: Configuration;
  readonly placement: Placement;
  readonly lookup: Lookup;
  readonly organization: OrganizationShape;
  readonly pieces: ReadonlyMap<string, readonly Piece[]>;
  /** By `account role/name`; absent in a state, where what a role shows of itself is read. */
  readonly outside: ReadonlyMap<string, Outside> | undefined;
  readonly unknowns: UnknownValue[];
  readonly findings: Finding[];
}

export const carrierKey = (account: string, kind: string, name: string): string =>
  `${account} ${kind}/${name}`.toLowerCase();

export function tagsOf({ values }: TerraformResource): Tags {
  const tags = isObject(values['tags_all']) ? objectIn(values, 'tags_all') : objectIn(values, 'tags');
  return Object.fromEntries(
    Object.entries(tags).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Inline policies and attachments that a role shows of itself. In AWS they are the same thing as separate ones. */
export function ownPieces(resource: TerraformResource): Outside {
  const inline = listIn(resource.values, 'inline_policy').flatMap((it) => {
    const document = documentOf(textIn(it, 'policy') ?? '');
    const name = textIn(it, 'name');
    return document === undefined || name === undefined ? [] : [[name, document] as const];
  });
  return { attached: textsIn(resource.values, 'managed_policy_arns'), inline: Object.fromEntries(inline) };
}

/** What of `ownPieces` counts: in a plan only what is configured, else it is what AWS showed before. */
function countedOwn(resource: TerraformResource, account: string, scope: Scope): Outside {
  const own = ownPieces(resource);
  if (scope.outside === undefined || resource.type !== 'aws_iam_role') return own;
  const before = scope.outside.get(carrierKey(account, 'role', nameOfResource(resource)));
  const says = (attribute: string): boolean => scope.configuration.says(resource.configAddress, attribute);
  return {
    attached: says('managed_policy_arns') ? own.attached : (before?.attached ?? []),
    inline: says('inline_policy') ? own.inline : (before?.inline ?? {}),
  };
}

interface Carried {
  readonly attached: readonly string[];
  readonly inline: Readonly<Record<string, Document>>;
  readonly groups: readonly string[];
}

function missingPiece(piece: Piece, account: string, scope: Scope): void {
  if (!('missing' in piece.says)) return;
  const resource = `${piece.kind}/${piece.carrier}`;
  const name = textIn(piece.from.values, 'name');
  const what = piece.says.missing === 'policy' ? `policy ${name ?? 'without name'}` : piece.says.missing;
  if (piece.says.because !== 'broken') {
    scope.unknowns.push({ account, resource, what, address: piece.from.address });
    return;
  }
  scope.findings.push({
    severity: 'error',
    code: 'terraform-policy-broken',
    resource,
    message: `\`${piece.says.missing}\` of \`${piece.from.address}\` is no policy that can be read`,
    hint: 'mend it in Terraform first',
  });
}

/** Everything that hangs on a carrier. */
export function gather(resource: TerraformResource, kind: Piece['kind'], account: string, scope: Scope): Carried {
  const own = countedOwn(resource, account, scope);
  const attached = new Set(own.attached);
  // A map: IAM takes `__proto__` for a name like any other.
  const inline = new Map(Object.entries(own.inline));
  const groups = new Set<string>();
  for (const piece of scope.pieces.get(carrierKey(account, kind, nameOfResource(resource))) ?? []) {
    const { says } = piece;
    if ('attached' in says) attached.add(says.attached);
    else if ('inline' in says) inline.set(says.inline, says.document);
    else if ('groups' in says) says.groups.forEach((group) => groups.add(group));
    else if ('exactlyAttached' in says) says.exactlyAttached.forEach((arn) => attached.add(arn));
    else missingPiece(piece, account, scope);
  }
  return { attached: [...attached].sort(), inline: Object.fromEntries(inline), groups: [...groups].sort() };
}

function unknownAttribute(
  resource: TerraformResource,
  attribute: string,
  what: string,
  account: string,
  kind: string,
  scope: Scope,
): void {
  if (!resource.unknown.has(attribute) && !resource.sensitive.has(attribute)) return;
  const name = nameOfResource(resource);
  scope.unknowns.push({ account, resource: `${kind}/${name}`, what, address: resource.address });
}

export function boundaryOf(
  resource: TerraformResource,
  account: string,
  kind: string,
  scope: Scope,
): string | undefined {
  const boundary = scope.lookup.arnOf(resource, 'permissions_boundary');
  if (boundary === undefined) unknownAttribute(resource, 'permissions_boundary', 'boundary', account, kind, scope);
  return boundary;
}

/** A document in an attribute; one without statements where it is unknown or broken, which is told. */
export function documentIn(
  resource: TerraformResource,
  attribute: string,
  what: string,
  account: string,
  kind: string,
  scope: Scope,
): Document {
  const text = textIn(resource.values, attribute);
  const document = text === undefined ? undefined : documentOf(text);
  if (document !== undefined) return document;
  const known = resource.unknown.has(attribute) || resource.sensitive.has(attribute);
  if (known) unknownAttribute(resource, attribute, what, account, kind, scope);
  else {
    scope.findings.push({
      severity: 'error',
      code: 'terraform-policy-broken',
      resource: `${kind}/${nameOfResource(resource)}`,
      message: `\`${attribute}\` of \`${resource.address}\` is no policy that can be read`,
      hint: 'mend it in Terraform first',
    });
  }
  return { Version: '2012-10-17', Statement: [] };
}
