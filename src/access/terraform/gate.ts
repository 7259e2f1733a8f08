// A plan of Terraform judged before it is applied: other people's Terraform, in CI. Only what the plan makes or changes
// is judged; what it leaves as it is has been answered for before.
import { canonicalJson } from '../../base/index.ts';
import { loadCatalog, validatePolicy, type Catalog, type LintKind, type LintSeverity } from '../../policy/index.ts';
import { accessFindings, type Finding } from '../findings.ts';
import { resourceKey, type Document, type SeenAccount, type SeenResource, type WantedAccount } from '../resources.ts';
import { guessStage } from '../import/selectors.ts';
import { accountNames } from './account-names.ts';
import type { TerraformAccess } from './build.ts';
import { guardrailChanges } from './guardrail-changes.ts';
import { hostFindings } from './hosts.ts';
import { terraformAccess, terraformBefore } from './index.ts';
import { terraformMeaning } from './meaning.ts';
import { readTerraform } from './read.ts';

export interface GateFinding {
  readonly severity: LintSeverity | 'info';
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Names of the accounts where it holds. */
  readonly accounts: readonly string[];
  /** Address in Terraform where there is one, else `role/reader`. */
  readonly resource?: string | undefined;
  /** Path within a policy document. */
  readonly path?: string | undefined;
}

export interface GateReport {
  readonly findings: readonly GateFinding[];
  /** How many things of IAM the plan makes and changes. */
  readonly judged: number;
  /** Who gains and who loses what, in lines for people. */
  readonly access: readonly string[];
  /** Whether anybody gains anything. */
  readonly gain: boolean;
}

interface Named {
  nameOf(account: string): string;
  addressOf(account: string, resource: string): string;
}

/** What is not in `before`, or otherwise there. */
function changedIn(before: readonly SeenAccount[], after: readonly SeenAccount[]): SeenAccount[] {
  const told = new Set(
    before.flatMap(({ id, resources }) => resources.map((it) => `${id} ${resourceKey(it)} ${meaningOf(it)}`)),
  );
  return after.map((account) => ({
    ...account,
    resources: account.resources.filter((it) => !told.has(`${account.id} ${resourceKey(it)} ${meaningOf(it)}`)),
  }));
}

/** What is known only in part means nothing yet, neither more nor less: it is compared on neither side. */
function withoutUnknown(accounts: readonly SeenAccount[], unknown: ReadonlySet<string>): SeenAccount[] {
  return accounts.map((account) => ({
    ...account,
    resources: account.resources.filter(({ kind, name }) => !unknown.has(`${account.id} ${kind}/${name}`)),
  }));
}

/** Ids and ARNs are AWS's own and known late: they are no change. */
function meaningOf({ arn: _arn, uniqueId: _id, policyId: _policy, ...resource }: SeenResource): string {
  return canonicalJson(resource);
}

/** Documents of a resource, and as what each is read. A policy that only bounds is read as a boundary. */
function documentsOf(
  it: SeenResource,
  bounding: ReadonlySet<string>,
): readonly (readonly [LintKind, Document, string])[] {
  const inline =
    'inline' in it ? Object.entries(it.inline).map(([name, document]) => ['identity', document, name] as const) : [];
  if (it.kind === 'policy') return [[bounding.has(it.arn ?? '') ? 'boundary' : 'identity', it.document, '']];
  if (it.kind === 'organization-policy') {
    return [[it.type === 'SERVICE_CONTROL_POLICY' ? 'scp' : 'rcp', it.document, '']];
  }
  return it.kind === 'role' ? [['trust', it.trust, ''], ...inline] : inline;
}

/** ARNs of policies that bound something and grant nothing. */
function boundingArns(accounts: readonly SeenAccount[]): ReadonlySet<string> {
  const all = accounts.flatMap(({ resources }) => resources);
  const granting = new Set(all.flatMap((it) => ('attached' in it ? it.attached : [])));
  return new Set(
    all.flatMap((it) =>
      'boundary' in it && it.boundary !== undefined && !granting.has(it.boundary) ? [it.boundary] : [],
    ),
  );
}

// Told better by the findings that know stages and who is in a group.
const toldElsewhere: ReadonlySet<string> = new Set([
  'bare-account-trust',
  'mfa-deny-without-setup',
  'mfa-deny-without-password-change',
]);

function documentFindings(
  accounts: readonly SeenAccount[],
  bounding: ReadonlySet<string>,
  names: Named,
  catalog: Catalog,
): GateFinding[] {
  return accounts.flatMap(({ id, resources }) =>
    resources.flatMap((it) =>
      documentsOf(it, bounding)
        .filter(([, document]) => document.Statement.length > 0)
        .flatMap(([kind, document, inline]) =>
          validatePolicy(document, { kind, catalog })
            .filter(({ code }) => !toldElsewhere.has(code))
            .map(({ code, severity, message, cure, path }): GateFinding => ({
              severity,
              code,
              message: inline === '' ? message : `policy ${inline}: ${message}`,
              hint: cure,
              accounts: [names.nameOf(id)],
              resource: names.addressOf(id, `${it.kind}/${it.name}`),
              path,
            })),
        ),
    ),
  );
}

/** The accounts as a definition would want them, for the findings that look at an account as a whole. */
function asWanted(accounts: readonly SeenAccount[], { logins }: TerraformAccess, names: Named): WantedAccount[] {
  return accounts.map(({ id, resources }) => ({
    id,
    name: names.nameOf(id),
    stage: guessStage(names.nameOf(id)),
    resources,
    console: logins.filter(({ account, mustChange }) => account === id && mustChange).map(({ user }) => user),
  }));
}

function unknownFindings({ unknowns }: TerraformAccess, names: Named): GateFinding[] {
  return unknowns.map(({ account, what, address }) => ({
    severity: 'info',
    code: 'terraform-unknown',
    message: `${what} is known only after apply, so it was not judged`,
    hint: 'judge the state after the apply as well',
    accounts: [names.nameOf(account)],
    resource: address,
  }));
}

function asGate(
  { account, resource, ...finding }: Finding,
  names: Named,
  ids: ReadonlyMap<string, string>,
): GateFinding {
  const id = account === undefined ? undefined : ids.get(account);
  return {
    ...finding,
    accounts: account === undefined ? [] : [account],
    ...(resource === undefined ? {} : { resource: id === undefined ? resource : names.addressOf(id, resource) }),
  };
}

/** What the plan changes of access. Findings of an account as a whole count when what they are about is changed. */
function accountFindings(access: TerraformAccess, changed: readonly SeenAccount[], names: Named): Finding[] {
  const touched = new Set(
    changed.flatMap(({ id, resources }) => resources.map(({ kind, name }) => `${names.nameOf(id)} ${kind}/${name}`)),
  );
  const people = new Set(
    changed.filter(({ resources }) => resources.some(({ kind }) => kind !== 'role')).map(({ id }) => names.nameOf(id)),
  );
  return accessFindings(asWanted(access.accounts, access, names)).filter(
    ({ account, resource, code }) =>
      touched.has(`${account} ${resource}`) || (code === 'lock-out' && people.has(account ?? '')),
  );
}

/**
 * Judges a plan. `name` is the file's, for messages.
 * @throws Failure `terraform-unreadable`, `terraform-encrypted`, `terraform-version`.
 */
export async function judgeTerraformPlan(name: string, text: string): Promise<GateReport> {
  const file = readTerraform(name, text);
  const access = terraformAccess(file);
  const aliases = accountNames([file]);
  const names: Named = {
    nameOf: (account) => aliases.get(account) ?? account,
    addressOf: (account, resource) => access.addresses.get(`${account} ${resource}`.toLowerCase()) ?? resource,
  };
  const ids = new Map(access.accounts.map(({ id }) => [names.nameOf(id), id]));
  const before = terraformBefore(file);
  const catalog = await loadCatalog();
  const changed = changedIn(before, access.accounts);
  const documents = documentFindings(changed, boundingArns(access.accounts), names, catalog);
  const unknown = new Set(access.unknowns.map(({ account, resource }) => `${account} ${resource}`));
  const known = (accounts: readonly SeenAccount[]): SeenAccount[] => withoutUnknown(accounts, unknown);
  const meaning = await terraformMeaning(catalog, known(before), known(access.accounts), {
    nameOf: (id) => names.nameOf(id),
    units: access.organization.places,
  });
  const guardrails = guardrailChanges(known(before), known(access.accounts));
  const others = [
    ...access.findings,
    ...hostFindings(access.hosts),
    ...accountFindings(access, changed, names),
    ...meaning.findings,
  ];
  return {
    findings: [...documents, ...others.map((it) => asGate(it, names, ids)), ...unknownFindings(access, names)],
    judged: changed.reduce((sum, { resources }) => sum + resources.length, 0),
    access: [...meaning.lines, ...guardrails.lines],
    gain: meaning.gain || guardrails.gain,
  };
}
