// From Terraform files to what an import starts from.
import type { Failure } from '../../base/index.ts';
import { accessFailure } from '../failures.ts';
import type { Finding } from '../findings.ts';
import type { SeenOrganization, SeenResource } from '../resources.ts';
import {
  accountNames,
  hostFindings,
  readTerraform,
  terraformAccess,
  type TerraformAccess,
} from '../terraform/index.ts';
import type { Found, FoundAccount } from './found.ts';
import { accountName, guessStage } from './selectors.ts';

export interface TerraformInput {
  /** As the user named it. */
  readonly file: string;
  readonly text: string;
}

/** What people said of an account: `222222222222=dev:dev`. */
export interface AccountLabel {
  readonly id: string;
  readonly name?: string | undefined;
  readonly stage?: string | undefined;
}

export interface FoundInTerraform {
  readonly found: Found;
  readonly findings: readonly Finding[];
}

/** Why something was seen only in part, by what it is part of. */
function partsOf({ unknowns }: TerraformAccess, account: string): Map<string, string> {
  return new Map(
    unknowns
      .filter((it) => it.account === account)
      .map(({ resource, what, address }) => [resource, `${what} of \`${address}\` is not known`]),
  );
}

interface Read {
  readonly resources: readonly SeenResource[];
  readonly logins: ReadonlySet<string>;
  readonly partly: ReadonlyMap<string, string>;
}

/** Accounts of several files put together by id: a team has a state for each part of its estate. */
function readAll(accesses: readonly TerraformAccess[]): Map<string, Read> {
  const accounts = new Map<string, Read>();
  for (const access of accesses) {
    for (const { id, resources } of access.accounts) {
      const known = accounts.get(id);
      const logins = access.logins.filter(({ account }) => account === id).map(({ user }) => user);
      accounts.set(id, {
        resources: [...(known?.resources ?? []), ...resources],
        logins: new Set([...(known?.logins ?? []), ...logins]),
        partly: new Map([...(known?.partly ?? []), ...partsOf(access, id)]),
      });
    }
  }
  return accounts;
}

/** Accounts that trust policies name, beside those that hold something: the central one may be elsewhere. */
function trustedIds(accounts: ReadonlyMap<string, Read>): string[] {
  const text = JSON.stringify(
    [...accounts.values()].flatMap(({ resources }) =>
      resources.flatMap((it) => (it.kind === 'role' ? [it.trust] : [])),
    ),
  );
  const roots = [...text.matchAll(/"(?:arn:[^":]+:iam::)?(\d{12})(?::root)?"/g)].map(([, id]) => id!);
  const counts = Map.groupBy(roots, (id) => id);
  return [...counts].sort(([, a], [, b]) => b.length - a.length).map(([id]) => id);
}

/** The one organisation that trust policies demand; undefined where they name several or none. */
function trustedOrganization(accounts: ReadonlyMap<string, Read>): string | undefined {
  const trusts = [...accounts.values()].flatMap(({ resources }) =>
    resources.flatMap((it) => (it.kind === 'role' ? it.trust.Statement : [])),
  );
  const ids = new Set(JSON.stringify(trusts.map(({ Condition }) => Condition)).match(/\bo-[a-z0-9]{10,32}\b/g));
  return ids.size === 1 ? [...ids][0] : undefined;
}

/** Central is the account with people; else the one that most roles trust. */
function centralId(accounts: ReadonlyMap<string, Read>, trusted: readonly string[]): string | undefined {
  const people = [...accounts]
    .map(
      ([id, { resources }]) =>
        [id, resources.filter(({ kind }) => kind === 'user' || kind === 'group').length] as const,
    )
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a);
  return people[0]?.[0] ?? trusted[0];
}

/** Accounts that guard rails are attached to: without them no definition could say so. */
function boundIds(accounts: ReadonlyMap<string, Read>): string[] {
  const policies = [...accounts.values()].flatMap(({ resources }) => resources);
  return policies.flatMap((it) =>
    it.kind === 'organization-policy' ? it.targets.filter((target) => /^\d{12}$/.test(target)) : [],
  );
}

/** The account ids in variables, by name; a name that two files give different ids is none. */
function variableIds(all: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const pairs = all
    .flatMap((it) => Object.entries(it))
    .filter(([name, id]) => /^\d{12}$/.test(id) && /^[A-Za-z_]\w*$/.test(name));
  const byName = Map.groupBy(pairs, ([name]) => name);
  return Object.fromEntries(
    [...byName].filter(([, list]) => new Set(list.map(([, id]) => id)).size === 1).map(([, list]) => list[0]!),
  );
}

interface FoundStructure {
  /** Paths of units by account id. */
  readonly places: ReadonlyMap<string, string>;
  readonly seen?: SeenOrganization | undefined;
}

/** The organisation of all files: each may tell a part of it. Policies lie in its management account. */
function structureOf(accesses: readonly TerraformAccess[], accounts: ReadonlyMap<string, Read>): FoundStructure {
  const shapes = accesses.map(({ organization }) => organization);
  const holder = [...accounts].find(([, { resources }]) =>
    resources.some(({ kind }) => kind === 'organization-policy'),
  )?.[0];
  const management = shapes.find((it) => it.management !== undefined)?.management ?? holder;
  const places = new Map(shapes.flatMap((it) => [...it.places]));
  if (management === undefined) return { places };
  const units = Object.assign({}, ...shapes.map((it) => it.units)) as Record<string, string>;
  const root = shapes.find((it) => it.root !== undefined)?.root ?? 'root';
  // What is switched on is not told; a guard rail that is there tells that its kind is.
  const policyTypes = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY'];
  return { places, seen: { management, root, units, policyTypes } };
}

function labelled(
  accounts: ReadonlyMap<string, Read>,
  ids: readonly string[],
  central: string | undefined,
  labels: readonly AccountLabel[],
  aliases: ReadonlyMap<string, string>,
  organization: FoundStructure,
): FoundAccount[] {
  const taken = new Set<string>();
  return ids.map((id): FoundAccount => {
    const label = labels.find((it) => it.id === id);
    const guessed = id === central ? 'central' : (aliases.get(id) ?? `account-${id}`);
    const name = accountName(label?.name ?? guessed, taken);
    taken.add(name.toLowerCase());
    const read = accounts.get(id);
    const ou = organization.places.get(id);
    return {
      id,
      name,
      stage: label?.stage ?? (id === central ? 'central' : guessStage(name, organization.places.get(id))),
      resources: read?.resources ?? [],
      logins: read?.logins ?? new Set(),
      partly: read?.partly ?? new Map(),
      ...(ou === undefined ? {} : { ou }),
      ...(id === organization.seen?.management ? { organization: organization.seen } : {}),
    };
  });
}

function noAccounts(inputs: readonly TerraformInput[], nameless: readonly string[]): Failure {
  const files = inputs.map(({ file }) => `\`${file}\``).join(', ');
  const providers = nameless.length === 0 ? '' : ` (only ${nameless.map((key) => `\`${key}\``).join(', ')})`;
  return accessFailure('terraform-no-accounts', `nothing in ${files} tells the id of an account${providers}`, {
    hint: 'give the state after the apply, or name the account in the provider: `allowed_account_ids = ["…"]`',
  });
}

/**
 * Reads Terraform files into what an import starts from. Accounts without an id (a plan of something new) are told
 * of and left out.
 * @throws Failure `terraform-unreadable`, `terraform-encrypted`, `terraform-version`, `terraform-no-accounts`,
 * `account-unknown` for a label of an account that no file tells of.
 */
export function foundInTerraform(
  inputs: readonly TerraformInput[],
  name: string,
  labels: readonly AccountLabel[],
): FoundInTerraform {
  const files = inputs.map(({ file, text }) => readTerraform(file, text));
  const accesses = files.map(terraformAccess);
  const all = readAll(accesses);
  const accounts = new Map([...all].filter(([id]) => /^\d{12}$/.test(id)));
  const nameless = [...all.keys()].filter((id) => !accounts.has(id));
  if (accounts.size === 0) throw noAccounts(inputs, nameless);
  const structure = structureOf(accesses, accounts);
  const management = structure.seen?.management;
  const central = centralId(accounts, trustedIds(accounts)) ?? management;
  const ids = [...new Set([...(central === undefined ? [] : [central]), ...accounts.keys(), ...boundIds(accounts)])];
  const strange = labels.find(({ id }) => !ids.includes(id));
  if (strange !== undefined) {
    throw accessFailure('account-unknown', `the Terraform files tell of no account \`${strange.id}\``, {
      hint: `they tell of ${ids.join(', ')}`,
    });
  }
  const found = labelled(accounts, ids, central, labels, accountNames(files), structure);
  const addresses = new Map(accesses.flatMap((access) => [...access.addresses]));
  const arn = accesses.flatMap((it) => it.accounts).flatMap(({ resources }) => resources.map((it) => it.arn ?? ''))[0];
  const partition = /^arn:(aws-us-gov|aws-cn):/.exec(arn ?? '')?.[1] as 'aws-us-gov' | 'aws-cn' | undefined;
  const organization =
    files.flatMap((file) => [
      ...file.after.filter(({ type }) => type === 'aws_organizations_organization').map(({ values }) => values['id']),
      ...Object.values(file.variables).filter((value) => value.startsWith('o-')),
    ])[0] ?? trustedOrganization(accounts);
  return {
    found: {
      name,
      partition: partition ?? 'aws',
      ...(typeof organization === 'string' ? { organization } : {}),
      ...(central === undefined ? {} : { central: found.find(({ id }) => id === central)!.name }),
      ...(found.some(({ id }) => id === management)
        ? { management: found.find(({ id }) => id === management)!.name }
        : {}),
      accounts: found,
      variables: variableIds(files.map(({ variables }) => variables)),
      addresses,
    },
    findings: [
      ...nameless.map((key): Finding => ({
        severity: 'warning',
        code: 'terraform-account-unknown',
        message: `the account of \`${key}\` is not known, so nothing of it was taken over`,
        hint: 'give the state after the apply, or name the account in the provider: `allowed_account_ids = ["…"]`',
      })),
      ...accesses.flatMap(({ findings }) => findings),
      ...accesses.flatMap(({ hosts }) => hostFindings(hosts)),
    ],
  };
}
