// Grants that reach further than their author may have seen: passing roles, making service-linked roles.
import { wildcardMatcher } from '../../pattern.ts';
import { analyzer, eachStatement, found, type Check, type FindInStatement, type Found } from '../check.ts';
import type { LintStatement, TextSpot } from '../lint-document.ts';
import type { LintSeverity } from '../finding.ts';
import { hasWildcard } from './actions.ts';

interface Subject {
  readonly action: string;
  /** Begin of the ids of the six checks, and of Access Analyzer's. */
  readonly id: string;
  readonly source: string;
  readonly severity: LintSeverity;
  /** ARNs that nobody would have in mind: a resource that covers them covers all. */
  readonly strangers: readonly string[];
  /** Keys by which the grant is narrowed in another way. */
  readonly narrowedBy: readonly string[];
  readonly does: string;
  readonly cure: string;
}

const subjects: readonly Subject[] = [
  {
    action: 'iam:PassRole',
    id: 'pass-role',
    source: 'Pass role',
    severity: 'security',
    strangers: ['arn:aws:iam::012345678901:role/zq', 'arn:aws:iam::012345678901:role/p/q/xj'],
    narrowedBy: ['iam:passedtoservice', 'iam:associatedresourcearn'],
    does: 'lets any role be handed to a service, one with more rights than the caller as well',
    cure: 'name the roles in `Resource`, and the services in a condition on `iam:PassedToService`',
  },
  {
    action: 'iam:CreateServiceLinkedRole',
    id: 'create-slr',
    source: 'Create SLR',
    severity: 'warning',
    strangers: ['arn:aws:iam::012345678901:role/aws-service-role/zq.amazonaws.com/AWSServiceRoleForZq'],
    narrowedBy: ['iam:awsservicename'],
    does: 'lets service-linked roles be made for any service',
    cure: 'name the roles in `Resource`, or the services in a condition on `iam:AWSServiceName`',
  },
];

type Reach = 'named' | 'star' | 'not';

/** How a statement's actions come to include one: by name, by a wildcard, or by not leaving it out. */
function reachOf({ action }: LintStatement, wanted: string): { reach: Reach; at: TextSpot | undefined } | undefined {
  if (action === undefined || action.items.length === 0) return undefined;
  const covering = action.matching(wanted);
  if (action.not) return covering.length > 0 ? undefined : { reach: 'not', at: undefined };
  const named = covering.find(({ text }) => !hasWildcard(text));
  if (named !== undefined) return { reach: 'named', at: named };
  return covering.length === 0 ? undefined : { reach: 'star', at: covering[0] };
}

function isOpenResource({ resource }: LintStatement, { strangers }: Subject): boolean {
  return resource?.items.some(({ text }) => strangers.some((arn) => wildcardMatcher(text)(arn))) === true;
}

/** Each ends in one of the six ids: three ways to reach the action, times `NotResource` and an open `Resource`. */
function findWide(subject: Subject, wanted: Reach, notResource: boolean): FindInStatement {
  return (statement): Found[] => {
    const { allows, action, resource, conditions } = statement;
    if (!allows || resource === undefined || resource.not !== notResource) return [];
    const reach = reachOf(statement, subject.action);
    if (reach?.reach !== wanted) return [];
    const narrowed = conditions.some(({ lower }) => subject.narrowedBy.includes(lower));
    if (narrowed || (!notResource && !isOpenResource(statement, subject))) return [];
    const by =
      reach.at === undefined ? '`NotAction` includes' : `\`${reach.at.text}\` ${wanted === 'star' ? 'includes' : 'is'}`;
    const which = wanted === 'named' ? `\`${subject.action}\`` : `${by} \`${subject.action}\`, which`;
    return [found(reach.at ?? action!, `${which} ${subject.does}`)];
  };
}

const forms: readonly (readonly [string, string, Reach, boolean, string])[] = [
  ['with-not-resource', 'with NotResource', 'named', true, 'by name, with `NotResource`'],
  [
    'with-star-in-action-and-not-resource',
    'with star in action and NotResource',
    'star',
    true,
    'by a wildcard, with `NotResource`',
  ],
  [
    'with-not-action-and-not-resource',
    'with NotAction and NotResource',
    'not',
    true,
    'by `NotAction`, with `NotResource`',
  ],
  ['with-star-in-resource', 'with star in resource', 'named', false, 'by name, on any role'],
  ['with-star-in-action-and-resource', 'with star in action and resource', 'star', false, 'by a wildcard, on any role'],
  [
    'with-star-in-resource-and-not-action',
    'with star in resource and NotAction',
    'not',
    false,
    'by `NotAction`, on any role',
  ],
];

export const wideChecks: readonly Check[] = subjects.flatMap((subject) =>
  forms.map(([form, source, reach, notResource, how]): Check => ({
    id: `${subject.id}-${form}`,
    severity: subject.severity,
    title: `\`${subject.action}\` ${how}`,
    cure: subject.cure,
    sources: [analyzer(`${subject.source} ${source}`)],
    kinds: ['identity', 'session'],
    find: eachStatement(findWide(subject, reach, notResource)),
  })),
);
