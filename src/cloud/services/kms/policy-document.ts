// Key policies: checked when they are put, kept with unique ids, shown with ARNs.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
import { isFailure } from '../../../base/index.ts';
import { compilePolicy, evaluate, preparePrincipal, type CompiledPolicy } from '../../../policy/index.ts';
import type { Call } from '../../call.ts';
import { requestContext } from '../../request-context.ts';
import type { World } from '../../world.ts';
import { compiledDocument } from '../iam/documents.ts';
import { principalTagsOf } from '../iam/lookup.ts';
import { withPrincipalArns, withPrincipalIds } from '../iam/principals.ts';
import { specContext } from './conditions.ts';
import { limitExceeded, malformedPolicy } from './failures.ts';
import { keyArn, type Key } from './model.ts';

/** Developer guide, "Resource quotas": 32 KB, not adjustable. */
const longest = 32_768;

/** What AWS attaches to a key that is created without a policy. */
export function defaultPolicy(world: World, account: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:${world.partition}:iam::${account}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  });
}

interface StatementText {
  readonly Principal?: unknown;
  readonly NotPrincipal?: unknown;
  readonly Action?: unknown;
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
}

/** The key's policy as authorization sees it. */
export function policyInForce(key: Key): CompiledPolicy {
  return compiledDocument(key, effectiveText(key.policy), 'resource');
}

/** @throws MalformedPolicyDocumentException, LimitExceededException */
export function checkedPolicy(text: string, world: World): string {
  if (Buffer.byteLength(text) > longest) {
    throw limitExceeded(`The key policy document exceeds the maximum size of ${longest} bytes.`);
  }
  if (statementsOf(text).some(hasNobody)) throw malformedPolicy('Policy contains a statement with no principal.');
  compileOrRefuse(text);
  const kept = withPrincipalIds(text, world);
  if ('invalid' in kept) {
    throw malformedPolicy('Policy contains a statement with one or more invalid principals.');
  }
  return kept.document;
}

function compileOrRefuse(text: string): void {
  try {
    compilePolicy(effectiveText(text), 'resource');
  } catch (error) {
    if (!isFailure(error) || error.code !== 'malformed-policy') throw error;
    const ofPrincipal = /principal/i.test(error.message);
    throw malformedPolicy(
      ofPrincipal ? 'Policy contains a statement with one or more invalid principals.' : error.message,
    );
  }
}

function statementsOf(text: string): readonly StatementText[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return [];
  }
  const { Statement } = (document ?? {}) as { Statement?: StatementText | StatementText[] };
  const list = Array.isArray(Statement) ? Statement : [Statement];
  return list.filter((one) => typeof one === 'object' && one !== null);
}

function hasNobody({ Principal, NotPrincipal }: StatementText): boolean {
  const who = Principal ?? NotPrincipal;
  if (who === undefined || who === '') return true;
  if (typeof who !== 'object' || who === null) return false;
  return Object.values(who).every((names) => Array.isArray(names) && names.length === 0);
}

/**
 * "If either of the required Resource or Action elements are missing from a key policy statement, the policy statement
 * has no effect": such statements are kept and shown, and left out here.
 */
function effectiveText(text: string): string {
  const statements = statementsOf(text);
  const inert = (one: StatementText): boolean =>
    (one.Action ?? one.NotAction) === undefined || (one.Resource ?? one.NotResource) === undefined;
  if (!statements.some(inert)) return text;
  const document = JSON.parse(text) as object;
  const effective = statements.filter((one) => !inert(one));
  return JSON.stringify({ ...document, Statement: effective.length === 0 ? [nothing] : effective });
}

// A document must have a statement; this one allows nothing.
const nothing = { Effect: 'Deny', Principal: { Service: 'nobody.amazonaws.com' }, Action: 'kms:*', Resource: '*' };

const everything = preparePrincipal({
  identity: [
    {
      policy: compilePolicy(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
        'identity',
      ),
    },
  ],
  scps: [],
});

/**
 * Whoever sets a key policy must not lose the way to change it: the policy alone decides, as if the caller's own
 * policies allowed everything.
 * @throws MalformedPolicyDocumentException
 */
export function checkLockout(call: Call, key: Key): void {
  const policy = policyInForce(key);
  const resource = keyArn(call.world, key);
  const permission = {
    action: 'kms:PutKeyPolicy',
    resource,
    context: {
      'kms:CallerAccount': call.account,
      ...specContext(key),
      'kms:BypassPolicyLockoutSafetyCheck': 'false',
    },
  };
  const tags = call.credential === undefined ? [] : principalTagsOf(call.credential, call.world);
  const { decision } = evaluate({
    principal: call.principal,
    policies: everything,
    action: permission.action,
    resource: { arn: resource, account: key.account, policy: { kind: 'key', attached: { policy } }, rcps: [] },
    context: requestContext(call, permission, tags),
  });
  if (decision === 'deny') {
    throw malformedPolicy('The new key policy will not allow you to update the key policy in the future.');
  }
}

/** The policy as GetKeyPolicy prints it: indented, unique ids as ARNs. */
export function shownPolicy(key: Key, world: World): string {
  return printed(JSON.parse(withPrincipalArns(key.policy, world)), '');
}

/** JSON in KMS's layout: ` : ` after names, lists on one line with their objects broken. */
function printed(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? '[ ]' : `[ ${value.map((item) => printed(item, indent)).join(', ')} ]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return '{ }';
  const inner = `${indent}  `;
  const lines = entries.map(([name, item]) => `${inner}${JSON.stringify(name)} : ${printed(item, inner)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}
