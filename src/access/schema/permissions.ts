// What somebody may do: statements, managed policies, policies of the definition.
import { z } from 'zod';
import { description, narrowing, node, path, renamed, texts, who } from './parts.ts';

const conditionValue = z.union([z.string(), z.number(), z.boolean()]);

const shape = {
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']).describe('A deny beats every allow.'),
  Action: texts.optional().describe('`s3:GetObject`, `s3:Get*`; one or a list.'),
  NotAction: texts.optional().describe('Every action but these.'),
  Resource: texts.optional().describe('ARNs, with `*` and IAM variables such as `${aws:username}`.'),
  NotResource: texts.optional().describe('Every resource but these.'),
  Condition: z.record(z.string(), z.record(z.string(), z.union([conditionValue, z.array(conditionValue)]))).optional(),
  ...narrowing,
  ...who,
};

interface Elements {
  readonly Action?: unknown;
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
}

const whole = <Schema extends z.ZodType<Elements>>(schema: Schema): Schema =>
  schema
    .refine((it) => (it.Action === undefined) !== (it.NotAction === undefined), {
      error: 'needs `Action` or `NotAction`, not both',
    })
    .refine((it) => (it.Resource === undefined) !== (it.NotResource === undefined), {
      error: 'needs `Resource` or `NotResource`, not both',
    });

export const statementSchema = whole(z.strictObject(shape)).describe(
  'An IAM statement, with `only`, `except` and `expires` beside it.',
);

/** Statements of organisation policies: those of resource control policies may name everybody, whom they always mean. */
export const organizationStatementSchema = whole(
  z.strictObject({
    ...shape,
    Principal: z.literal('*', { error: 'a resource control policy binds everybody: `*`' }).optional(),
  }),
).describe('A statement of an organisation policy.');

export const permissions = {
  managed: z.array(z.string()).optional().describe('AWS managed policies by name, or any managed policy by ARN.'),
  policies: z.array(z.string()).optional().describe('Policies of this definition, by name.'),
  statements: z.array(statementSchema).optional().describe('Permissions of this one alone (an inline policy).'),
  inline: z
    .record(
      z
        .string()
        .regex(/^[\w+=,.@-]{1,128}$/, 'names of inline policies hold 1 to 128 of letters, digits and `+=,.@_-`'),
      z.array(statementSchema).min(1),
    )
    .optional()
    .describe('More inline policies, by the names they have in AWS: for what was there before Stint.'),
};

export const boundary = z
  .string()
  .describe('Permissions boundary: a policy of this definition, a managed name or ARN.');

/** Marks an entry that is meant to have everything, so that no finding says so. */
export const admin = z
  .enum(['admin', 'break-glass'])
  .describe(
    'Meant to have everything: `admin` for daily administrators, `break-glass` for the way in when all else fails, which is never removed by a plan.',
  );

export const policySchema = z.strictObject({
  path: path.optional(),
  statements: z.array(statementSchema).min(1),
  description: description.optional(),
  ...node,
  ...renamed,
});
