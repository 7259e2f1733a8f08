// The parts that every entry of a definition is made of: texts, durations, dates, names, selectors, and what may
// stand beside any entry.
import { z } from 'zod';

const durationPattern = /^(?:\d+(?:\.\d+)?(?:s|m|h|d))+$/;
const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const iamNamePattern = /^[\w+=,.@-]{1,64}$/;
const datePattern = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)?$/;

export const variable = String.raw`\$\{var\.[A-Za-z_]\w*\}`;

export const texts = z.union([z.string(), z.array(z.string()).min(1)], { error: 'expected a text or a list of texts' });

export const duration = z
  .string()
  .regex(durationPattern, 'expected a duration such as `30m`, `1h` or `1h30m`')
  .describe('A duration: `30m`, `1h`, `1h30m`.');

export const accounts = z.array(z.string().describe('The name of an account of this definition.'));

export const date = z
  .string()
  .regex(datePattern, 'expected a date such as `2027-01-01` or `2027-01-01T09:00:00Z`')
  .refine((text) => {
    // A day that a month does not have is taken for one of the next month.
    const instant = Date.parse(text);
    return !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(text.slice(0, 10));
  }, 'there is no such day')
  .describe('Ends on this day (00:00 UTC) or at this instant.');

export const reason = z.string().min(3, 'a reason says why, in words');

const switchedOff = z.strictObject({ off: z.literal(true), reason });

/** `true`, or switched off with a written reason. A bare `false` is refused. */
export const safeguard = (what: string) =>
  z
    .union([z.literal(true), switchedOff], {
      error: `expected \`true\`, or \`{ off: true, reason: "…" }\` to switch it off`,
    })
    .describe(what);

/** `true`, or `required`, or switched off with a written reason. */
export const demand = z.union([z.literal(true), z.literal('required'), switchedOff], {
  error: 'expected `true`, `required`, or `{ off: true, reason: "…" }` to switch it off',
});

/** A duration, or switched off with a written reason. */
export const limit = (what: string) =>
  z
    .union([duration, switchedOff], {
      error: 'expected a duration such as `1h`, or `{ off: true, reason: "…" }` to switch it off',
    })
    .describe(what);

// What IAM takes in tags and descriptions (IAM API, Tag and CreateRole).
const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const tagRule = 'tags hold letters, digits, spaces and `_.:/=+-@`';
export const tags = z.record(
  z.string().min(1).max(128).regex(tagText, tagRule),
  z.string().max(256).regex(tagText, tagRule),
);

export const description = z
  .string()
  .max(1000)
  .regex(/^[\t\n\r\u0020-\u007E\u00A1-\u00FF]*$/, 'AWS takes only Latin-1 letters in a description');

export const iamName = z.string().regex(iamNamePattern, 'IAM names hold 1 to 64 of letters, digits and `+=,.@_-`');

export const path = z
  .string()
  .max(512)
  .regex(/^\/(?:[!-~]+\/)?$/, 'a path begins and ends with `/`')
  .describe('Path in AWS, for what was there before Stint. AWS changes it for nothing but people.');

/** Names of instance profiles may be twice as long as those of roles (IAM quotas). */
export const profileName = z
  .string()
  .regex(/^[\w+=,.@-]{1,128}$/, 'names of instance profiles hold 1 to 128 of letters, digits and `+=,.@_-`');

export const key = z
  .string()
  .regex(namePattern, 'names begin with a letter and hold up to 64 letters, digits, `_`, `.` and `-`');

export const selectorSchema = z
  .union(
    [
      accounts,
      z.strictObject({
        name: texts.optional().describe('Names of accounts; `*` stands for any letters: `shop-*`.'),
        stage: texts.optional(),
        ou: texts.optional().describe('Organizational unit, with everything below it: `Workloads/Prod`.'),
        tag: tags.optional(),
        except: accounts.optional(),
      }),
    ],
    { error: 'expected a list of account names, or a map of `stage`, `ou`, `tag`, `except`' },
  )
  .describe('Which accounts: names, or whatever fits all of `name`, `stage`, `ou` and `tag`.');

/** Where an entry counts. */
export const narrowing = {
  only: accounts.optional().describe('Only in these of the accounts.'),
  except: accounts.optional().describe('In none of these accounts.'),
};

/** Why an entry is there, until when, and who answers for it. */
export const who = {
  owner: z.string().min(1).max(256).regex(tagText, tagRule).optional().describe('Who answers for it.'),
  reason: reason.optional().describe('Why it is there.'),
  expires: date
    .optional()
    .describe(
      'Ends on this day (00:00 UTC) or at this instant, twice: by a time condition that AWS itself checks, and by being removed by the next apply after it.',
    ),
};

/** What may stand beside everything that Stint makes in AWS. */
export const node = {
  ...narrowing,
  ...who,
  protect: z
    .literal(true, { error: 'expected `true`; leave it out to protect nothing' })
    .optional()
    .describe(
      'No plan removes it, whatever becomes of its entry: first take `protect` out and apply, then remove the entry.',
    ),
  mode: z
    .enum(['exclusive', 'additive', 'observe'])
    .optional()
    .describe(
      '`exclusive` (if absent): it is as written here, and what others attached to it goes. `additive`: what others attached stays. `observe`: never written, differences are only told.',
    ),
};

/** For things that have a name of their own in AWS. */
export const renamed = {
  was: iamName
    .optional()
    .describe(
      'Its former name in AWS. People and groups are renamed; everything else is made anew, and the old one goes when nothing refers to it any more.',
    ),
};
