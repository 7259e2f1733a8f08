// The resources of one Terraform file as what accounts hold: roles with all that hangs on them, as a bulk read of
// AWS would show it. What cannot be placed, read or known becomes a finding or an unknown, never an empty value.
import type { Finding } from '../findings.ts';
import type { SeenAccount, SeenResource } from '../resources.ts';
import { carrierKey, type Outside, type Scope, type UnknownValue } from './carried.ts';
import type { Configuration } from './configuration.ts';
import { builtResource } from './made.ts';
import { organizationShape, type OrganizationShape } from './organization.ts';
import { piecesOf, type Lookup, type Piece } from './pieces.ts';
import { placeResources, type Placement } from './placement.ts';
import { lookUp, nameOfResource } from './references.ts';
import type { TerraformResource } from './resource.ts';
import { flagIn, listIn, textIn } from './values.ts';

export interface TerraformLogin {
  readonly account: string;
  readonly user: string;
  /** Whether the first sign-in demands a new password. */
  readonly mustChange: boolean;
}

export interface TerraformHost {
  readonly account: string;
  readonly address: string;
  /** `required`, `optional`; undefined where nothing is said. */
  readonly httpTokens: string | undefined;
  readonly unknown: boolean;
}

export interface TerraformAccess {
  readonly accounts: readonly SeenAccount[];
  readonly unknowns: readonly UnknownValue[];
  readonly logins: readonly TerraformLogin[];
  readonly hosts: readonly TerraformHost[];
  readonly organization: OrganizationShape;
  /** Addresses by `account kind/name`, in small letters. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

function hostOf(resource: TerraformResource, account: string): TerraformHost[] {
  if (!['aws_instance', 'aws_launch_template', 'aws_launch_configuration'].includes(resource.type)) return [];
  const tokens = textIn(listIn(resource.values, 'metadata_options')[0], 'http_tokens');
  return [
    { account, address: resource.address, httpTokens: tokens, unknown: resource.unknown.has('metadata_options') },
  ];
}

function unplacedFinding(resource: TerraformResource): Finding {
  return {
    severity: 'error',
    code: 'terraform-account-unknown',
    message: `nothing tells in which account \`${resource.address}\` lies`,
    hint: 'give a plan (`terraform show -json PLAN`), which names providers, or the states of one account at a time',
  };
}

/** Terraform's `aws_iam_policy_attachment` is exclusive over the whole account; nothing here works that way. */
function attachmentFinding(resource: TerraformResource): Finding {
  const policy = textIn(resource.values, 'policy_arn') ?? 'a policy';
  return {
    severity: 'info',
    code: 'terraform-exclusive-attachment',
    message: `\`${resource.address}\` takes \`${policy}\` away from everyone in the account whom it does not name`,
    hint: 'attach it carrier by carrier',
  };
}

/** Pieces by carrier, and findings about those that hang on something the file does not hold. */
function piecesByCarrier(
  resources: readonly TerraformResource[],
  placement: Placement,
  lookup: Lookup,
  findings: Finding[],
): Map<string, Piece[]> {
  const known = new Set(
    resources.flatMap((it) => {
      const kind = /^aws_iam_(role|user|group)$/.exec(it.type)?.[1];
      const account = placement.accountOf(it);
      return kind === undefined || account === undefined ? [] : [carrierKey(account, kind, nameOfResource(it))];
    }),
  );
  const byCarrier = new Map<string, Piece[]>();
  for (const piece of resources.flatMap((it) => piecesOf(it, lookup))) {
    const account = placement.accountOf(piece.from);
    if (account === undefined) continue;
    const key = carrierKey(account, piece.kind, piece.carrier);
    const carried = byCarrier.get(key);
    if (known.has(key) && carried !== undefined) carried.push(piece);
    else if (known.has(key)) byCarrier.set(key, [piece]);
    else {
      findings.push({
        severity: 'warning',
        code: 'terraform-carrier-elsewhere',
        resource: `${piece.kind}/${piece.carrier}`,
        message: `\`${piece.from.address}\` hangs on a ${piece.kind} that this file does not hold`,
        hint: 'give the state that holds it as well',
      });
    }
  }
  return byCarrier;
}

/** They are in no account of their own: `organizationShape` reads them. */
const ofOrganization: ReadonlySet<string> = new Set([
  'aws_organizations_account',
  'aws_organizations_organization',
  'aws_organizations_organizational_unit',
  'aws_organizations_policy_attachment',
]);

/** Makes accounts of resources. `outside` is given for what a plan wants: what is there beside Terraform. */
export function buildAccess(
  resources: readonly TerraformResource[],
  configuration: Configuration,
  outside?: ReadonlyMap<string, Outside>,
): TerraformAccess {
  const placement = placeResources(resources, configuration.accounts);
  const lookup = lookUp(resources, configuration, placement);
  const findings: Finding[] = [];
  const unknowns: UnknownValue[] = [];
  const pieces = piecesByCarrier(resources, placement, lookup, findings);
  const organization = organizationShape(resources, lookup);
  const scope: Scope = { configuration, placement, lookup, organization, pieces, outside, unknowns, findings };
  const accounts = new Map<string, SeenResource[]>();
  const addresses = new Map<string, string>();
  const logins: TerraformLogin[] = [];
  const hosts: TerraformHost[] = [];
  for (const resource of resources) {
    if (resource.mode === 'data' || ofOrganization.has(resource.type)) continue;
    const account = placement.accountOf(resource);
    if (account === undefined) {
      findings.push(unplacedFinding(resource));
      continue;
    }
    const built = builtResource(resource, account, scope);
    if (built !== undefined) {
      const held = accounts.get(account);
      if (held === undefined) accounts.set(account, [built]);
      else held.push(built);
      addresses.set(carrierKey(account, built.kind, built.name), resource.address);
    }
    if (resource.type === 'aws_iam_policy_attachment') findings.push(attachmentFinding(resource));
    hosts.push(...hostOf(resource, account));
    const user = resource.type === 'aws_iam_user_login_profile' ? lookup.nameOf(resource, 'user') : undefined;
    if (user !== undefined) {
      logins.push({ account, user, mustChange: flagIn(resource.values, 'password_reset_required') });
    }
  }
  return {
    accounts: [...accounts].map(([id, held]) => ({ id, name: id, stage: 'unknown', resources: held })),
    unknowns,
    logins,
    hosts,
    organization,
    addresses,
    findings,
  };
}
