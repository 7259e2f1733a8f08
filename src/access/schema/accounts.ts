// Accounts, what they demand of passwords, whose tokens they believe, and the guard rails of the organisation.
import { z } from 'zod';
import { description, node, renamed, safeguard, selectorSchema, tags, texts, variable } from './parts.ts';
import { organizationStatementSchema } from './permissions.ts';

export const accountName = z
  .string()
  .regex(/^[A-Za-z][\w-]{0,63}$/, 'names of accounts begin with a letter and hold letters, digits, `_` and `-`');

export const accountSchema = z.strictObject({
  id: z
    .string({ error: 'an account id is 12 digits in quotes' })
    .regex(new RegExp(String.raw`^(?:\d{12}|${variable})$`), 'an account id is 12 digits in quotes')
    .describe('The 12 digits, in quotes.'),
  stage: z.string().min(1).describe('Label that selectors and waves use: `dev`, `prod`.'),
  central: z.boolean().optional().describe('The account in which people live. Exactly one has it.'),
  management: z
    .boolean()
    .optional()
    .describe('The management account of the organisation, where guard rails are made. The central one if absent.'),
  ou: z.string().optional().describe('Where it lies in the organisation: `Workloads/Prod`.'),
  tags: tags.optional(),
});

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
  ...node,
});

const issuer = z
  .string()
  .regex(
    /^(?:https:\/\/)?[A-Za-z0-9.-]+(?::\d+)?(?:\/[\w./~-]*)?$/,
    'an issuer is an address such as `https://token.actions.githubusercontent.com`',
  );

/** What an OIDC provider may be otherwise in some of its accounts. */
const oidcMembers = {
  audiences: z
    .array(z.string().min(1).max(255))
    .max(100)
    .optional()
    .describe(
      'Of an OIDC provider: the client ids it takes. `sts.amazonaws.com` if absent; with none (`[]`) no token is taken.',
    ),
  thumbprints: z
    .array(z.string().regex(/^[0-9A-Fa-f]{40}$/, 'a thumbprint is a SHA-1 of 40 hexadecimal digits'))
    .max(5)
    .optional()
    .describe("Of an OIDC provider: SHA-1 of the issuer's certificate authority, where AWS does not know it itself."),
};

const providerPerSchema = z
  .strictObject({ in: selectorSchema, ...oidcMembers, tags: tags.optional() })
  .describe('What the provider is otherwise in these of its accounts: each member takes the place of the one above.');

export const providerSchema = z
  .strictObject({
    in: selectorSchema.optional().describe('In which accounts it is made. Wherever a role trusts it, if absent.'),
    issuer: issuer.optional().describe('Of an OIDC provider: the address of the issuer.'),
    ...oidcMembers,
    per: z
      .array(providerPerSchema)
      .optional()
      .describe(
        'Where the provider differs, by accounts: an issuer has one entry, and each account its own audiences. Of two that fit, the later wins.',
      ),
    saml: z
      .string()
      .min(1000, 'the metadata document of a SAML provider has 1,000 to 10,000,000 characters')
      .optional()
      .describe("Of a SAML provider: its metadata document (XML), from the identity provider's pages."),
    name: z
      .string()
      .regex(/^[\w.-]{1,128}$/, 'names of SAML providers hold 1 to 128 of letters, digits and `._-`')
      .optional()
      .describe('Of a SAML provider: its name in AWS, when it is not its name here.'),
    tags: tags.optional(),
    ...node,
    ...renamed,
  })
  .refine((it) => (it.issuer === undefined) !== (it.saml === undefined), {
    error: 'needs `issuer` (OIDC) or `saml` (a metadata document), not both',
  })
  .describe('An identity provider whose tokens the accounts believe.');

/** The guard rails that Stint brings along, by name. */
export const guardrailNames = [
  'imdsv2',
  'deny-leave-organization',
  'deny-root',
  'deny-users',
  'protect-stint',
  'protect-cloudtrail',
  'require-organization',
] as const;

export const guardrailSchema = z
  .strictObject({
    on: z
      .union([selectorSchema, z.literal('organization')], {
        error: 'expected account names, a map of `stage`, `ou`, `tag`, `except`, or `organization`',
      })
      .describe(
        'Where it binds. `{ ou: … }` alone attaches it to the unit, `organization` to the root, anything else to each account. The management account is never bound.',
      ),
    type: z
      .enum(['scp', 'rcp'])
      .describe('`scp` binds what identities of the accounts may do, `rcp` what may be done with their resources.'),
    use: z
      .array(z.enum(guardrailNames))
      .optional()
      .describe('Guard rails that Stint brings along, by name. One whose entry has such a name needs nothing more.'),
    statements: z.array(organizationStatementSchema).optional().describe('Statements of its own; denies, as a rule.'),
    executorExempt: safeguard(
      'The role through which Stint acts is exempt from every deny, so that Stint can mend what it made.',
    ).optional(),
    exempt: texts.optional().describe('ARNs of more principals whom its denies spare; `*` stands for any letters.'),
    description: description.optional(),
    name: z.string().min(1).max(128).optional().describe('Its name in AWS. `stint-DEFINITION-NAME` if absent.'),
    tags: tags.optional(),
    ...node,
    ...renamed,
  })
  .describe('An organisation policy: what nobody in these accounts can do, whatever else is allowed.');
