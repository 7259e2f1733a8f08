// What counts where an entry says nothing. Every default is on, shown by the plan, and switched off with a reason only.
import { z } from 'zod';
import { demand, limit, safeguard } from './parts.ts';

export const defaultsSchema = z
  .strictObject({
    grace: limit(
      'How long a role or user that goes is kept, able to do nothing, before an apply removes it: `7d`. 7d in production, at once elsewhere.',
    ).optional(),
    session: limit(
      'Longest session of roles that name none. 1h in production, 4h elsewhere; no role may have more than 12h.',
    ).optional(),
    mfa: safeguard('Demand MFA of people who become a role.').optional(),
    mfaMaxAge: limit(
      'How long ago the MFA sign-in of people who become a role may be. 1h in production, 8h elsewhere.',
    ).optional(),
    organizationFence: safeguard('Demand that whoever crosses accounts is of the organisation.').optional(),
    sourceIdentity: demand
      .optional()
      .describe(
        'The name that CloudTrail shows along a whole chain of roles. On: people may give one, which must be their own user name. `required`: they must.',
      ),
    imdsv2: safeguard(
      'Deny everything to credentials that an instance handed out by version 1 of its metadata service.',
    ).optional(),
    boundary: safeguard(
      'Tell of roles that can create roles or policies or pass roles, and have no boundary.',
    ).optional(),
    passRole: safeguard('Tell of `iam:PassRole` on all roles, or without `iam:PassedToService`.').optional(),
    wildcards: safeguard('Tell of everything (`*` on `*`) and of `iam:*` where no entry is marked for it.').optional(),
    accountTrust: safeguard(
      'Tell of trust in a whole account without any condition: an error in production.',
    ).optional(),
    productionExpiry: safeguard('Tell of people who may become a role in production without an end.').optional(),
  })
  .optional()
  .describe('What counts where an entry says nothing.');
