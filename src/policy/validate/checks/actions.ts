// Checks of Action and NotAction.
import { wildcardMatcher } from '../../pattern.ts';
import { analyzer, eachItem, eachStatement, found, grammar, parliament, shown, type Check } from '../check.ts';
import type { LintCatalog } from '../catalog.ts';
import type { LintStatement, TextSpot } from '../lint-document.ts';

const actionsOf = ({ action }: LintStatement): LintStatement['action'] => action;

/** `s3` and `Get*` of `s3:Get*`; nothing for `*` and for what is no action. */
export function partsOf(action: string): { readonly service: string; readonly name: string } | undefined {
  const parts = action.split(':');
  return parts.length === 2 && parts[1] !== '' ? { service: parts[0]!, name: parts[1]! } : undefined;
}

export const hasWildcard = (text: string): boolean => /[*?]/.test(text);

function unknownService(item: TextSpot, catalog: LintCatalog): string | undefined {
  const parts = partsOf(item.text);
  if (parts === undefined || hasWildcard(parts.service) || catalog.hasService(parts.service)) return undefined;
  if (!/^[a-zA-Z0-9\-.]+$/.test(parts.service)) return undefined;
  return parts.service;
}

/** The action that no catalogue has: a name that is none, or a pattern that covers nothing. */
function unknownAction(item: TextSpot, catalog: LintCatalog): string | undefined {
  const parts = partsOf(item.text);
  if (parts === undefined || hasWildcard(parts.service) || !catalog.hasService(parts.service)) return undefined;
  if (hasWildcard(parts.name)) return catalog.matching(item.text).length === 0 ? item.text : undefined;
  return catalog.has(item.text) ? undefined : item.text;
}

/** What kind of thing a resource policy hangs on, and the services whose actions it can speak of. */
export const resourceServices: Readonly<Record<string, readonly string[]>> = {
  'AWS::S3::Bucket': ['s3', 's3-object-lambda', 's3express'],
  'AWS::S3::AccessPoint': ['s3', 's3-object-lambda'],
  'AWS::KMS::Key': ['kms'],
  'AWS::SQS::Queue': ['sqs'],
  'AWS::SNS::Topic': ['sns'],
  'AWS::SecretsManager::Secret': ['secretsmanager'],
  'AWS::ECR::Repository': ['ecr'],
  'AWS::Lambda::Function': ['lambda'],
  'AWS::DynamoDB::Table': ['dynamodb'],
};

function foreignAction(item: TextSpot, resourceType: string | undefined): string | undefined {
  const services = resourceServices[resourceType ?? ''];
  const service = partsOf(item.text)?.service.toLowerCase();
  if (services === undefined || service === undefined || hasWildcard(service) || services.includes(service)) {
    return undefined;
  }
  return `\`${item.text}\` is no action of \`${resourceType}\``;
}

/** Items of a list that another item of it covers. Of two that are the same the first is kept. */
export function coveredItems(
  items: readonly TextSpot[],
  ignoreCase: boolean,
): { readonly item: TextSpot; readonly by: string }[] {
  const fold = ({ text }: TextSpot): string => (ignoreCase ? text.toLowerCase() : text);
  const patterns = items
    .filter(({ text }) => hasWildcard(text))
    .map((item) => ({ item, text: fold(item), covers: wildcardMatcher(fold(item)) }));
  const seen = new Map<string, TextSpot>();
  return items.flatMap((item) => {
    const text = fold(item);
    const same = seen.get(text);
    if (same === undefined) seen.set(text, item);
    const by = same ?? patterns.find((it) => it.text !== text && it.covers(text))?.item;
    return by === undefined ? [] : [{ item, by: by.text }];
  });
}

/** A name that no catalogue has: misspelt when another one is near, else perhaps newer than the catalogue. */
const unknownNames = (
  misspelt: boolean,
  judge: (
    item: TextSpot,
    catalog: LintCatalog,
  ) => { readonly message: string; readonly near: string | undefined } | undefined,
): Check['find'] =>
  eachStatement((statement, { catalog }) =>
    (statement.action?.items ?? []).flatMap((item) => {
      const unknown = judge(item, catalog);
      if (unknown === undefined || (unknown.near !== undefined) !== misspelt) return [];
      return [found(item, unknown.message, misspelt ? `did you mean \`${unknown.near}\`?` : undefined)];
    }),
  );

function judgeService(item: TextSpot, catalog: LintCatalog): { message: string; near: string | undefined } | undefined {
  const service = unknownService(item, catalog);
  if (service === undefined) return undefined;
  const near = catalog.nearService(service);
  return {
    message: `there is no service \`${service}\``,
    near: near === undefined ? undefined : `${near}:${partsOf(item.text)!.name}`,
  };
}

function judgeAction(item: TextSpot, catalog: LintCatalog): { message: string; near: string | undefined } | undefined {
  const action = unknownAction(item, catalog);
  if (action === undefined) return undefined;
  if (hasWildcard(action)) return { message: `no action is covered by \`${action}\``, near: undefined };
  // `Get…` for `List…` is no misprint but another action, which AWS may have added.
  const near = catalog.near(action);
  const sameStart = near?.split(':')[1]?.[0]?.toLowerCase() === partsOf(action)!.name[0]!.toLowerCase();
  return { message: `there is no action \`${action}\``, near: sameStart ? near : undefined };
}

export const actionChecks: readonly Check[] = [
  {
    id: 'missing-action',
    severity: 'error',
    title: 'no action',
    cure: 'name at least one action in `Action` or `NotAction`',
    sources: [analyzer('Missing action'), analyzer('Empty array action'), parliament('MALFORMED')],
    find: grammar(['action-missing']),
  },
  {
    id: 'invalid-action-format',
    severity: 'error',
    title: 'an action that is not written as `service:Name`',
    cure: 'write `service:Operation`, as in `s3:GetObject`; `*` and `?` may stand in the operation',
    sources: [analyzer('Invalid action'), parliament('UNKNOWN_ACTION')],
    find: grammar(['action']),
  },
  {
    id: 'invalid-service-in-action',
    severity: 'error',
    title: 'a misspelt service prefix',
    cure: 'take the prefix from the Service Authorization Reference',
    sources: [analyzer('Invalid service in action'), analyzer('Invalid service'), parliament('UNKNOWN_PREFIX')],
    find: unknownNames(true, judgeService),
  },
  {
    id: 'unknown-service-in-action',
    severity: 'warning',
    title: 'a service prefix that the catalogue does not have, nor one like it',
    cure: 'see whether AWS still has the service; one newer than this Stint may be right',
    sources: [analyzer('Invalid service in action'), parliament('UNKNOWN_PREFIX')],
    find: unknownNames(false, judgeService),
  },
  {
    id: 'invalid-action',
    severity: 'error',
    title: 'a misspelt action',
    cure: 'take the name from the Service Authorization Reference',
    sources: [analyzer('Invalid action'), parliament('UNKNOWN_ACTION')],
    find: unknownNames(true, judgeAction),
  },
  {
    id: 'unknown-action',
    severity: 'warning',
    title: 'an action that the catalogue does not have, nor one like it',
    cure: 'see whether AWS still has the action; one newer than this Stint may be right',
    sources: [analyzer('Invalid action'), parliament('UNKNOWN_ACTION')],
    find: unknownNames(false, judgeAction),
  },
  {
    id: 'unsupported-action-in-policy',
    severity: 'error',
    title: 'an action that this policy can say nothing about',
    cure: 'name actions of what carries the policy',
    sources: [analyzer('Unsupported action in policy')],
    kinds: ['resource'],
    find: eachItem(actionsOf, (item, _statement, { resourceType }) => foreignAction(item, resourceType)),
  },
  {
    id: 'trust-action',
    severity: 'error',
    title: 'an action of a trust policy that is not of STS',
    cure: 'name `sts:AssumeRole`, `sts:AssumeRoleWithSAML`, `sts:AssumeRoleWithWebIdentity`, `sts:TagSession` or another `sts:` action',
    sources: [analyzer('Unsupported action in policy')],
    kinds: ['trust'],
    find: grammar(['trust-action']),
  },
  {
    id: 'wildcard-in-service-name',
    severity: 'suggestion',
    title: 'a wildcard in the name of a service',
    cure: 'name each service: AWS adds services whose names fit',
    sources: [analyzer('Wildcard in service name')],
    find: eachItem(actionsOf, ({ text }) => {
      const service = partsOf(text)?.service;
      if (service === undefined || !hasWildcard(service)) return undefined;
      return `\`${text}\` covers every service whose name fits \`${service}\``;
    }),
  },
  {
    id: 'redundant-action',
    severity: 'suggestion',
    title: 'an action that another of the list covers',
    cure: 'remove it, or narrow the pattern that covers it',
    sources: [analyzer('Redundant action')],
    find: eachStatement(({ action }) => {
      const covered = coveredItems(action?.items ?? [], true);
      if (covered.length === 0) return [];
      const { item, by } = covered[0]!;
      const more = covered.length > 1 ? `; so are ${shown(covered.slice(1).map((it) => it.item.text))}` : '';
      return [found(item, `\`${item.text}\` is covered by \`${by}\`${more}`)];
    }),
  },
];
