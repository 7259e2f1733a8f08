// A file with one policy document: what it is used as, and what is wrong with it.
import { loadCatalog, validatePolicy, type LintKind } from '../../policy/index.ts';
import type { ReportedFinding } from './report.ts';

export const kinds: readonly LintKind[] = ['identity', 'resource', 'trust', 'scp', 'rcp', 'boundary', 'session'];

export interface PolicyFileOptions {
  /** What the document is used as; guessed from its elements when absent. */
  readonly kind?: LintKind | undefined;
  readonly resourceType?: string | undefined;
  readonly partition?: string | undefined;
}

/** The document as far as it is JSON, without judging it. */
function statementsOf(text: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    const value = JSON.parse(text) as { readonly Statement?: unknown } | null;
    return [value?.Statement ?? []].flat().filter((it) => typeof it === 'object' && it !== null) as Record<
      string,
      unknown
    >[];
  } catch {
    return [];
  }
}

/**
 * With a principal it is a policy of a resource, and of a role when all its actions assume one. Policies of an
 * organisation look like identity policies: of those the user has to tell.
 */
export function guessKind(text: string): LintKind {
  const statements = statementsOf(text);
  if (!statements.some((it) => 'Principal' in it || 'NotPrincipal' in it)) return 'identity';
  const actions = statements.flatMap(({ Action }) => [Action].flat());
  const assumes = actions.every((it) => typeof it === 'string' && /^sts:/i.test(it));
  return assumes && !statements.some((it) => 'Resource' in it) ? 'trust' : 'resource';
}

/** Whether a JSON text is a policy document rather than a definition. */
export function isPolicyText(text: string): boolean {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value !== 'object' || value === null || !('accounts' in value);
  } catch {
    return true;
  }
}

export async function lintPolicyFile(
  file: string,
  text: string,
  options: PolicyFileOptions,
): Promise<{ readonly kind: LintKind; readonly findings: readonly ReportedFinding[] }> {
  const kind = options.kind ?? guessKind(text);
  const { resourceType, partition } = options;
  // A byte order mark is no part of the document that AWS is given.
  const policy = text.replace(/^\uFEFF/, '');
  const found = validatePolicy(policy, { kind, resourceType, partition, catalog: await loadCatalog() });
  return { kind, findings: found.map(({ cure, ...finding }) => ({ file, ...finding, hint: cure })) };
}
