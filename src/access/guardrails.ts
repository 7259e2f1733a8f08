// Guard rails as organisation policies: the ones Stint brings along, those a definition writes, whom they spare and
// what they are attached to. Pure.
import type { CompileScope } from './compile-identities.ts';
import { hasEnded } from './expiry.ts';
import type { Definition } from './model.ts';
import { handling, ownershipTags } from './ownership.ts';
import { compileStatements } from './permissions.ts';
import type { Document, Resource, Statement } from './resources.ts';
import { countsIn, managementAccount, selectAccounts } from './selectors.ts';
import { guardrailNames } from './schema/accounts.ts';

export type GuardrailName = (typeof guardrailNames)[number];
type Guardrail = NonNullable<Definition['guardrails']>[string];

interface Brought {
  readonly type: Guardrail['type'];
  readonly text: string;
  statements(scope: CompileScope): readonly Statement[];
}

const deny = (Sid: string, Action: string | readonly string[], more: Partial<Statement> = {}): Statement => ({
  Sid,
  Effect: 'Deny',
  Action,
  Resource: '*',
  ...more,
});

/** The guard rails that Stint brings along. */
export const broughtGuardrails: Readonly<Record<GuardrailName, Brought>> = {
  imdsv2: {
    type: 'scp',
    text: 'No instance starts with version 1 of the metadata service, and what that hands out is good for nothing',
    statements: ({ partition }) => [
      deny('LaunchWithImdsv2', 'ec2:RunInstances', {
        Resource: `arn:${partition}:ec2:*:*:instance/*`,
        Condition: { StringNotEquals: { 'ec2:MetadataHttpTokens': 'required' } },
      }),
      deny('KeepImdsv2', 'ec2:ModifyInstanceMetadataOptions'),
      deny('UseImdsv2', '*', { Condition: { NumericLessThan: { 'ec2:RoleDelivery': '2.0' } } }),
    ],
  },
  'deny-leave-organization': {
    type: 'scp',
    text: 'No account leaves the organisation',
    statements: () => [deny('StayInOrganization', 'organizations:LeaveOrganization')],
  },
  'deny-root': {
    type: 'scp',
    text: 'The root users of the accounts can do nothing',
    statements: ({ partition }) => [
      deny('NoRoot', '*', { Condition: { ArnLike: { 'aws:PrincipalArn': `arn:${partition}:iam::*:root` } } }),
    ],
  },
  'deny-users': {
    type: 'scp',
    text: 'No users with passwords or keys are made: people live in the central account',
    statements: () => [deny('NoUsers', ['iam:CreateUser', 'iam:CreateAccessKey', 'iam:CreateLoginProfile'])],
  },
  'protect-stint': {
    type: 'scp',
    text: 'Nobody but Stint changes what Stint made, or the role by which it acts',
    statements: ({ partition, name, definition }) => [
      deny('KeepRoles', roleWrites, { Condition: { StringEquals: { 'aws:ResourceTag/stint:definition': name } } }),
      deny('KeepPolicies', policyWrites, { Resource: `arn:${partition}:iam::*:policy/stint/${name}/*` }),
      deny('KeepExecutor', roleWrites, { Resource: executorArns(definition, partition) }),
    ],
  },
  'protect-cloudtrail': {
    type: 'scp',
    text: 'Nobody stops or redirects the record of what is done',
    statements: () => [
      deny('KeepTrails', [
        'cloudtrail:DeleteTrail',
        'cloudtrail:PutEventSelectors',
        'cloudtrail:StopLogging',
        'cloudtrail:UpdateTrail',
      ]),
    ],
  },
  'require-organization': {
    type: 'rcp',
    text: 'Nobody from outside the organisation reaches data in it, except services of AWS',
    statements: ({ definition }) => [
      deny('OrganizationOnly', ['kms:*', 's3:*', 'secretsmanager:*', 'sqs:*'], {
        Condition: {
          StringNotEqualsIfExists: { 'aws:PrincipalOrgID': definition.organization ?? '' },
          BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
        },
      }),
    ],
  },
};

const roleWrites = [
  'iam:AttachRolePolicy',
  'iam:DeleteRole',
  'iam:DeleteRolePermissionsBoundary',
  'iam:DeleteRolePolicy',
  'iam:DetachRolePolicy',
  'iam:PutRolePermissionsBoundary',
  'iam:PutRolePolicy',
  'iam:TagRole',
  'iam:UntagRole',
  'iam:UpdateAssumeRolePolicy',
  'iam:UpdateRole',
];

const policyWrites = [
  'iam:CreatePolicyVersion',
  'iam:DeletePolicy',
  'iam:DeletePolicyVersion',
  'iam:SetDefaultPolicyVersion',
];

function executorArns(definition: Definition, partition: string): string[] {
  const names = [definition.executor, 'OrganizationAccountAccessRole'].filter((it) => it !== undefined);
  return [...new Set(names)].map((name) => `arn:${partition}:iam::*:role/${name}`);
}

/** Those whom every deny of a guard rail spares, put into its conditions. */
function spared(statement: Statement, arns: readonly string[]): Statement {
  if (statement.Effect !== 'Deny' || arns.length === 0) return statement;
  const { Condition = {} } = statement;
  const had = Condition['ArnNotLike']?.['aws:PrincipalArn'];
  const all = [...(had === undefined ? [] : [had].flat().map(String)), ...arns];
  return {
    ...statement,
    Condition: { ...Condition, ArnNotLike: { ...Condition['ArnNotLike'], 'aws:PrincipalArn': all } },
  };
}

/** The brought guard rails that an entry uses; its own name, where it is one of theirs and says nothing more. */
export function usedGuardrails(key: string, entry: Guardrail): readonly GuardrailName[] {
  if (entry.use !== undefined) return entry.use;
  const own = guardrailNames.find((name) => name === key);
  return own === undefined || (entry.statements ?? []).length > 0 ? [] : [own];
}

/** The units that a guard rail is attached to, where it is to units and not to accounts in them. */
export function boundUnits({ on, only, except }: Guardrail): string[] | undefined {
  const narrowed = (only ?? except) !== undefined;
  if (on === 'organization' || Array.isArray(on) || on.ou === undefined || narrowed) return undefined;
  return Object.keys(on).length === 1 ? [on.ou].flat() : undefined;
}

/** What a guard rail is attached to: `root`, `ou/PATH`, or ids of accounts; never the management account. */
export function guardrailTargets(definition: Definition, entry: Guardrail): string[] {
  const { on } = entry;
  if (on === 'organization') return ['root'];
  const units = boundUnits(entry);
  if (units !== undefined) return units.map((unit) => `ou/${unit}`);
  return selectAccounts(definition, on)
    .filter((account) => countsIn(entry, account) && account !== managementAccount(definition))
    .map((account) => definition.accounts[account]!.id);
}

function guardrailDocument(scope: CompileScope, key: string, entry: Guardrail): Document | undefined {
  const brought = usedGuardrails(key, entry).flatMap((name) => broughtGuardrails[name].statements(scope));
  const written = compileStatements(entry.statements, scope.account.name, scope.now, entry.expires);
  const exempt = [
    ...((entry.executorExempt ?? true) === true ? executorArns(scope.definition, scope.partition) : []),
    ...[entry.exempt ?? []].flat(),
  ];
  const statements = [...brought, ...(written?.Statement ?? [])].map((statement) => {
    const one = spared(statement, exempt);
    return entry.type === 'rcp' ? { ...one, Principal: '*' as const } : one;
  });
  return statements.length === 0 ? undefined : { Version: '2012-10-17', Statement: statements };
}

/** Whether `only` and `except` leave no account at all of those that are named. */
function bindsNobody(definition: Definition, { on, ...narrowing }: Guardrail): boolean {
  return on !== 'organization' && !selectAccounts(definition, on).some((account) => countsIn(narrowing, account));
}

/** The organisation policy of a guard rail; nothing for one that has ended, says nothing or binds nobody. */
export function compileGuardrail(scope: CompileScope, key: string, entry: Guardrail): Resource[] {
  if (hasEnded(entry, scope.now)) return [];
  const name = entry.name ?? `stint-${scope.name}-${key}`;
  const document = guardrailDocument(scope, key, entry);
  const targets = guardrailTargets(scope.definition, entry);
  if (document === undefined || targets.length === 0) {
    scope.findings.push({
      severity: 'warning',
      code: 'guardrail-idle',
      resource: `guardrail/${key}`,
      message:
        document === undefined
          ? 'says nothing, so it is not made'
          : bindsNobody(scope.definition, entry)
            ? 'binds no account, since `only` and `except` leave none: it is not made'
            : 'binds the management account only, which no guard rail binds: it is not made',
      hint:
        document === undefined
          ? `give it \`statements\`, or \`use\` one of ${guardrailNames.join(', ')}`
          : 'name other accounts in `on`',
    });
    return [];
  }
  const texts = usedGuardrails(key, entry).map((it) => broughtGuardrails[it].text);
  return [
    {
      kind: 'organization-policy',
      name,
      type: entry.type === 'scp' ? 'SERVICE_CONTROL_POLICY' : 'RESOURCE_CONTROL_POLICY',
      document,
      description: (entry.description ?? entry.reason ?? texts.join('; ')).slice(0, 512),
      targets,
      tags: ownershipTags(scope.name, `guardrail/${key}`, entry),
      ...handling(entry),
    },
  ];
}
