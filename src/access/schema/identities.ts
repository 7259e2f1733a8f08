// Roles, people and groups.
import { z } from 'zod';
import {
  description,
  duration,
  iamName,
  node,
  path,
  profileName,
  renamed,
  selectorSchema,
  tags,
  who,
} from './parts.ts';
import { admin, boundary, permissions } from './permissions.ts';
import { trustSchema } from './trust.ts';

const session = duration
  .optional()
  .describe('Longest session, 1h to 12h. 1h in production and 4h elsewhere, unless `defaults.session` says otherwise.');

/** What a role may be otherwise in some of its accounts. */
const perSchema = z
  .strictObject({
    in: selectorSchema,
    trust: z.array(trustSchema).min(1, 'a role that nobody may become is of no use').optional(),
    ...permissions,
    session,
    boundary: boundary.optional(),
    description: description.optional(),
    tags: tags.optional(),
    ...who,
  })
  .describe('What the role is otherwise in these of its accounts: each member takes the place of the one above.');

export const roleSchema = z.strictObject({
  in: selectorSchema,
  path: path.optional(),
  name: iamName.optional().describe("The role's name in AWS, when it is not its name here."),
  trust: z.array(trustSchema).min(1, 'a role that nobody may become is of no use'),
  ...permissions,
  session,
  boundary: boundary.optional(),
  per: z.array(perSchema).optional().describe('Where the role differs, by accounts. Of two that fit, the later wins.'),
  instanceProfile: z
    .union([z.literal(true), profileName], { error: 'expected the name of an instance profile, or `true`' })
    .optional()
    .describe('Wraps the role for EC2: the name of the instance profile, or `true` for the name of the role.'),
  marked: admin.optional(),
  description: description.optional(),
  tags: tags.optional(),
  ...node,
  ...renamed,
});

const reach = {
  only: node.only.describe('Only the roles of these accounts trust them.'),
  except: node.except.describe('No role of these accounts trusts them.'),
};

export const personSchema = z.strictObject({
  path: path.optional(),
  groups: z.array(z.string()).optional().describe('Groups of this definition, by name.'),
  ...permissions,
  boundary: boundary.optional(),
  console: z.boolean().optional().describe('Has a console password, to be changed at the first sign-in.'),
  marked: admin.optional(),
  tags: tags.optional(),
  ...node,
  ...reach,
  ...renamed,
});

export const groupSchema = z.strictObject({
  ...permissions,
  marked: admin.optional(),
  ...node,
  ...reach,
  ...renamed,
});
