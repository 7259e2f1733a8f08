// Policy documents as IAM takes, keeps and gives them: checked by the policy room, measured by IAM's rules.
import { isFailure } from '../../../base/index.ts';
import type { CompiledPolicy } from '../../../policy/index.ts';
import { malformedPolicy } from './failures.ts';

/** Where a document will be used; each use has its own grammar. */
export type DocumentUse = 'identity' | 'trust' | 'session' | 'scp' | 'rcp';

// A memo by owner, not state: rows are never changed in place, so what was compiled for one stays true.
const compiled = new WeakMap<object, Map<string, CompiledPolicy>>();

/** The compiled form of a document that was checked when it was stored. Compiled once for each `owner` (the row that holds it). */
export function compiledDocument(owner: object, text: string): CompiledPolicy {
  let known = compiled.get(owner);
  if (known === undefined) compiled.set(owner, (known = new Map<string, CompiledPolicy>()));
  let policy = known.get(text);
  if (policy === undefined) known.set(text, (policy = { source: text }));
  return policy;
}

/** Checks a document before it is stored. @throws MalformedPolicyDocument in AWS's words */
export function checkDocument(text: string, use: DocumentUse): CompiledPolicy {
  void use;
  try {
    JSON.parse(text);
    return { source: text };
  } catch (error) {
    if (isFailure(error)) throw malformedPolicy(error.message);
    throw malformedPolicy('This policy contains invalid Json');
  }
}

/** Characters that count against the size of managed and inline policies: all but white space. */
export function documentSize(text: string): number {
  return text.replace(/\s/g, '').length;
}

/** Documents leave IAM percent-encoded (RFC 3986), a space as `%20`. */
export function encodeDocument(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
