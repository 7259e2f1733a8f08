// Runs the rules of the IAM language as they stand in test/cases/policy: each case names the AWS page it was written from.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  compilePolicy,
  contextOf,
  denialMessage,
  evaluate,
  parsePolicy,
  preparePrincipal,
  type AttachedPolicy,
  type AuthorizationRequest,
  type ContextValue,
  type Decision,
  type DocumentKind,
  type Principal,
  type ResourcePolicyKind,
} from '../../src/policy/index.ts';

/** One statement, a list of statements, or a whole document. */
type PolicyJson = object | readonly object[];
/** A document alone, or with the ARN or name it goes by. */
type Attached = PolicyJson | { readonly arn?: string; readonly name?: string; readonly policy: PolicyJson };

interface DecisionCase {
  readonly name: string;
  readonly source: string;
  /** A name of `principals.json` or a principal. */
  readonly principal?: string | Principal;
  readonly identity?: readonly Attached[];
  readonly boundary?: Attached;
  readonly session?: readonly Attached[];
  readonly scps?: readonly (readonly Attached[])[];
  readonly rcps?: readonly (readonly Attached[])[];
  readonly action?: string;
  readonly resource?: string;
  readonly resourceAccount?: string | null;
  readonly resourcePolicy?: Attached;
  readonly kind?: ResourcePolicyKind;
  readonly grants?: readonly Attached[];
  readonly context?: Readonly<Record<string, ContextValue>>;
  readonly endpoint?: Attached;
  readonly canonicalUser?: string;
  readonly policyArn?: boolean;
  /** `allow`, `deny TYPE` (explicit) or `no TYPE` (implicit). */
  readonly expect: string;
  /** `allow` only: type and index of the deciding statement, or the rule. */
  readonly by?: string;
  readonly message?: string;
}

interface GrammarCase {
  readonly name: string;
  readonly source: string;
  readonly kind: DocumentKind;
  /** The document as JSON, or as text where the text matters. */
  readonly document: object | string;
  /** Absent: accepted. */
  readonly refused?: { readonly rule: string; readonly path: string; readonly aws?: string; readonly at?: string };
}

const folder = new URL('../cases/policy/', import.meta.url);
const load = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
const principals = load('principals.json') as Readonly<Record<string, Principal>>;

function documentText(policy: PolicyJson): string {
  if ('Statement' in policy) return JSON.stringify(policy);
  return JSON.stringify({ Version: '2012-10-17', Statement: policy });
}

function attach(given: Attached, kind: DocumentKind): AttachedPolicy {
  const named = 'policy' in given ? given : { policy: given };
  const { policy, ...names } = named;
  return { ...names, policy: compilePolicy(documentText(policy), kind) };
}

const attachAll = (given: readonly Attached[] | undefined, kind: DocumentKind): AttachedPolicy[] =>
  (given ?? []).map((policy) => attach(policy, kind));
const levels = (given: DecisionCase['scps'], kind: DocumentKind): AttachedPolicy[][] =>
  (given ?? []).map((level) => attachAll(level, kind));

function requestOf(given: DecisionCase): AuthorizationRequest {
  const principal = typeof given.principal === 'object' ? given.principal : principals[given.principal ?? 'alice']!;
  const kind = given.kind ?? 'resource';
  const account = given.resourceAccount === undefined ? '111111111111' : (given.resourceAccount ?? undefined);
  return {
    principal,
    policies: preparePrincipal({
      identity: attachAll(given.identity, 'identity'),
      boundary: given.boundary && attach(given.boundary, 'identity'),
      session: given.session && attachAll(given.session, 'session'),
      scps: levels(given.scps, 'scp'),
    }),
    action: given.action ?? 's3:GetObject',
    resource: {
      arn: given.resource ?? 'arn:aws:s3:::photos/cat.jpg',
      account,
      policy: given.resourcePolicy && {
        kind,
        attached: attach(given.resourcePolicy, kind === 'trust' ? 'trust' : 'resource'),
        grants: given.grants && attachAll(given.grants, 'resource'),
      },
      rcps: levels(given.rcps, 'rcp'),
    },
    context: contextOf(given.context ?? {}),
    endpoint: given.endpoint && attach(given.endpoint, 'resource'),
    canonicalUser: given.canonicalUser,
  };
}

function told(decision: Decision): string {
  if (decision.decision === 'allow') return 'allow';
  return decision.explicit ? `deny ${decision.by.policyType}` : `no ${decision.missing}`;
}

function deciding(decision: Decision): string | undefined {
  if (decision.decision === 'deny') return undefined;
  return 'rule' in decision.by ? decision.by.rule : `${decision.by.policyType} ${decision.by.index}`;
}

function runDecision(given: DecisionCase): void {
  const request = requestOf(given);
  const decision = evaluate(request);
  assert.equal(told(decision), given.expect);
  if (given.by !== undefined) assert.equal(deciding(decision), given.by);
  if (given.message !== undefined) {
    assert.equal(denialMessage(request, decision, { policyArn: given.policyArn }), given.message);
  }
}

function runGrammar(given: GrammarCase): void {
  const text = typeof given.document === 'string' ? given.document : JSON.stringify(given.document);
  const { policy, problems } = parsePolicy(text, given.kind);
  if (given.refused === undefined) {
    assert.deepEqual(problems, []);
    assert.ok(policy);
    return;
  }
  const [first] = problems;
  assert.equal(policy, undefined);
  assert.ok(first, 'accepted');
  const { rule, path, aws, at } = given.refused;
  assert.deepEqual({ rule: first.rule, path: first.path }, { rule, path });
  if (aws !== undefined) assert.equal(first.awsMessage, aws);
  if (at !== undefined) assert.equal(`${first.line}:${first.column}`, at);
}

for (const file of readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'principals.json')) {
  for (const given of load(file) as readonly (DecisionCase | GrammarCase)[]) {
    test(`${file.replace('.json', '')}: ${given.name}`, () => {
      assert.match(given.source, /\S/);
      if ('document' in given) runGrammar(given);
      else runDecision(given);
    });
  }
}
