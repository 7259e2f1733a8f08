// The definition: who may become what, in which accounts. One JSON form; TypeScript, YAML and JSON
// files all come to it. The published JSON Schema is generated from here (`tools/generate-access.ts`).
// Texts may hold `${var.NAME}`; variables are put in before this schema judges.
import { z } from 'zod';
import {
  accountName,
  accountSchema,
  guardrailSchema,
  passwordPolicySchema,
  providerSchema,
} from './schema/accounts.ts';
import { defaultsSchema } from './schema/defaults.ts';
import { groupSchema, personSchema, roleSchema } from './schema/identities.ts';
import { iamName, key, selectorSchema, variable } from './schema/parts.ts';
import { policySchema, statementSchema } from './schema/permissions.ts';
import { trustSchema } from './schema/trust.ts';

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
    defaults: defaultsSchema,
    policies: z
      .record(key, policySchema)
      .optional()
      .describe('Managed policies, made in every account that uses them.'),
    people: z.record(iamName, personSchema).optional().describe('IAM users of the central account.'),
    groups: z.record(key, groupSchema).optional().describe('Groups of the central account.'),
    roles: z.record(key, roleSchema).optional().describe('Roles, and in which accounts they are.'),
    providers: z
      .record(key, providerSchema)
      .optional()
      .describe('Identity providers (OIDC and SAML) that roles may trust.'),
    passwordPolicy: passwordPolicySchema.optional().describe('What accounts demand of console passwords.'),
    guardrails: z
      .record(key, guardrailSchema)
      .optional()
      .describe('Organisation policies (SCPs and RCPs), made in the management account after everything else.'),
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
