// What is told beside an answer about live access: what AWS did not show, and what is not there.
import type { Finding } from './findings.ts';

/** Of an account whose guard rails nobody could read. `told`: what it means for the answer. */
export function guardrailFinding(account: string, why: string, told: string): Finding {
  return {
    severity: 'warning',
    code: 'guardrails-unread',
    account,
    message: `AWS does not show the guard rails that bind this account (${why}): ${told}`,
    hint: 'use credentials of the management account, or allow the reads that `stint doctor --executor-policy --live` prints',
  };
}

/** Of a resource whose policy nobody could read. */
export function policyFinding(arn: string, why: string): Finding {
  return {
    severity: 'warning',
    code: 'resource-policy-unread',
    message: `the policy of ${arn} could not be read (${why})`,
    hint: '`--resource-policy FILE` gives it; `stint doctor --executor-policy --live` prints the rights that reading it needs',
  };
}

/** Of a resource that AWS does not have. */
export function missingFinding(resource: string): Finding {
  return {
    severity: 'warning',
    code: 'resource-missing',
    message: `AWS says that there is no ${resource}`,
    hint: 'see whether its name, region and account are as meant',
  };
}

/** Of a key whose grants nobody could read. */
export function grantsFinding(arn: string, why: string): Finding {
  return {
    severity: 'warning',
    code: 'key-grants-unread',
    message: `the grants of ${arn} could not be read (${why}): one of them may allow it`,
    hint: 'allow the reads that `stint doctor --executor-policy --live` prints',
  };
}
