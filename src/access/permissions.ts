// What a role, group or person may do: managed policies by name or ARN, policies of the definition, statements.
import { nearestName, type Millis } from '../base/index.ts';
import { iamArn, policyArnProblem, type Partition } from '../aws/index.ts';
import { earliest, hasEnded, statementCondition } from './expiry.ts';
import type { Finding } from './findings.ts';
import { managedPolicyPaths } from './generated/managed-policies.ts';
import type { StatementEntry } from './model.ts';
import { ownedPath } from './ownership.ts';
import type { Document, Statement } from './resources.ts';
import { countsIn } from './selectors.ts';

/** Name of the inline policy that holds an entry's own `statements`. */
const inlineName = 'stint';

/** The statements that count in an account at this time, as an IAM document; `undefined` when none does. */
export function compileStatements(
  entries: readonly StatementEntry[] | undefined,
  account: string,
  now: Millis,
  expires?: string,
): Document | undefined {
  const statements = (entries ?? [])
    .filter((entry) => countsIn(entry, account) && !hasEnded(entry, now))
    .map((entry): Statement => {
      const { only: _only, except: _except, reason: _reason, owner: _owner, ...rest } = entry;
      const { expires: own, Condition, ...statement } = rest;
      const condition = statementCondition(Condition ?? {}, earliest(own, expires));
      return { ...(statement as Statement), ...(condition === undefined ? {} : { Condition: condition }) };
    });
  return statements.length === 0 ? undefined : { Version: '2012-10-17', Statement: statements };
}

/** An entry's own statements under Stint's name, and its other inline policies under theirs, as they count in an account. */
export function compileInline(
  entry: {
    readonly statements?: readonly StatementEntry[] | undefined;
    readonly inline?: Readonly<Record<string, readonly StatementEntry[]>> | undefined;
  },
  account: string,
  now: Millis,
  expires?: string,
): Record<string, Document> {
  const named = [[inlineName, entry.statements] as const, ...Object.entries(entry.inline ?? {})];
  return Object.fromEntries(
    named.flatMap(([name, statements]) => {
      const document = compileStatements(statements, account, now, expires);
      return document === undefined ? [] : [[name, document] as const];
    }),
  );
}

/**
 * The ARN of a managed policy given by AWS's name (with or without its path) or by ARN, and what is wrong with it.
 * A name that this Stint does not know is a warning, not an error, unless it looks like a misprint: AWS adds policies.
 */
export function managedPolicyArn(text: string, partition: Partition): { arn: string; findings: Finding[] } {
  if (text.includes(':')) {
    const wrong = policyArnProblem(text, partition);
    if (wrong === undefined) return { arn: text, findings: [] };
    const hint = wrong.suggestion === undefined ? undefined : `did you mean \`${wrong.suggestion}\`?`;
    return { arn: text, findings: [{ severity: 'error', code: 'policy-arn-misprint', message: wrong.problem, hint }] };
  }
  const name = text.slice(text.lastIndexOf('/') + 1);
  const path = Object.hasOwn(managedPolicyPaths, name) ? managedPolicyPaths[name]! : undefined;
  const given = name === text ? undefined : `/${text.slice(0, -name.length)}`;
  const arn = iamArn(partition, 'aws', 'policy', name, given ?? path ?? '/');
  if (path !== undefined && (given === undefined || given === path)) return { arn, findings: [] };
  const near = path === undefined ? nearestName(name, Object.keys(managedPolicyPaths)) : `${path.slice(1)}${name}`;
  return {
    arn,
    findings: [
      {
        severity: near === undefined ? 'warning' : 'error',
        code: 'managed-policy-unknown',
        message: `\`${text}\` is no AWS managed policy that this Stint knows`,
        hint:
          near === undefined ? 'give its ARN if AWS added it lately' : `did you mean \`${near}\`? Else give its ARN`,
      },
    ],
  };
}

/** The ARN of a policy of the definition in one account. */
export function ownPolicyArn(partition: Partition, accountId: string, definition: string, name: string): string {
  return iamArn(partition, accountId, 'policy', name, ownedPath(definition));
}
