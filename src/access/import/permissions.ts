// What somebody may do, as entries of a definition: managed policies by name, customer policies by their entry,
// inline policies by theirs.
import { canonicalJson } from '../../base/index.ts';
import { iamArn, type Partition } from '../../aws/index.ts';
import { managedPolicyArn } from '../permissions.ts';
import type { PolicyResource, Statement } from '../resources.ts';

type Entry = Readonly<Record<string, unknown>>;

/** AWS's own policies by the name that leads back to the same ARN; any other as it is. */
function managedName(arn: string, partition: Partition): string {
  const prefix = `arn:${partition}:iam::aws:policy/`;
  if (!arn.startsWith(prefix)) return arn;
  const path = arn.slice(prefix.length);
  const names = [path.slice(path.lastIndexOf('/') + 1), path];
  return names.find((name) => managedPolicyArn(name, partition).arn === arn) ?? arn;
}

/** Attached policies, parted into those that have an entry in the definition and all others. */
export function attachedEntries(
  attached: readonly string[],
  account: string,
  partition: Partition,
  own: readonly PolicyResource[],
): { readonly managed: readonly string[]; readonly policies: readonly string[] } {
  const nameOf = (arn: string): string | undefined =>
    own.find((it) => iamArn(partition, account, 'policy', it.name, it.path) === arn)?.name;
  return {
    managed: attached.filter((arn) => nameOf(arn) === undefined).map((arn) => managedName(arn, partition)),
    policies: attached.flatMap((arn) => nameOf(arn) ?? []),
  };
}

const scalar = (value: unknown): unknown =>
  Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value;

const elements = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
];

/** Elements in the order in which people write them; AWS and Terraform sort by letters. */
const order = (element: string): number => (elements.includes(element) ? elements.indexOf(element) : elements.length);

/** A statement with its lists of one as single values, as people write them, and without a Sid that says nothing. */
export function statementEntry(statement: Statement): Entry {
  return Object.fromEntries(
    Object.entries(statement)
      .filter(([name, value]) => !(name === 'Sid' && value === ''))
      .sort(([a], [b]) => order(a) - order(b))
      .map(([name, value]) => [name, name === 'Condition' ? conditionEntry(value) : scalar(value)]),
  );
}

function conditionEntry(condition: unknown): unknown {
  const blocks = Object.entries(condition as Record<string, Record<string, unknown>>);
  return Object.fromEntries(
    blocks.map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, scalar(value)])),
    ]),
  );
}

/** Equal for entries of equal text. */
export const entryKey = (entry: unknown): string => canonicalJson(entry);
