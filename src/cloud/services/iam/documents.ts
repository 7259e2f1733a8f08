// Policy documents as IAM takes, keeps and gives them: checked by the policy room, measured by IAM's rules.
import { compilePolicy, parsePolicy, type CompiledPolicy, type DocumentKind } from '../../../policy/index.ts';
import { malformedPolicy } from './failures.ts';

// A memo, not state: rows are never changed in place, so what was compiled for one stays true.
const memo = new WeakMap<object, Map<string, CompiledPolicy>>();

/** The compiled form of a document that was checked when it was stored; compiled once for each `owner`, the row that holds it. */
export function compiledDocument(owner: object, text: string, kind: DocumentKind = 'identity'): CompiledPolicy {
  let known = memo.get(owner);
  if (known === undefined) memo.set(owner, (known = new Map<string, CompiledPolicy>()));
  let policy = known.get(text);
  if (policy === undefined) known.set(text, (policy = compilePolicy(text, kind)));
  return policy;
}

/** Checks a document before it is stored; `managed`: as a managed policy. @throws MalformedPolicyDocument in AWS's words */
export function checkDocument(
  text: string,
  kind: DocumentKind,
  options: { readonly managed?: boolean } = {},
): CompiledPolicy {
  const { policy, problems } = parsePolicy(text, kind, options);
  if (policy === undefined) throw malformedPolicy(problems[0]!.awsMessage);
  return policy;
}

/** Characters that count against the size of managed and inline policies: all but white space. */
export function documentSize(text: string): number {
  return text.replace(/\s/g, '').length;
}
