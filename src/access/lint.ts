// What is wrong with a definition, without any AWS: the findings of its compilation, of the linter and of the ways up
// within it, each with its place in the file.
import { Directory, Escalations, loadCatalog, managedDocuments, type LintSeverity } from '../policy/index.ts';
import { authorizationBefore, managedArns, unitsOf } from './authorization.ts';
import type { Wanted } from './compile.ts';
import type { Definition } from './model.ts';
import { documentsOf, DocumentLinter, escalationFindings, type WantedDocument } from './policy-findings.ts';
import type { Path } from './problems.ts';
import type { Resource } from './resources.ts';
import { countsIn } from './selectors.ts';
import { roleIn } from './variation.ts';

export interface DefinitionFinding {
  readonly severity: LintSeverity | 'info';
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Names of the accounts where it holds; empty when it is about the definition as a whole. */
  readonly accounts: readonly string[];
  /** `role/test_role`. */
  readonly resource?: string | undefined;
  /** Where in the definition. */
  readonly path: Path;
  /** Who else has the check; only of the linter's. */
  readonly sources?: readonly string[] | undefined;
}

const idTag = 'stint:id';

/** The entry of the definition that a resource was made of. */
function entryPath(definition: Definition, kind: string, name: string, tags: Readonly<Record<string, string>>): Path {
  const own = tags[idTag]?.replace(/^[^/]*\//, '');
  switch (kind) {
    case 'role':
      return ['roles', own ?? Object.entries(definition.roles ?? {}).find(([, it]) => it.name === name)?.[0] ?? name];
    case 'user':
      return ['people', name];
    case 'group':
      return ['groups', name];
    case 'policy':
      return ['policies', own ?? name];
    case 'organization-policy':
      return ['guardrails', own ?? name];
    case 'password-policy':
      return ['passwordPolicy'];
    default:
      return [];
  }
}

/** Positions, in a list of entries, of those that count in an account. */
function counting(entries: readonly Parameters<typeof countsIn>[0][] | undefined, account: string): number[] {
  return (entries ?? []).flatMap((entry, index) => (countsIn(entry, account) ? [index] : []));
}

/** `Action`, 0 of `$.Statement[2].Action[0]`, and the 2 before them. */
function insideOf(path: string): { readonly statement: number | undefined; readonly rest: Path } {
  const parts = [...path.matchAll(/\.([A-Za-z][^.[\]]*)|\[(\d+)\]/g)].map(([, key, index]) => key ?? Number(index));
  const [, first, ...rest] = parts;
  return typeof first === 'number'
    ? { statement: first, rest }
    : { statement: parts.length > 0 ? 0 : undefined, rest: parts.slice(1) };
}

/** From a place in a document to the place in the definition that it was compiled from. */
function definitionPath(
  definition: Definition,
  account: string,
  { resource, kind }: WantedDocument,
  path: string,
): Path {
  const entry = entryPath(definition, resource.kind, resource.name, 'tags' in resource ? resource.tags : {});
  const { statement, rest } = insideOf(path);
  if (statement === undefined || entry.length < 2) return entry;
  const [part, key] = entry as [keyof Definition, string];
  const group = definition[part] as Readonly<Record<string, unknown>> | undefined;
  const whole = group?.[key] as { readonly statements?: readonly object[]; readonly in?: unknown } | undefined;
  if (whole === undefined) return entry;
  const role = part === 'roles' ? roleIn(definition, definition.roles![key]!, account) : undefined;
  if (kind === 'trust') {
    const index = counting(role?.trust, account)[statement];
    return index === undefined ? entry : [...entry, 'trust', index];
  }
  const index = counting((role ?? whole).statements, account)[statement];
  return index === undefined ? entry : [...entry, 'statements', index, ...rest];
}

function resourcePath(definition: Definition, resource: string | undefined): Path {
  if (resource === undefined) return [];
  const slash = resource.indexOf('/');
  return entryPath(definition, resource.slice(0, slash), resource.slice(slash + 1), {});
}

/** Findings that say the same of several accounts become one. */
function joined(findings: readonly DefinitionFinding[]): DefinitionFinding[] {
  const found = new Map<string, DefinitionFinding>();
  for (const finding of findings) {
    const key = JSON.stringify([finding.code, finding.message, finding.resource, finding.path]);
    const same = found.get(key);
    const accounts = [...new Set([...(same?.accounts ?? []), ...finding.accounts])];
    found.set(key, { ...finding, accounts });
  }
  return [...found.values()];
}

function compiled(wanted: Wanted, definition: Definition): DefinitionFinding[] {
  return wanted.findings.map(({ severity, code, message, hint, account, resource }) => ({
    severity,
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    accounts: account === undefined ? [] : [account],
    ...(resource === undefined ? {} : { resource }),
    path: resourcePath(definition, resource),
  }));
}

const titleOf = ({ kind, name }: Resource): string => `${kind}/${name}`;

async function linted(wanted: Wanted, definition: Definition): Promise<DefinitionFinding[]> {
  const linter = new DocumentLinter(await loadCatalog(), wanted.partition);
  return wanted.accounts.flatMap((account) =>
    account.resources
      .flatMap((it) => documentsOf(it, account))
      .flatMap((document) =>
        linter.judge(document).map(({ code, severity, message, cure, path, sources }): DefinitionFinding => ({
          severity,
          code,
          message,
          hint: cure,
          accounts: [account.name],
          resource: titleOf(document.resource),
          path: definitionPath(definition, account.name, document, path),
          sources,
        })),
      ),
  );
}

async function waysUp(wanted: Wanted, definition: Definition): Promise<DefinitionFinding[]> {
  const managed = await managedDocuments(managedArns(wanted.accounts));
  const { partition, organization } = wanted;
  const scope = { partition, organization, managed, units: unitsOf(wanted.accounts) };
  const details = authorizationBefore(scope, wanted.accounts);
  return escalationFindings(new Escalations(new Directory(details)).all())
    .filter(({ severity }) => severity === 'warning')
    .map(({ code, message, hint, account, resource }) => ({
      severity: 'security',
      code,
      message,
      hint,
      accounts: [account!],
      resource,
      path: resourcePath(definition, resource),
    }));
}

/** Everything there is to say about a definition, what weighs most first within an entry. Reads no AWS. */
export async function lintDefinition(wanted: Wanted, definition: Definition): Promise<readonly DefinitionFinding[]> {
  return joined([
    ...compiled(wanted, definition),
    ...(await linted(wanted, definition)),
    ...(await waysUp(wanted, definition)),
  ]);
}
