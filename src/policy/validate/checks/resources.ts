// Checks of Resource and NotResource: the form of ARNs, and whether they fit the actions.
import { partitionNames } from '../../elements.ts';
import { analyzer, eachItem, eachStatement, found, grammar, parliament, shown, type Check } from '../check.ts';
import type { LintScope } from '../check.ts';
import type { LintStatement, TextSpot } from '../lint-document.ts';
import { arnsOverlap } from '../overlap.ts';
import { coveredItems, hasWildcard, partsOf, resourceServices } from './actions.ts';

const resourcesOf = ({ resource }: LintStatement): LintStatement['resource'] => resource;

interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  readonly resource: string;
}

/** The parts of a full ARN. Wildcards and variables may stand in them. */
function arnOf(text: string): Arn | undefined {
  const [prefix, partition, service, region, account, ...rest] = text.split(':');
  if (prefix !== 'arn' || rest.length === 0) return undefined;
  return { partition: partition!, service: service!, region: region!, account: account!, resource: rest.join(':') };
}

const isOpen = (text: string): boolean => /[*?]|\$\{/.test(text);

const eachArn = (find: (arn: Arn, item: TextSpot, scope: LintScope) => string | undefined): Check['find'] =>
  eachItem(resourcesOf, (item, _statement, scope) => {
    const arn = arnOf(item.text);
    return arn === undefined ? undefined : find(arn, item, scope);
  });

/** Services whose resources have no region (Service Authorization Reference). */
const noRegion = new Set(['iam', 'organizations', 'cloudfront', 'route53', 'sts', 'pricingplanmanager']);

// Kinds of S3 resource whose ARNs have region and account; buckets and objects have neither.
const regionalS3 = /^(?:accesspoint|job|storage-lens|storage-lens-group|async-request|access-grants)(?:\/|$)/;

function accountNotAllowed({ service, account, resource }: Arn): string | undefined {
  if (service !== 's3' || !/^\d+$/.test(account) || regionalS3.test(resource)) return undefined;
  return `ARNs of buckets and objects hold no account, this one holds \`${account}\``;
}

function regionNotAllowed({ service, region, resource }: Arn): string | undefined {
  if (region === '' || region === '*') return undefined;
  const without = noRegion.has(service) || (service === 's3' && !regionalS3.test(resource));
  return without ? `ARNs of \`${service}\` hold no region, this one holds \`${region}\`` : undefined;
}

/** Words that AWS itself puts where the account stands. */
const accountWords = /^(?:aws|aws-[a-z]+|amazon|cloudfront|third-party.*)$/;

function badAccount({ account }: Arn): string | undefined {
  if (account === '' || isOpen(account) || /^\d{12}$/.test(account) || accountWords.test(account)) return undefined;
  return `\`${account}\` is no account id`;
}

const regionForm = /^(?:[a-z]{2,4}(?:-[a-z]+)+-\d{1,2})$/;

function badRegion({ region }: Arn): string | undefined {
  if (region === '' || region === 'global' || isOpen(region) || regionForm.test(region)) return undefined;
  return `\`${region}\` is no region`;
}

function badPartition(text: string, wanted: string | undefined): string | undefined {
  const [prefix, partition] = text.split(':');
  if (prefix !== 'arn' || partition === undefined || isOpen(partition)) return undefined;
  if (!partitionNames.includes(partition)) return `\`${partition}\` is no partition`;
  return wanted === undefined || partition === wanted
    ? undefined
    : `is of the partition \`${partition}\`, not of \`${wanted}\``;
}

/** Whether the service has any resource whose ARN could be this one. */
function fitsService(text: string, service: string, { catalog }: LintScope): boolean {
  const formats = catalog.serviceArns(service);
  return formats.length === 0 || formats.some((format) => arnsOverlap(format, text));
}

function missingRegion({ service, region }: Arn, item: TextSpot, scope: LintScope): string | undefined {
  if (region !== '' || noRegion.has(service) || fitsService(item.text, service, scope)) return undefined;
  // A service that has resources without region may have more of them than the catalogue knows.
  if (scope.catalog.serviceArns(service).some((format) => format.split(':')[3] === '')) return undefined;
  const withRegion = item.text.replace(/^(arn:[^:]*:[^:]*):/, '$1:*');
  return fitsService(withRegion, service, scope) ? `ARNs of this kind in \`${service}\` hold a region` : undefined;
}

function foreignResource({ service }: Arn, _item: TextSpot, { resourceType }: LintScope): string | undefined {
  const services = resourceServices[resourceType ?? ''];
  if (services === undefined || isOpen(service) || services.includes(service)) return undefined;
  return `a resource of \`${service}\` is not what carries this policy, \`${resourceType}\``;
}

/** Actions of an Allow that none of its resources can be meant for. */
function mismatches(statement: LintStatement, { catalog }: LintScope): string[] {
  const { action, resource, allows } = statement;
  if (!allows || action === undefined || action.not || resource === undefined || resource.not) return [];
  if (resource.items.length === 0 || resource.items.some(({ text }) => isOpenArn(text))) return [];
  return action.items.flatMap(({ text }) => {
    const parts = partsOf(text);
    // A pattern is meant for those of its actions that fit.
    if (parts === undefined || hasWildcard(text) || !catalog.has(text)) return [];
    const types = catalog.resourceTypes(text);
    const fits = types.some(({ arns }) => arns.some((arn) => resource.items.some((it) => arnsOverlap(arn, it.text))));
    return fits ? [] : [text];
  });
}

/** Whether every action of an Allow on `*` could name its resources. */
function needlessStar(statement: LintStatement, { catalog }: LintScope): readonly string[] {
  const { action, resource, allows } = statement;
  const star = resource?.not === false && resource.items.some(({ text }) => text === '*');
  if (!allows || !star || action === undefined || action.not) return [];
  const names = action.items.map(({ text }) => text);
  const nameable = names.filter((name) => !hasWildcard(name) && catalog.resourceTypes(name).length > 0);
  return nameable.length === names.length ? nameable : [];
}

/** `*`, or all of a service: services judge actions without resource by ARNs of their own making. */
function isOpenArn(text: string): boolean {
  const arn = arnOf(text);
  return arn === undefined ? /^[*?]+$/.test(text) : /^[*?:/]+$/.test(arn.resource);
}

function effectiveStars(statement: LintStatement): TextSpot[] {
  const { resource, allows } = statement;
  if (!allows || resource === undefined || resource.not) return [];
  return resource.items.filter(({ text }) => {
    const arn = arnOf(text);
    if (arn === undefined) return text !== '*' && /^[*?]+$/.test(text);
    const open = (part: string): boolean => part === '' || part === '*';
    return open(arn.region) && open(arn.account) && /^\*+$/.test(arn.resource);
  });
}

export const resourceChecks: readonly Check[] = [
  {
    id: 'missing-resource',
    severity: 'error',
    title: 'no resource',
    cure: 'name at least one resource in `Resource` or `NotResource`, or `*`',
    sources: [analyzer('Missing resource'), analyzer('Empty array resource'), parliament('MALFORMED')],
    find: grammar(['resource-missing']),
  },
  {
    id: 'invalid-arn-prefix',
    severity: 'error',
    title: 'a resource that is neither `*` nor begins with `arn:`',
    cure: 'write `*`, or a full ARN: `arn:partition:service:region:account:resource`',
    sources: [analyzer('Invalid ARN prefix'), parliament('INVALID_ARN')],
    find: eachItem(resourcesOf, ({ text }) =>
      /^[*?]+$/.test(text) || text.startsWith('arn:') ? undefined : `\`${text}\` is no ARN`,
    ),
  },
  {
    id: 'missing-arn-field',
    severity: 'error',
    title: 'an ARN of fewer than six fields',
    cure: 'write all of `arn:partition:service:region:account:resource`; empty ones keep their colon',
    sources: [analyzer('Missing ARN field'), parliament('INVALID_ARN')],
    find: eachItem(resourcesOf, ({ text }) => {
      const fields = text.split(':').length;
      return text.startsWith('arn:') && fields < 6
        ? `\`${text}\` has ${fields} of the six fields of an ARN`
        : undefined;
    }),
  },
  {
    id: 'invalid-partition',
    severity: 'error',
    title: 'a partition that does not exist, or another than the account’s',
    cure: 'write `aws`, `aws-us-gov` or `aws-cn`, that of your accounts',
    sources: [analyzer('Invalid partition'), parliament('INVALID_ARN')],
    find: eachItem(resourcesOf, ({ text }, _statement, { partition }) => badPartition(text, partition)),
  },
  {
    id: 'invalid-arn-service-case',
    severity: 'error',
    title: 'capital letters in the service of an ARN',
    cure: 'write the service in small letters',
    sources: [analyzer('Invalid ARN service case')],
    find: eachArn(({ service }) =>
      !isOpen(service) && /[A-Z]/.test(service) ? `\`${service}\` is not written in small letters` : undefined,
    ),
  },
  {
    id: 'arn-account-not-allowed',
    severity: 'error',
    title: 'an account in an ARN that has none',
    cure: 'leave the account empty: `arn:aws:s3:::bucket`',
    sources: [analyzer('ARN account not allowed')],
    find: eachArn(accountNotAllowed),
  },
  {
    id: 'invalid-arn-account',
    severity: 'error',
    title: 'an account in an ARN that is none',
    cure: 'give the twelve digits of the account, or `*`',
    sources: [analyzer('Invalid ARN account'), parliament('INVALID_ARN')],
    find: eachArn(badAccount),
  },
  {
    id: 'arn-region-not-allowed',
    severity: 'error',
    title: 'a region in an ARN that has none',
    cure: 'leave the region empty',
    sources: [analyzer('ARN Region not allowed')],
    find: eachArn(regionNotAllowed),
  },
  {
    id: 'invalid-arn-region',
    severity: 'error',
    title: 'a region in an ARN that is none',
    cure: 'give a region such as `eu-central-1`, or `*`',
    sources: [analyzer('Invalid ARN Region'), parliament('INVALID_ARN')],
    find: eachArn(badRegion),
  },
  {
    id: 'missing-arn-region',
    severity: 'error',
    title: 'no region in an ARN that needs one',
    cure: 'put the region, or `*`, after the service',
    sources: [analyzer('Missing ARN Region')],
    find: eachArn(missingRegion),
  },
  {
    id: 'invalid-arn-resource',
    severity: 'error',
    title: 'an ARN that AWS does not take',
    cure: 'write it as the Service Authorization Reference has it for its service',
    sources: [analyzer('Invalid ARN resource'), parliament('INVALID_ARN')],
    fallback: true,
    find: grammar(['resource', 'resource-legacy']),
  },
  {
    id: 'unknown-arn-resource',
    severity: 'warning',
    title: 'an ARN that is of no kind of resource that its service has',
    cure: 'write it as the Service Authorization Reference has it for its service',
    sources: [analyzer('Invalid ARN resource')],
    fallback: true,
    find: eachArn(({ service }, item, scope) =>
      isOpen(service) || fitsService(item.text, service, scope)
        ? undefined
        : `\`${item.text}\` is of no kind of resource that \`${service}\` has`,
    ),
  },
  {
    id: 'unsupported-resource-arn-in-policy',
    severity: 'error',
    title: 'a resource that this policy can say nothing about',
    cure: 'name what carries the policy, or its parts',
    sources: [analyzer('Unsupported resource ARN in policy')],
    kinds: ['resource'],
    find: eachArn(foreignResource),
  },
  {
    id: 'resource-mismatch',
    severity: 'warning',
    title: 'actions that none of the resources can be meant for',
    cure: 'put these actions into a statement of their own, with resources of the right kind or `*`',
    sources: [parliament('RESOURCE_MISMATCH')],
    kinds: ['identity', 'boundary', 'session', 'scp'],
    find: eachStatement((statement, scope) => {
      const without = mismatches(statement, scope);
      if (without.length === 0) return [];
      return [found(statement.resource!, `none of these resources is of a kind that ${shown(without)} works on`)];
    }),
  },
  {
    id: 'resource-star',
    severity: 'suggestion',
    title: 'every resource, where the actions could name theirs',
    cure: 'name the resources that are meant',
    sources: [parliament('RESOURCE_STAR')],
    kinds: ['identity', 'session'],
    find: eachStatement((statement, scope) => {
      const names = needlessStar(statement, scope);
      return names.length === 0 || statement.conditions.length > 0
        ? []
        : [found(statement.resource!, `${shown(names)} could be given on named resources only`)];
    }),
  },
  {
    id: 'resource-effectively-star',
    severity: 'suggestion',
    title: 'an ARN that covers all of a service',
    cure: 'write `*` if all is meant, else name the resources',
    sources: [parliament('RESOURCE_EFFECTIVELY_STAR')],
    kinds: ['identity', 'session'],
    find: eachStatement((statement) =>
      effectiveStars(statement).map((item) => found(item, `\`${item.text}\` covers everything that its service has`)),
    ),
  },
  {
    id: 'not-resource-with-allow',
    severity: 'warning',
    title: 'Allow on all resources but some',
    cure: 'list what is allowed in `Resource`; what is made later is included now',
    sources: [parliament('NOTRESOURCE_WITH_ALLOW')],
    kinds: ['identity', 'resource', 'session'],
    find: eachStatement(({ allows, resource }) =>
      allows && resource?.not === true ? [found(resource, 'allows on every resource but the listed ones')] : [],
    ),
  },
  {
    id: 'redundant-resource',
    severity: 'suggestion',
    title: 'a resource that another of the list covers',
    cure: 'remove it, or narrow the pattern that covers it',
    sources: [analyzer('Redundant resource')],
    find: eachStatement(({ resource }) =>
      coveredItems(resource?.items ?? [], false).map(({ item, by }) =>
        found(item, `\`${item.text}\` is covered by \`${by}\``),
      ),
    ),
  },
];
