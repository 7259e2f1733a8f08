// What S3 says of a bucket policy that is JSON but no policy, and of conditions that can never apply. What it does
// not find here is the policy engine's to refuse.

import { readOperator } from '../../../policy/index.ts';

/** "Bucket policies: policy elements" of the S3 user guide; those of IAM's language. */
const policyFields = new Set(['Version', 'Id', 'Statement']);
const statementFields = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);

/** Keys that only a listing has: service authorization reference, `s3:ListBucket`. */
const listingKeys = /^s3:(?:prefix|delimiter|max-keys)$/i;
const listings = /^(?:\*|s3:\*|s3:list.*)$/i;

type Json = Readonly<Record<string, unknown>>;

/** Words of MalformedPolicy for the first thing that is wrong; undefined when nothing is found. */
export function syntaxProblem(text: string): string | undefined {
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(policy)) return "Policies must be valid JSON and the first byte must be '{'";
  const unknown = Object.keys(policy).find((name) => !policyFields.has(name));
  if (unknown !== undefined) return `Unknown field ${unknown}`;
  const { Version: version, Statement: statement } = policy;
  if (version !== undefined && version !== '2012-10-17' && version !== '2008-10-17') {
    return 'The policy must contain a valid version string';
  }
  if (statement === undefined) return 'Missing required field Statement';
  const statements = Array.isArray(statement) ? statement : [statement];
  for (const one of statements) {
    const problem = isObject(one) ? statementProblem(one) : undefined;
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function statementProblem(statement: Json): string | undefined {
  const unknown = Object.keys(statement).find((name) => !statementFields.has(name));
  if (unknown !== undefined) return `Unknown field ${unknown}`;
  const { Effect: effect, Condition: condition } = statement;
  if (effect === undefined) return 'Missing required field Effect';
  if (effect !== 'Allow' && effect !== 'Deny') return `Invalid effect: ${text(effect)}`;
  return isObject(condition) ? conditionProblem(condition, statement['Action']) : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function conditionProblem(condition: Json, action: unknown): string | undefined {
  const actions = (Array.isArray(action) ? action : [action]).map(text);
  for (const [name, keys] of Object.entries(condition)) {
    if (readOperator(name) === undefined) return `Invalid Condition type : ${name}`;
    for (const key of isObject(keys) ? Object.keys(keys) : []) {
      if (!/^[a-z0-9.-]+(?:\/[^:]*)?:.+$/i.test(key)) return 'Policy has an invalid condition key';
      if (action !== undefined && listingKeys.test(key) && !actions.some((one) => listings.test(one))) {
        return 'Conditions do not apply to combination of actions and resources in statement';
      }
    }
  }
  return undefined;
}
