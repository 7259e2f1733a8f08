// The resources of one Terraform file as what accounts hold: roles with all that hangs on them, as a bulk read of
// AWS would show it. What cannot be placed, read or known becomes a finding or an unknown, never an empty value.
import { isObject } from '../../base/index.ts';
import type { Finding } from '../findings.ts';
import type { Document, PasswordSettings, SeenAccount, SeenResource, Tags } from '../resources.ts';
import type { Configuration } from './configuration.ts';
import { documentOf } from './documents.ts';
import { piecesOf, type Lookup, type Piece } from './pieces.ts';
import { placeResources, type Placement } from './placement.ts';
import { arnOfResource, lookUp, nameOfResource } from './references.ts';
import type { TerraformResource } from './resource.ts';
import { flagIn, listIn, numberIn, objectIn, textIn, textsIn } from './values.ts';

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
  /** Addresses by `account kind/name`, in small letters. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

/** Policies on carriers that no resource of the file made: a bulk read shows them, and a plan leaves them alone. */
export interface Outside {
  readonly attached: readonly string[];
  readonly inline: Readonly<Record<string, Document>>;
}

interface Scope {
  readonly configuration: Configuration;
  readonly placement: Placement;
  readonly lookup: Lookup;
  readonly pieces: ReadonlyMap<string, readonly Piece[]>;
  /** By `account role/name`; absent in a state, where what a role shows of itself is read. */
  readonly outside: ReadonlyMap<string, Outside> | undefined;
  readonly unknowns: UnknownValue[];
  readonly findings: Finding[];
}

export const carrierKey = (account: string, kind: string, name: string): string =>
  `${account} ${kind}/${name}`.toLowerCase();

function tagsOf({ values }: TerraformResource): Tags {
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

function gather(resource: TerraformResource, kind: Piece['kind'], account: string, scope: Scope): Carried {
  const own = countedOwn(resource, account, scope);
  const attached = new Set(own.attached);
  const inline: Record<string, Document> = { ...own.inline };
  const groups = new Set<string>();
  for (const piece of scope.pieces.get(carrierKey(account, kind, nameOfResource(resource))) ?? []) {
    const { says } = piece;
    if ('attached' in says) attached.add(says.attached);
    else if ('inline' in says) inline[says.inline] = says.document;
    else if ('groups' in says) says.groups.forEach((group) => groups.add(group));
    else if ('exactlyAttached' in says) says.exactlyAttached.forEach((arn) => attached.add(arn));
    else missingPiece(piece, account, scope);
  }
  return { attached: [...attached].sort(), inline, groups: [...groups].sort() };
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

function boundaryOf(resource: TerraformResource, account: string, kind: string, scope: Scope): string | undefined {
  const boundary = scope.lookup.arnOf(resource, 'permissions_boundary');
  if (boundary === undefined) unknownAttribute(resource, 'permissions_boundary', 'boundary', account, kind, scope);
  return boundary;
}

function documentIn(
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

function passwordSettings({ values }: TerraformResource): PasswordSettings {
  const age = numberIn(values, 'max_password_age');
  const reuse = numberIn(values, 'password_reuse_prevention');
  return {
    MinimumPasswordLength: numberIn(values, 'minimum_password_length') ?? 6,
    RequireUppercaseCharacters: flagIn(values, 'require_uppercase_characters'),
    RequireLowercaseCharacters: flagIn(values, 'require_lowercase_characters'),
    RequireNumbers: flagIn(values, 'require_numbers'),
    RequireSymbols: flagIn(values, 'require_symbols'),
    AllowUsersToChangePassword: flagIn(values, 'allow_users_to_change_password'),
    HardExpiry: flagIn(values, 'hard_expiry'),
    ...(age ? { MaxPasswordAge: age } : {}),
    ...(reuse ? { PasswordReusePrevention: reuse } : {}),
  };
}

function roleOf(resource: TerraformResource, account: string, scope: Scope): SeenResource {
  const { values } = resource;
  const { attached, inline } = gather(resource, 'role', account, scope);
  const boundary = boundaryOf(resource, account, 'role', scope);
  return {
    kind: 'role',
    name: nameOfResource(resource),
    path: textIn(values, 'path') ?? '/',
    trust: documentIn(resource, 'assume_role_policy', 'trust', account, 'role', scope),
    sessionSeconds: numberIn(values, 'max_session_duration') ?? 3600,
    description: textIn(values, 'description') ?? '',
    attached,
    inline,
    ...(boundary === undefined ? {} : { boundary }),
    tags: tagsOf(resource),
    arn: arnOfResource(resource, scope.placement),
    uniqueId: textIn(values, 'unique_id'),
  };
}

function userOf(resource: TerraformResource, account: string, scope: Scope): SeenResource {
  const { attached, inline, groups } = gather(resource, 'user', account, scope);
  const boundary = boundaryOf(resource, account, 'user', scope);
  return {
    kind: 'user',
    name: nameOfResource(resource),
    path: textIn(resource.values, 'path') ?? '/',
    groups,
    attached,
    inline,
    ...(boundary === undefined ? {} : { boundary }),
    tags: tagsOf(resource),
    arn: arnOfResource(resource, scope.placement),
    uniqueId: textIn(resource.values, 'unique_id'),
  };
}

function groupOf(resource: TerraformResource, account: string, scope: Scope): SeenResource {
  const { attached, inline } = gather(resource, 'group', account, scope);
  const path = textIn(resource.values, 'path') ?? '/';
  return {
    kind: 'group',
    name: nameOfResource(resource),
    path,
    attached,
    inline,
    arn: arnOfResource(resource, scope.placement),
  };
}

function policyOf(resource: TerraformResource, account: string, scope: Scope): SeenResource {
  const description = textIn(resource.values, 'description');
  return {
    kind: 'policy',
    name: nameOfResource(resource),
    path: textIn(resource.values, 'path') ?? '/',
    document: documentIn(resource, 'policy', 'policy', account, 'policy', scope),
    ...(description === undefined ? {} : { description }),
    tags: tagsOf(resource),
    arn: arnOfResource(resource, scope.placement),
    uniqueId: textIn(resource.values, 'policy_id'),
  };
}

function profileOf(resource: TerraformResource, scope: Scope): SeenResource {
  const role = scope.lookup.nameOf(resource, 'role');
  return {
    kind: 'instance-profile',
    name: nameOfResource(resource),
    path: textIn(resource.values, 'path') ?? '/',
    ...(role === undefined ? {} : { role }),
    tags: tagsOf(resource),
    arn: arnOfResource(resource, scope.placement),
    uniqueId: textIn(resource.values, 'unique_id'),
  };
}

function oidcOf(resource: TerraformResource): SeenResource {
  return {
    kind: 'oidc-provider',
    name: (textIn(resource.values, 'url') ?? `(${resource.address})`).replace(/^https:\/\//, ''),
    clientIds: textsIn(resource.values, 'client_id_list').toSorted(),
    thumbprints: textsIn(resource.values, 'thumbprint_list').map((it) => it.toLowerCase()),
    tags: tagsOf(resource),
    arn: textIn(resource.values, 'arn'),
  };
}

function samlOf(resource: TerraformResource): SeenResource {
  return {
    kind: 'saml-provider',
    name: nameOfResource(resource),
    metadata: textIn(resource.values, 'saml_metadata_document') ?? '',
    tags: tagsOf(resource),
    arn: textIn(resource.values, 'arn'),
  };
}

function builtResource(resource: TerraformResource, account: string, scope: Scope): SeenResource | undefined {
  switch (resource.type) {
    case 'aws_iam_role':
      return roleOf(resource, account, scope);
    case 'aws_iam_user':
      return userOf(resource, account, scope);
    case 'aws_iam_group':
      return groupOf(resource, account, scope);
    case 'aws_iam_policy':
      return policyOf(resource, account, scope);
    case 'aws_iam_instance_profile':
      return profileOf(resource, scope);
    case 'aws_iam_openid_connect_provider':
      return oidcOf(resource);
    case 'aws_iam_saml_provider':
      return samlOf(resource);
    case 'aws_iam_account_password_policy':
      return { kind: 'password-policy', name: 'password policy', settings: passwordSettings(resource) };
  }
  return undefined;
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
    if (known.has(key)) byCarrier.set(key, [...(byCarrier.get(key) ?? []), piece]);
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
  const scope: Scope = { configuration, placement, lookup, pieces, outside, unknowns, findings };
  const accounts = new Map<string, SeenResource[]>();
  const addresses = new Map<string, string>();
  const logins: TerraformLogin[] = [];
  const hosts: TerraformHost[] = [];
  for (const resource of resources) {
    if (resource.mode === 'data') continue;
    const account = placement.accountOf(resource);
    if (account === undefined) {
      findings.push(unplacedFinding(resource));
      continue;
    }
    const built = builtResource(resource, account, scope);
    if (built !== undefined) {
      accounts.set(account, [...(accounts.get(account) ?? []), built]);
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
    addresses,
    findings,
  };
}
