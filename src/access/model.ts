// The definition: who may become what, in which accounts. One JSON form; TypeScript, YAML and JSON
// files all come to it. The published JSON Schema is generated from here (`tools/generate-access.ts`).
// Texts may hold `${var.NAME}`; variables are put in before this schema judges.
import { z } from 'zod';

const durationPattern = /^(?:\d+(?:\.\d+)?(?:s|m|h|d))+$/;
const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const iamNamePattern = /^[\w+=,.@-]{1,64}$/;
const datePattern = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)?$/;
const variable = String.raw`\$\{var\.[A-Za-z_]\w*\}`;

const texts = z.union([z.string(), z.array(z.string()).min(1)], { error: 'expected a text or a list of texts' });
const duration = z
  .string()
  .regex(durationPattern, 'expected a duration such as `30m`, `1h` or `1h30m`')
  .describe('A duration: `30m`, `1h`, `1h30m`.');
const account = z.string().describe('The name of an account of this definition.');
const accounts = z.array(account);
const date = z
  .string()
  .regex(datePattern, 'expected a date such as `2027-01-01` or `2027-01-01T09:00:00Z`')
  .refine((text) => {
    // A day that a month does not have is taken for one of the next month.
    const instant = Date.parse(text);
    return !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(text.slice(0, 10));
  }, 'there is no such day')
  .describe('Ends on this day (00:00 UTC) or at this instant.');
const reason = z.string().min(3, 'a reason says why, in words');

/** `true`, or switched off with a written reason. A bare `false` is refused. */
const safeguard = (what: string) =>
  z
    .union([z.literal(true), z.strictObject({ off: z.literal(true), reason })], {
      error: `expected \`true\`, or \`{ off: true, reason: "…" }\` to switch it off`,
    })
    .describe(what);

// What IAM takes in tags and descriptions (IAM API, Tag and CreateRole).
const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const tagRule = 'tags hold letters, digits, spaces and `_.:/=+-@`';
const tags = z.record(z.string().min(1).max(128).regex(tagText, tagRule), z.string().max(256).regex(tagText, tagRule));
const description = z
  .string()
  .max(1000)
  .regex(/^[\t\n\r\u0020-\u007E\u00A1-\u00FF]*$/, 'AWS takes only Latin-1 letters in a description');

export const selectorSchema = z
  .union(
    [
      accounts,
      z.strictObject({
        stage: texts.optional(),
        ou: texts.optional().describe('Organizational unit, with everything below it: `Workloads/Prod`.'),
        tag: tags.optional(),
        except: accounts.optional(),
      }),
    ],
    { error: 'expected a list of account names, or a map of `stage`, `ou`, `tag`, `except`' },
  )
  .describe('Which accounts: names, or whatever fits all of `stage`, `ou` and `tag`.');

const narrowing = {
  only: accounts.optional().describe('Only in these of the accounts.'),
  except: accounts.optional().describe('In none of these accounts.'),
};

const conditionValue = z.union([z.string(), z.number(), z.boolean()]);

export const statementSchema = z
  .strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(['Allow', 'Deny']).describe('A deny beats every allow.'),
    Action: texts.optional().describe('`s3:GetObject`, `s3:Get*`; one or a list.'),
    NotAction: texts.optional().describe('Every action but these.'),
    Resource: texts.optional().describe('ARNs, with `*` and IAM variables such as `${aws:username}`.'),
    NotResource: texts.optional().describe('Every resource but these.'),
    Condition: z
      .record(z.string(), z.record(z.string(), z.union([conditionValue, z.array(conditionValue)])))
      .optional(),
    ...narrowing,
    expires: date.optional(),
    reason: reason.optional(),
  })
  .refine((it) => (it.Action === undefined) !== (it.NotAction === undefined), 'needs `Action` or `NotAction`, not both')
  .refine(
    (it) => (it.Resource === undefined) !== (it.NotResource === undefined),
    'needs `Resource` or `NotResource`, not both',
  )
  .describe('An IAM statement, with `only`, `except` and `expires` beside it.');

const permissions = {
  managed: z.array(z.string()).optional().describe('AWS managed policies by name, or any managed policy by ARN.'),
  policies: z.array(z.string()).optional().describe('Policies of this definition, by name.'),
  statements: z.array(statementSchema).optional().describe('Permissions of this one alone (an inline policy).'),
};

const who = {
  owner: z.string().min(1).max(256).regex(tagText, tagRule).optional().describe('Who answers for it.'),
  reason: reason.optional(),
};

const trustPrincipals = ['group', 'person', 'role', 'service', 'account'] as const;

export const trustSchema = z
  .strictObject({
    group: z.string().optional().describe('A group of this definition.'),
    person: z.string().optional().describe('A person of this definition.'),
    role: z.string().optional().describe('A role of this definition: `NAME` in the same account, or `ACCOUNT/NAME`.'),
    service: z.string().optional().describe('An AWS service, such as `ec2.amazonaws.com`.'),
    account: z.string().optional().describe('A whole account: a name of this definition, or 12 digits.'),
    mfa: safeguard(
      'Whether the person must have signed in with MFA. On unless `defaults.mfa` says otherwise.',
    ).optional(),
    mfaMaxAge: duration.optional().describe('How long ago the MFA sign-in may be.'),
    externalId: z.string().min(2).max(1224).optional().describe('For third parties: the agreed `sts:ExternalId`.'),
    ...narrowing,
    expires: date.optional(),
    reason: reason.optional(),
  })
  .refine((it) => trustPrincipals.filter((key) => it[key] !== undefined).length === 1, {
    error: `needs exactly one of ${trustPrincipals.map((key) => `\`${key}\``).join(', ')}`,
  })
  .describe('Who may become the role.');

const iamName = z.string().regex(iamNamePattern, 'IAM names hold 1 to 64 of letters, digits and `+=,.@_-`');
/** Names of instance profiles may be twice as long as those of roles (IAM quotas). */
const profileName = z
  .string()
  .regex(/^[\w+=,.@-]{1,128}$/, 'names of instance profiles hold 1 to 128 of letters, digits and `+=,.@_-`');
const key = z
  .string()
  .regex(namePattern, 'names begin with a letter and hold up to 64 letters, digits, `_`, `.` and `-`');

const accountName = z
  .string()
  .regex(/^[A-Za-z][\w-]{0,63}$/, 'names of accounts begin with a letter and hold letters, digits, `_` and `-`');

export const roleSchema = z.strictObject({
  in: selectorSchema,
  name: iamName.optional().describe("The role's name in AWS, when it is not its name here."),
  trust: z.array(trustSchema).min(1, 'a role that nobody may become is of no use'),
  ...permissions,
  session: duration.optional().describe('Longest session: 1h to 12h.'),
  boundary: z.string().optional().describe('Permissions boundary: a policy of this definition, a managed name or ARN.'),
  instanceProfile: z
    .union([z.literal(true), profileName], { error: 'expected the name of an instance profile, or `true`' })
    .optional()
    .describe('Wraps the role for EC2: the name of the instance profile, or `true` for the name of the role.'),
  description: description.optional(),
  tags: tags.optional(),
  expires: date.optional(),
  ...who,
});

export const policySchema = z.strictObject({
  statements: z.array(statementSchema).min(1),
  description: description.optional(),
  ...who,
});

export const personSchema = z.strictObject({
  groups: z.array(z.string()).optional().describe('Groups of this definition, by name.'),
  ...permissions,
  boundary: z.string().optional().describe('Permissions boundary: a policy of this definition, a managed name or ARN.'),
  console: z.boolean().optional().describe('Has a console password, to be changed at the first sign-in.'),
  tags: tags.optional(),
  ...who,
});

export const groupSchema = z.strictObject({ ...permissions, ...who });

export const passwordPolicySchema = z.strictObject({
  in: selectorSchema,
  minimumLength: z.int().min(6).max(128).describe('Characters, 6 to 128.'),
  requireUppercase: z.boolean().optional().describe('Demands a capital letter.'),
  requireLowercase: z.boolean().optional().describe('Demands a small letter.'),
  requireNumbers: z.boolean().optional().describe('Demands a digit.'),
  requireSymbols: z.boolean().optional().describe('Demands a character that is neither letter nor digit.'),
  usersMayChange: z.boolean().optional().describe('Lets people change their own password.'),
  maxAgeDays: z.int().min(1).max(1095).optional().describe('Days until a password expires.'),
  rememberLast: z.int().min(1).max(24).optional().describe('How many former passwords may not be used again.'),
  hardExpiry: z.boolean().optional().describe('An expired password can only be renewed by an administrator.'),
});

export const accountSchema = z.strictObject({
  id: z
    .string({ error: 'an account id is 12 digits in quotes' })
    .regex(new RegExp(String.raw`^(?:\d{12}|${variable})$`), 'an account id is 12 digits in quotes')
    .describe('The 12 digits, in quotes.'),
  stage: z.string().min(1).describe('Label that selectors and waves use: `dev`, `prod`.'),
  central: z.boolean().optional().describe('The account in which people live. Exactly one has it.'),
  ou: z.string().optional().describe('Where it lies in the organisation: `Workloads/Prod`.'),
  tags: tags.optional(),
});

const guardrailSchema = z.strictObject({
  on: selectorSchema,
  type: z.enum(['scp', 'rcp']),
  statements: z.array(z.looseObject({})),
});

export const definitionSchema = z
  .strictObject({
    $schema: z.string().optional().describe('For editors: where this schema lies.'),
    version: z.literal(1, { error: 'this Stint reads version 1' }).describe('Version of this format: 1.'),
    name: key
      .optional()
      .describe(
        'Tells definitions of one organisation apart; what Stint makes is marked with it. `default` if absent.',
      ),
    organization: z
      .string()
      .regex(
        new RegExp(String.raw`^(?:o-[a-z0-9]{10,32}|${variable})$`),
        'an organisation id looks like `o-` and 10 to 32 letters or digits',
      )
      .optional()
      .describe('Refuses to run in another organisation, and fences every trust that crosses accounts.'),
    partition: z.enum(['aws', 'aws-us-gov', 'aws-cn']).optional().describe('`aws` if absent.'),
    executor: iamName
      .optional()
      .describe('Role by which other accounts are entered, before `OrganizationAccountAccessRole`.'),
    accounts: z
      .record(accountName, accountSchema)
      .refine((accounts) => Object.keys(accounts).length > 0, 'a definition is of at least one account')
      .describe('The accounts, by the names they have here.'),
    stages: z
      .array(z.string().min(1))
      .optional()
      .describe('Order of waves. Else the order in which accounts name them.'),
    variables: z
      .record(
        z.string().regex(/^[A-Za-z_]\w*$/, 'names of variables hold letters, digits and `_`'),
        z.strictObject({ default: z.string().optional(), description: z.string().optional() }),
      )
      .optional()
      .describe('Values from outside, used as `${var.NAME}`.'),
    defaults: z
      .strictObject({
        session: duration.optional().describe('Longest session of roles that name none.'),
        mfa: safeguard('Demand MFA of people who become a role.').optional(),
        organizationFence: safeguard('Demand that whoever crosses accounts is of the organisation.').optional(),
      })
      .optional()
      .describe('What counts where an entry says nothing.'),
    policies: z
      .record(key, policySchema)
      .optional()
      .describe('Managed policies, made in every account that uses them.'),
    people: z.record(iamName, personSchema).optional().describe('IAM users of the central account.'),
    groups: z.record(key, groupSchema).optional().describe('Groups of the central account.'),
    roles: z.record(key, roleSchema).optional().describe('Roles, and in which accounts they are.'),
    passwordPolicy: passwordPolicySchema.optional().describe('What accounts demand of console passwords.'),
    guardrails: z.record(key, guardrailSchema).optional().describe('Organisation policies: read, not applied.'),
    lendables: z.record(key, z.looseObject({})).optional().describe('What may be lent: read, not applied.'),
    outputs: z
      .record(z.string().min(1), z.string())
      .optional()
      .describe('Texts with `${role.NAME.ACCOUNT.arn}` and the like; printed after an apply and by `stint output`.'),
  })
  .describe('A Stint definition: who may become what, in which AWS accounts.');

/** A definition as its author writes it. */
export type DefinitionInput = z.input<typeof definitionSchema>;
/** A definition that fits the schema, variables put in. */
export type Definition = z.output<typeof definitionSchema>;
export type Selector = z.output<typeof selectorSchema>;
export type TrustEntry = z.output<typeof trustSchema>;
export type StatementEntry = z.output<typeof statementSchema>;
export type RoleEntry = z.output<typeof roleSchema>;
export type PersonEntry = z.output<typeof personSchema>;
export type GroupEntry = z.output<typeof groupSchema>;
export type PasswordPolicyEntry = z.output<typeof passwordPolicySchema>;
