// What a plan of Terraform means: who gains and who loses which access, and which ways up it opens.
import {
  accessDiff,
  accessDiffLines,
  isGain,
  managedDocuments,
  Directory,
  Escalations,
  newEscalations,
  type Catalog,
} from '../../policy/index.ts';
import { authorizationBefore, managedArns } from '../authorization.ts';
import type { Finding } from '../findings.ts';
import { escalationFindings } from '../policy-findings.ts';
import type { SeenAccount } from '../resources.ts';

export interface TerraformMeaning {
  /** Who gains and who loses what, for people. */
  readonly lines: readonly string[];
  /** Whether anybody gains anything. */
  readonly gain: boolean;
  /** Ways up that were not there before. */
  readonly findings: readonly Finding[];
}

/** What accounts are called, and where they lie in the organisation: policies of units count for those in them. */
export interface TerraformPlaces {
  readonly nameOf: (account: string) => string;
  readonly units: ReadonlyMap<string, string>;
}

/** Accounts without an id get one that no account has, for as long as they are compared. */
function numbered(accounts: readonly SeenAccount[], names: (account: string) => string): SeenAccount[] {
  return accounts.map((account, index) => {
    const named = { ...account, name: names(account.id) };
    if (/^\d{12}$/.test(account.id)) return named;
    const stand = String(index).padStart(12, '0');
    const text = JSON.stringify(account.resources).replaceAll(`:${account.id}:`, `:${stand}:`);
    return { ...named, id: stand, resources: JSON.parse(text) as SeenAccount['resources'] };
  });
}

/** Accounts of both sides in one order, so that one without an id is the same on both. */
function paired(accounts: readonly SeenAccount[], others: readonly SeenAccount[]): SeenAccount[] {
  const ids = [...new Set([...accounts, ...others].map(({ id }) => id))].sort();
  return ids.map(
    (id) => accounts.find((account) => account.id === id) ?? { id, name: id, stage: 'unknown', resources: [] },
  );
}

/** Compares the accounts before a plan with those after it. */
export async function terraformMeaning(
  catalog: Catalog,
  before: readonly SeenAccount[],
  after: readonly SeenAccount[],
  { nameOf: names, units }: TerraformPlaces,
): Promise<TerraformMeaning> {
  const [old, fresh] = [numbered(paired(before, after), names), numbered(paired(after, before), names)];
  const arn = after.flatMap(({ resources }) => resources.map((it) => it.arn)).find((it) => it !== undefined);
  const partition = /^arn:(aws-us-gov|aws-cn):/.exec(arn ?? '')?.[1] as 'aws-us-gov' | 'aws-cn' | undefined;
  const scope = {
    partition: partition ?? 'aws',
    managed: await managedDocuments(managedArns([...old, ...fresh])),
    units,
  } as const;
  const was = new Directory(authorizationBefore(scope, old));
  const will = was.changedTo(authorizationBefore(scope, fresh));
  const diff = accessDiff(catalog, was, will);
  const ways = newEscalations(new Escalations(was), new Escalations(will));
  return { lines: accessDiffLines(catalog, diff), gain: isGain(diff), findings: escalationFindings(ways) };
}
