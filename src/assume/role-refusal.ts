// What to do when AWS refuses AssumeRole: which policy refused, as far as AWS's sentence says it. Pure.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html

export interface RoleRefusal {
  readonly role: string;
  /** ARN of the caller, where AWS names it. */
  readonly caller: string | undefined;
  readonly message: string;
  /** A code went along. */
  readonly withMfa: boolean;
}

/** `arn:aws:iam::222222222222:role/x` in account `222222222222`. */
function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

/** The action that was refused: passing tags or a source identity needs one of its own. */
function actionOf(message: string): string {
  return /perform: (sts:\w+)/.exec(message)?.[1] ?? 'sts:AssumeRole';
}

function whoOf({ caller }: RoleRefusal): string {
  return caller === undefined ? 'the caller' : `\`${caller}\``;
}

function trustCure(refusal: RoleRefusal): string {
  const { role, message } = refusal;
  const action = actionOf(message) === 'sts:AssumeRole' ? '' : `, and allow ${actionOf(message)}`;
  return `the trust policy of \`${role}\` must name ${whoOf(refusal)}${action} and its conditions (MFA, external id, session name, tags) must hold`;
}

function permissionCure(refusal: RoleRefusal): string {
  const { caller, role, message } = refusal;
  const same = caller !== undefined && accountOf(caller) === accountOf(role);
  return `a policy of ${whoOf(refusal)} must allow ${actionOf(message)} on the role${same ? ', unless the trust policy names that user or role itself' : ''}`;
}

function mfaCure({ withMfa }: RoleRefusal): string {
  return withMfa ? '' : '; if the trust asks for MFA, set mfa_serial in the profile or give --mfa-serial';
}

interface Reason {
  readonly policy: RegExp;
  readonly cure: (refusal: RoleRefusal) => string;
}

/** By the kind of policy that AWS says lacks an allow. */
const reasons: readonly Reason[] = [
  {
    policy: /^identity-based polic/,
    cure: (refusal) => `the identity policy refused, not the trust policy: ${permissionCure(refusal)}`,
  },
  {
    // A trust policy is the resource-based policy of a role; AWS uses either name.
    policy: /^(?:role trust policy|resource-based polic)/,
    cure: (refusal) => `the trust policy refused: ${trustCure(refusal)}${mfaCure(refusal)}`,
  },
  {
    policy: /./,
    cure: ({ message }) =>
      `a limit refused, which no identity or trust policy can widen: the ${missingIn(message)} must allow ${actionOf(message)} as well`,
  },
];

/** `because no identity-based policy allows the sts:AssumeRole action` names the kind. */
function missingIn(message: string): string | undefined {
  return /because no (.+?) allows? the/i.exec(message)?.[1];
}

/** The next action for a role that was refused. */
export function roleCure(refusal: RoleRefusal): string {
  const explicit = /explicit deny in (?:an? )?([^.]+)/i.exec(refusal.message)?.[1];
  if (explicit !== undefined)
    return `an explicit deny in ${explicit} decides: no allow can outweigh it, it has to be changed or its condition met`;
  const missing = missingIn(refusal.message);
  const reason = missing === undefined ? undefined : reasons.find(({ policy }) => policy.test(missing));
  if (reason !== undefined) return reason.cure(refusal);
  return `two things must say yes: (1) ${permissionCure(refusal)}; (2) ${trustCure(refusal)}${mfaCure(refusal)}; and the role must exist`;
}
