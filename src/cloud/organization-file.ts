// `--org FILE`: the organisation as people write it, YAML or JSON. Promises: what is not understood is
// refused with its line and column, and the refusal names what was probably meant.
import { isMap, LineCounter, parseDocument, type Document, type Node, type YAMLMap } from 'yaml';
import { z } from 'zod';
import { type Failure, isFailure, nearestName, parseDuration } from '../base/index.ts';
import { cloudFailure } from './failures.ts';
import { accountInfo, type Organization } from './organization.ts';
import { longestDelaySeconds, writeKinds, type WriteKind } from './propagation.ts';
import { defaultQuotas, type QuotaName } from './quotas.ts';

const organizationVersion = 1;

const accountId = z
  .string('an account id is text of 12 digits in quotes')
  .regex(/^\d{12}$/, 'an account id has 12 digits');
const quotaNames = Object.keys(defaultQuotas) as QuotaName[];

const delay = z.union([z.string(), z.number()]).transform((text, context): number => {
  try {
    const seconds = parseDuration(text);
    if (seconds <= longestDelaySeconds) return seconds * 1000;
    context.addIssue({ code: 'custom', message: 'the longest delay is a day' });
  } catch (error) {
    if (!isFailure(error)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
  return z.NEVER;
});

const account = z.strictObject({
  id: accountId,
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,48}$/i, 'an account name has letters, digits and `-`, at most 49'),
  stage: z.string().min(1).max(50),
  ou: z
    .string()
    .regex(/^[^/]{1,128}(\/[^/]{1,128}){0,4}$/, 'a unit is a path like `Workloads/Prod`, at most 5 levels deep')
    .optional(),
});

const organization = z.strictObject({
  version: z.literal(organizationVersion),
  id: z.string().regex(/^o-[a-z0-9]{10,32}$/, 'an organisation id is `o-` and 10 to 32 small letters or digits'),
  management: accountId,
  accounts: z.array(account).min(1).max(10_000),
  quotas: z
    .strictObject(
      Object.fromEntries(quotaNames.map((name) => [name, z.int().min(0).max(1_000_000).optional()])) as Record<
        QuotaName,
        z.ZodOptional<z.ZodInt>
      >,
    )
    .optional(),
  propagation: z
    .strictObject(
      Object.fromEntries(writeKinds.map((kind) => [kind, delay.optional()])) as Record<
        WriteKind,
        z.ZodOptional<typeof delay>
      >,
    )
    .optional(),
});

/** The names that each object of the file may have, for suggestions; by the path with `*` for an index. */
const knownKeys: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(organization.shape),
  'accounts.*': Object.keys(account.shape),
  quotas: quotaNames,
  propagation: writeKinds,
};

type Path = readonly PropertyKey[];

/**
 * Reads the text of an organisation file; `file` is its name for messages.
 * @throws Failure `organization-invalid` with line and column, `organization-newer`.
 */
export function parseOrganization(text: string, file: string): Organization {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fault = document.errors[0];
  if (fault !== undefined) throw invalid(file, placeAt(lines, fault.pos[0]), fault.message);
  const value = plainValue(document, file);
  checkVersion(value, file);
  const parsed = organization.safeParse(value);
  if (!parsed.success) {
    // A misspelt name also makes the right one missing; the name that is there tells more.
    const issues = parsed.error.issues;
    const first = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
    throw issueFailure(first, document, lines, file);
  }
  checkAccounts(parsed.data, (path, message) => invalid(file, placeOf(document, lines, path), message));
  const { id, management, accounts, quotas, propagation } = parsed.data;
  return {
    id,
    management,
    accounts: accounts.map(({ ou, ...rest }) => accountInfo({ ...rest, ou: ou ?? '' })),
    quotas: Object.fromEntries(Object.entries(quotas ?? {}).filter(([, limit]) => limit !== undefined)),
    ...(propagation === undefined ? {} : { propagation }),
  };
}

function plainValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw invalid(file, '1:1', `aliases that multiply are not followed (${String(error)})`);
  }
}

function checkVersion(value: unknown, file: string): void {
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined;
  if (typeof version !== 'number' || version <= organizationVersion) return;
  throw cloudFailure('organization-newer', `\`${file}\` has version ${version}`, {
    hint: `this stint reads version ${organizationVersion}; use a newer one`,
  });
}

/** What the shape cannot say: ids and names are unique, and the management account is one of them. */
function checkAccounts(
  { management, accounts }: z.infer<typeof organization>,
  refuse: (path: Path, message: string) => Failure,
): void {
  for (const key of ['id', 'name'] as const) {
    const seen = new Set<string>();
    for (const [index, entry] of accounts.entries()) {
      if (seen.has(entry[key])) throw refuse(['accounts', index, key], `the ${key} \`${entry[key]}\` is given twice`);
      seen.add(entry[key]);
    }
  }
  if (!accounts.some(({ id }) => id === management)) {
    throw refuse(['management'], `the management account \`${management}\` is not among the accounts`);
  }
}

function issueFailure(issue: z.core.$ZodIssue, document: Document, lines: LineCounter, file: string): Failure {
  if (issue.code !== 'unrecognized_keys') {
    const place = issue.path.length === 0 ? '' : `\`${issue.path.join('.')}\`: `;
    return invalid(file, placeOf(document, lines, issue.path), `${place}${lowerFirst(issue.message)}`);
  }
  const key = issue.keys[0]!;
  const names = knownKeys[issue.path.map((step) => (typeof step === 'number' ? '*' : String(step))).join('.')] ?? [];
  const near = nearestName(key, names);
  const hint = near === undefined ? `the names here are ${names.join(', ')}` : `did you mean \`${near}\`?`;
  return invalid(file, keyPlace(document, lines, issue.path, key), `unknown name \`${key}\``, hint);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function placeAt(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${line}:${col}`;
}

/** Place of the value at `path`, or of what would hold it. */
function placeOf(document: Document, lines: LineCounter, path: Path): string {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node?.range) return placeAt(lines, node.range[0]);
  }
  return '1:1';
}

function keyPlace(document: Document, lines: LineCounter, path: Path, key: string): string {
  const map = (path.length === 0 ? document.contents : document.getIn(path, true)) as YAMLMap<Node> | undefined;
  const pair = isMap(map) ? map.items.find((item) => String(item.key) === key) : undefined;
  return pair?.key.range ? placeAt(lines, pair.key.range[0]) : placeOf(document, lines, path);
}

function invalid(file: string, place: string, message: string, hint?: string): Failure {
  return cloudFailure('organization-invalid', `\`${file}\` ${place}: ${message}`, {
    hint: hint ?? 'the shape is {version: 1, id, management, accounts: [{id, name, stage, ou}], quotas, propagation}',
  });
}
