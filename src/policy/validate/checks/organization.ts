// Checks of policies of an organisation, and of denials that reach further, or less far, than meant.
import { analyzer, eachStatement, found, grammar, shown, type Check, type FindInStatement } from '../check.ts';
import type { LintScope } from '../check.ts';
import { includesAction, type LintCondition, type LintStatement, type TextSpot } from '../lint-document.ts';
import { hasWildcard, partsOf } from './actions.ts';

/**
 * Why SCPs may use the whole policy language but principals: conditions, resources, `NotAction` with Allow, `NotResource`
 * and wildcards anywhere in actions. Announced for the commercial and GovCloud regions on 2025-09-19; the table of
 * elements in the user guide gives `Allow, Deny` for each, and that of the China regions does too.
 */
export const scpSources = {
  announced:
    'https://aws.amazon.com/blogs/security/unlock-new-possibilities-aws-organizations-service-control-policy-now-supports-full-iam-language',
  guide: 'https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html',
} as const;

const isResourceTag = ({ lower }: LintCondition): boolean => lower.startsWith('aws:resourcetag/');

function supportsTags(action: string, { catalog }: LintScope): boolean {
  return catalog.conditionKeys(action).some((key) => key.toLowerCase().startsWith('aws:resourcetag'));
}

/** Services of which not one of the actions that the item covers can be judged by the tags of its resource. */
function untaggable(item: TextSpot, scope: LintScope): string | undefined {
  const parts = partsOf(item.text);
  if (parts === undefined || hasWildcard(parts.service) || !scope.catalog.hasService(parts.service)) return undefined;
  const covered = hasWildcard(parts.name) ? scope.catalog.matching(item.text) : [item.text];
  if (covered.length === 0 || !covered.every((action) => hasWildcard(parts.name) || scope.catalog.has(action))) {
    return undefined;
  }
  return covered.some((action) => supportsTags(action, scope)) ? undefined : item.text;
}

const tagCheck =
  (effect: 'allows' | 'denies', not: boolean): FindInStatement =>
  (statement, scope) => {
    const { action, conditions } = statement;
    const tag = conditions.find((condition) => isResourceTag(condition) && condition.known?.ifExists === false);
    if (!statement[effect] || tag === undefined || action === undefined || action.not !== not) return [];
    const outcome = effect === 'allows' ? 'allowed' : 'denied';
    if (not) return [found(tag, `actions that know no \`${tag.key}\` are never ${outcome} by this statement`)];
    const without = action.items.map((item) => untaggable(item, scope)).filter((it) => it !== undefined);
    return without.length === 0
      ? []
      : [
          found(
            tag,
            `${shown(without)} know${without.length === 1 ? 's' : ''} no \`${tag.key}\`, so it is never ${outcome} here`,
          ),
        ];
  };

/** Whether the condition holds for callers without MFA. */
function asksForNoMfa({ conditions }: LintStatement): boolean {
  return conditions.some(
    ({ lower, known, values }) =>
      (lower === 'aws:multifactorauthpresent' &&
        values.some(({ text }) => text.toLowerCase() === (known?.name === 'Null' ? 'true' : 'false'))) ||
      (lower === 'aws:multifactorauthage' && known?.name === 'Null' && values.some(({ text }) => text === 'true')),
  );
}

const deniedWithoutMfa =
  (actions: readonly string[], consequence: string): FindInStatement =>
  (statement) => {
    if (!statement.denies || !asksForNoMfa(statement)) return [];
    const denied = actions.filter((action) => includesAction(statement, action));
    if (denied.length === 0) return [];
    return [
      found(
        statement.action!,
        `denies ${shown(denied)} without MFA: ${consequence}`,
        statement.action!.not ? `add ${shown(denied)} to \`NotAction\`` : `take ${shown(denied)} out of \`Action\``,
      ),
    ];
  };

export const organizationChecks: readonly Check[] = [
  {
    id: 'scp-principal',
    severity: 'error',
    title: 'a principal in a service control policy',
    cure: 'remove it; compare `aws:PrincipalArn` in a condition to choose whom it binds',
    sources: [analyzer('SCP syntax error principal')],
    kinds: ['scp'],
    find: grammar(['principal-forbidden']),
  },
  {
    id: 'rcp-syntax-error',
    severity: 'error',
    title: 'what a resource control policy cannot say',
    cure: 'deny actions of named services to the principal `*`, and spare callers by conditions (Organizations user guide, "RCP syntax")',
    sources: [],
    kinds: ['rcp'],
    find: grammar(['organization']),
  },
  {
    id: 'deny-with-unsupported-tag-condition-key-for-service',
    severity: 'security',
    title: 'a Deny by tags on actions that know no tags of resources',
    cure: 'deny these actions by the names of their resources, in a statement of their own',
    sources: [analyzer('Deny with unsupported tag condition key for service')],
    find: eachStatement(tagCheck('denies', false)),
  },
  {
    id: 'deny-not-action-with-unsupported-tag-condition-key-for-service',
    severity: 'security',
    title: 'a Deny of all actions but some, by tags',
    cure: 'list the actions to deny in `Action`',
    sources: [analyzer('Deny NotAction with unsupported tag condition key for service')],
    find: eachStatement(tagCheck('denies', true)),
  },
  {
    id: 'allow-with-unsupported-tag-condition-key-for-service',
    severity: 'suggestion',
    title: 'an Allow by tags on actions that know no tags of resources',
    cure: 'allow these actions by the names of their resources, in a statement of their own',
    sources: [analyzer('Allow with unsupported tag condition key for service')],
    find: eachStatement(tagCheck('allows', false)),
  },
  {
    id: 'allow-not-action-with-unsupported-tag-condition-key-for-service',
    severity: 'suggestion',
    title: 'an Allow of all actions but some, by tags',
    cure: 'list the actions to allow in `Action`',
    sources: [analyzer('Allow NotAction with unsupported tag condition key for service')],
    find: eachStatement(tagCheck('allows', true)),
  },
  {
    id: 'mfa-deny-without-setup',
    severity: 'warning',
    title: 'a Deny without MFA that also forbids to set MFA up',
    cure: 'leave setting up MFA out of the denial',
    sources: [],
    kinds: ['identity', 'boundary', 'scp'],
    find: eachStatement(
      deniedWithoutMfa(
        ['iam:CreateVirtualMFADevice', 'iam:EnableMFADevice'],
        'a user without a device can never get one',
      ),
    ),
  },
  {
    id: 'mfa-deny-without-password-change',
    severity: 'warning',
    title: 'a Deny without MFA that also forbids to change a password',
    cure: 'leave `iam:ChangePassword` out of the denial',
    sources: [],
    kinds: ['identity', 'boundary', 'scp'],
    find: eachStatement(
      deniedWithoutMfa(['iam:ChangePassword'], 'a user who must change it at the first sign-in is locked out'),
    ),
  },
];
