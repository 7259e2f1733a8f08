// What a policy gives that deserves a second look: managing permissions, credentials, secrets. None of these is wrong;
// a reviewer should see them.
import { eachStatement, found, parliament, shown, type Check, type FindInStatement, type Found } from '../check.ts';
import type { LintScope } from '../check.ts';
import { includesAction, type LintStatement } from '../lint-document.ts';
import { soloEscalations } from '../../escalation/index.ts';
import { overlaps } from '../overlap.ts';
import { hasWildcard, partsOf } from './actions.ts';

/** Calls whose answer is a credential, or makes one usable (parliament, community auditors). */
const credentialActions = [
  'codepipeline:PollForJobs',
  'cognito-idp:AssociateSoftwareToken',
  'cognito-idp:DescribeUserPoolClient',
  'cognito-identity:GetOpenIdToken',
  'cognito-identity:GetOpenIdTokenForDeveloperIdentity',
  'cognito-identity:GetCredentialsForIdentity',
  'connect:GetFederationToken',
  'connect:GetFederationTokens',
  'ecr:GetAuthorizationToken',
  'gamelift:RequestUploadCredentials',
  'iam:CreateAccessKey',
  'iam:CreateLoginProfile',
  'iam:CreateServiceSpecificCredential',
  'iam:ResetServiceSpecificCredential',
  'iam:UpdateAccessKey',
  'iot:AssumeRoleWithCertificate',
  'lightsail:GetInstanceAccessDetails',
  'lightsail:GetRelationalDatabaseMasterUserPassword',
  'mediapackage:RotateIngestEndpointCredentials',
  'rds-db:connect',
  'redshift:GetClusterCredentials',
  'sso:GetRoleCredentials',
  'sts:AssumeRole',
  'sts:AssumeRoleWithSAML',
  'sts:AssumeRoleWithWebIdentity',
  'sts:GetFederationToken',
  'sts:GetSessionToken',
];

/** Calls that bring data out (cloudsplaining, `DataExfiltration`). */
const dataActions = [
  's3:GetObject',
  'ssm:GetParameter',
  'ssm:GetParameters',
  'ssm:GetParametersByPath',
  'secretsmanager:GetSecretValue',
];

const isEverything = ({ action }: LintStatement): boolean =>
  action?.items.some(({ text }) => text === '*' || text === '*:*') === true;

const onAll = ({ resource }: LintStatement): boolean =>
  resource?.not === false && resource.items.some(({ text }) => text === '*');

/** A grant by name or pattern: `Allow` with `Action`, but not `*`, which says it all by itself. */
const isSpecific = (statement: LintStatement): boolean =>
  statement.allows && statement.action?.not === false && !isEverything(statement);

const credentials: FindInStatement = (statement) => {
  if (!isSpecific(statement)) return [];
  // Roles given by name are what such a statement is for.
  const named = statement.resource?.not === false && !statement.resource.items.some(({ text }) => hasWildcard(text));
  const given = credentialActions.filter(
    (action) => includesAction(statement, action) && !(named && action.startsWith('sts:')),
  );
  return given.length === 0 ? [] : [found(statement.action!, `gives credentials: ${shown(given)}`)];
};

const data: FindInStatement = (statement) => {
  if (!isSpecific(statement) || !onAll(statement) || statement.conditions.length > 0) return [];
  const given = dataActions.filter((action) => includesAction(statement, action));
  return given.length === 0 ? [] : [found(statement.action!, `reads data of every bucket or secret: ${shown(given)}`)];
};

const permissions: FindInStatement = (statement, { catalog }) => {
  if (!isSpecific(statement)) return [];
  const given = statement
    .action!.items.flatMap(({ text }) => (hasWildcard(text) ? catalog.matching(text) : [text]))
    .filter((action) => catalog.levelOf(action) === 'Permissions management');
  return given.length === 0 ? [] : [found(statement.action!, `manages permissions: ${shown([...new Set(given)])}`)];
};

const serviceStar: FindInStatement = ({ allows, action }) =>
  !allows || action === undefined || action.not
    ? []
    : action.items
        .filter(({ text }) => partsOf(text)?.name === '*' && !hasWildcard(partsOf(text)!.service))
        .map((item) => found(item, `\`${item.text}\` is all that the service can do, now and later`));

/** Ways to more rights that the document alone opens, whatever else its holder has. */
const escalations =
  (certain: boolean) =>
  ({ document }: LintScope): Found[] => {
    const allows = document.statements.filter(
      (it) => it.allows && it.action !== undefined && it.conditions.length === 0,
    );
    if (allows.some((it) => isEverything(it) && onAll(it))) return [];
    const denied = (action: string): boolean =>
      document.statements.some(
        (it) =>
          it.denies &&
          it.conditions.length === 0 &&
          it.resource?.not === false &&
          onAll(it) &&
          includesAction(it, action),
      );
    const given = (action: string): LintStatement | undefined =>
      denied(action)
        ? undefined
        : allows.find((it) => it.resource !== undefined && !it.resource.not && onAll(it) && includesAction(it, action));
    return soloEscalations((action) => given(action) !== undefined, certain).map(({ method, actions }) =>
      found(given(actions[0]!)!.action!, `${shown(actions)} on all resources opens a way to any rights: ${method}`),
    );
  };

const sensitive: Check['find'] = (scope) =>
  scope.document.statements.flatMap((statement) => {
    if (!statement.allows || statement.resource === undefined || statement.resource.not) return [];
    return scope.sensitive.flatMap(({ action, resource }) => {
      if (!includesAction(statement, action) || statement.action!.not) return [];
      const item = statement.resource!.items.find(({ text }) => overlaps(text, resource));
      return item === undefined
        ? []
        : [found(item, `gives \`${action}\` on \`${resource}\`, which is marked as sensitive`)];
    });
  });

export const powerChecks: readonly Check[] = [
  {
    id: 'permissions-management-actions',
    severity: 'suggestion',
    title: 'actions that manage permissions',
    cure: 'see that its holders may manage permissions, and bound what they can give',
    sources: [parliament('PERMISSIONS_MANAGEMENT_ACTIONS')],
    kinds: ['identity', 'session'],
    find: eachStatement(permissions),
  },
  {
    id: 'privilege-escalation',
    severity: 'warning',
    title: 'actions by which the holder can give himself any rights',
    cure: 'name the resources, demand a permissions boundary by condition, or leave one of the actions out',
    sources: [parliament('PRIVILEGE_ESCALATION'), 'cloudsplaining: PrivilegeEscalation'],
    kinds: ['identity'],
    find: escalations(true),
  },
  {
    id: 'possible-privilege-escalation',
    severity: 'suggestion',
    title: 'actions by which the holder can take the rights of what is there already',
    cure: 'name the resources, or see that none of them runs with more rights than its holders have',
    sources: [parliament('PRIVILEGE_ESCALATION'), 'cloudsplaining: PrivilegeEscalation'],
    kinds: ['identity'],
    find: escalations(false),
  },
  {
    id: 'credentials-exposure',
    severity: 'suggestion',
    title: 'actions whose answers are credentials',
    cure: 'name the resources for which its holders need credentials',
    sources: [parliament('CREDENTIALS_EXPOSURE'), 'cloudsplaining: CredentialsExposure'],
    kinds: ['identity', 'session'],
    find: eachStatement(credentials),
  },
  {
    id: 'data-exposure',
    severity: 'suggestion',
    title: 'reading objects, parameters or secrets of any name',
    cure: 'name the buckets, parameters or secrets',
    sources: ['cloudsplaining: DataExfiltration'],
    kinds: ['identity', 'session'],
    find: eachStatement(data),
  },
  {
    id: 'service-wildcard',
    severity: 'suggestion',
    title: 'every action of a service',
    cure: 'name the actions, or at least patterns such as `s3:Get*`',
    sources: ['cloudsplaining: ServiceWildcard'],
    kinds: ['identity', 'session'],
    find: eachStatement(serviceStar),
  },
  {
    id: 'sensitive-access',
    severity: 'warning',
    title: 'an action on a resource that was marked as sensitive',
    cure: 'name other resources, or take the mark away',
    sources: [parliament('SENSITIVE_ACCESS')],
    kinds: ['identity', 'session'],
    find: sensitive,
  },
];
