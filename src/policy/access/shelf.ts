// Policies of the details, compiled and hedged once for every text. One that cannot be read is taken for unknown.
import { parsePolicy } from '../document.ts';
import type { CompiledPolicy } from '../document.ts';
import type { DocumentKind } from '../problems.ts';
import type { AttachedPolicy } from '../types.ts';
import type { NamedDocument, PolicyJson } from './details.ts';
import { hedgePolicy } from './hedge.ts';

const everything = { Action: '*', Resource: '*' };

/** What an unknown policy may say: everything, for and against. */
function anythingOf(kind: DocumentKind): string {
  const element = {
    identity: everything,
    session: everything,
    scp: everything,
    rcp: { Principal: '*', ...everything },
    resource: { Principal: '*', ...everything },
    trust: { Principal: '*', Action: 'sts:*' },
  }[kind];
  const Statement = (kind === 'rcp' ? ['Deny'] : ['Allow', 'Deny']).map((Effect) => ({ Effect, ...element }));
  return JSON.stringify({ Version: '2012-10-17', Statement });
}

/** Compiled policies by kind and text. Lives as long as the questions about one set of details. */
export class Shelf {
  readonly #held = new Map<string, CompiledPolicy>();
  readonly #unreadable = new WeakSet<CompiledPolicy>();
  // The same document object is seen again for every role that carries the policy.
  readonly #byObject = new Map<DocumentKind, WeakMap<PolicyJson, CompiledPolicy>>();

  /** The policy, ready to be asked. `attachedTo`: ARN of what carries it. */
  attached(policy: NamedDocument, kind: DocumentKind, attachedTo?: string): AttachedPolicy {
    const compiled = policy.document === undefined ? this.#unknown(kind) : this.#compiled(policy.document, kind);
    return { policy: compiled, arn: policy.arn, name: policy.name, attachedTo: attachedTo ?? policy.attachedTo };
  }

  /** Whether nothing is known of what the policy says. */
  isUnknown(policy: CompiledPolicy): boolean {
    return this.#unreadable.has(policy);
  }

  #compiled(document: PolicyJson, kind: DocumentKind): CompiledPolicy {
    const byObject = this.#byObject.get(kind) ?? new WeakMap<PolicyJson, CompiledPolicy>();
    this.#byObject.set(kind, byObject);
    const known = byObject.get(document) ?? this.#byText(JSON.stringify(document), kind);
    byObject.set(document, known);
    return known;
  }

  #byText(text: string, kind: DocumentKind): CompiledPolicy {
    const key = `${kind} ${text}`;
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    const { policy } = parsePolicy(text, kind);
    const hedged = policy === undefined ? this.#unknown(kind) : hedgePolicy(policy);
    this.#held.set(key, hedged);
    return hedged;
  }

  #unknown(kind: DocumentKind): CompiledPolicy {
    const key = `unknown ${kind}`;
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    // An RCP may not deny everything in one word; what it could say in many is the same.
    const hedged = hedgePolicy(parsePolicy(anythingOf(kind), kind === 'rcp' ? 'resource' : kind).policy!, true);
    this.#held.set(key, hedged);
    this.#unreadable.add(hedged);
    return hedged;
  }
}
