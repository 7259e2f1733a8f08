// What is wrong with a definition, without any AWS: the findings of its compilation, of the linter and of the ways up
// within it, each with its place in the file.
import { Directory, Escalations, loadCatalog, managedDocuments, type LintSeverity } from '../policy/index.ts';
import { authorizationBefore, managedArns, unitsOf } from './authorization.ts';
import type { Wanted } from './compile.ts';
import type { Definition } from './model.ts';
import { documentsOf, DocumentLinter, escalationFindings } from './policy-findings.ts';
import { documentPath, findingPath } from './definition-place.ts';
import type { Path } from './problems.ts';
import type { Resource } from './resources.ts';

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
  return wanted.findings.map(({ severity, code, message, hint, account, resource, at }) => ({
    severity,
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    accounts: account === undefined ? [] : [account],
    ...(resource === undefined ? {} : { resource }),
    path: findingPath(definition, { code, resource, message, at }),
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
          path: documentPath(definition, account.name, document, path),
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
      path: findingPath(definition, { code, resource, message }),
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
