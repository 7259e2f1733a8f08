// What each finding of a definition, a plan or an import means, by its code, and what to do. The linter's own checks of
// policy documents stand in `policy/validate`.
import { defaultTexts } from './defaults.ts';

export interface FindingKind {
  /** The gravest that it is told with. */
  readonly severity: 'error' | 'warning' | 'info';
  readonly when: string;
  readonly cure: string;
}

const error = (when: string, cure: string): FindingKind => ({ severity: 'error', when, cure });
const warning = (when: string, cure: string): FindingKind => ({ severity: 'warning', when, cure });
const info = (when: string, cure: string): FindingKind => ({ severity: 'info', when, cure });

const ofDefinitions: Readonly<Record<string, FindingKind>> = {
  'bare-account-trust': error(
    'a role trusts a whole account without any condition: whoever administers that account decides who gets in',
    'trust a group, demand MFA, set `organization`, or give an `externalId` to a third party',
  ),
  'boundary-missing': warning(
    'a role may create roles or policies, or pass roles, and no permissions boundary holds it',
    'give it a `boundary` that also denies its own removal, or mark the role `admin`',
  ),
  'boundary-not-there': error(
    'a permissions boundary is a policy that is not in the account, or has ended: its bearer would be unbound',
    'widen `only` of the policy, give it another `expires`, correct its ARN, or name another boundary',
  ),
  'duplicate-name': error(
    'two things of one kind have one name to AWS in one account',
    'give one of them another `name`',
  ),
  'everything-allowed': warning(
    'something may do everything and is not marked for it',
    'name what is needed, or mark the entry: `marked: admin` or `marked: break-glass`',
  ),
  expired: warning(
    'an entry has ended: its removal is planned, and it is of no more use',
    'take it out, or give it a new `expires`',
  ),
  'expiry-not-in-policy': warning(
    'a group ends with an apply only, since no condition can be put into the policies that it carries',
    'give the group `statements` of its own, or roles to assume: those end by themselves',
  ),
  'guardrail-idle': warning(
    'a guard rail says nothing, or binds no account but the management account, so it is not made',
    'give it `statements` or `use`, or name other accounts in `on`',
  ),
  'iam-allowed': error(
    'something may do everything in IAM, which is as good as everything',
    'name what is needed, or mark the entry: `marked: admin` or `marked: break-glass`',
  ),
  'lock-out': error(
    'a person is denied everything without MFA, and also what setting MFA up, or changing a forced password, needs',
    'leave these actions out of the denial',
  ),
  'managed-policy-unknown': error(
    'a name is no AWS managed policy that this Stint knows; an error where it looks like a misprint',
    'take the name that is suggested, or give the ARN of one that AWS added lately',
  ),
  'mfa-max-age-off': info(
    'an entry of `trust` takes an MFA sign-in of any age, with a reason',
    'nothing, if it is meant',
  ),
  'mfa-off': info('an entry of `trust` demands no MFA, with a reason', 'nothing, if it is meant'),
  'not-applied': warning(
    'the definition has a part that this version reads and does not apply',
    'leave it out for now',
  ),
  nowhere: warning(
    'an entry counts in no account, because `only` and `except` leave none of those where it could',
    'widen them, or take the entry out',
  ),
  'pass-role-any-service': info(
    '`iam:PassRole` is not held to the services that the role is meant for',
    'put a condition on `iam:PassedToService`',
  ),
  'pass-role-wide': warning(
    '`iam:PassRole` is allowed on any role, so whoever has it becomes any role',
    'name the roles in `Resource` and the services in a condition on `iam:PassedToService`',
  ),
  'policy-arn-misprint': error('the ARN of a managed policy is none', 'take the ARN that is suggested'),
  'policy-empty': error(
    'a policy is used in an account in which none of its statements counts',
    'widen `only`, or use the policy elsewhere only',
  ),
  'policy-too-large': error(
    'a policy has more characters than AWS takes',
    'split it, or move statements to `policies`',
  ),
  'policy-unused': warning(
    'a policy is used by nothing that is where it is, so it is made in no account',
    'use it, or take it out',
  ),
  'production-without-end': info(
    'people may become a role of production for ever',
    'give the entry `expires`, or lend the role for an hour instead',
  ),
  'session-long': info('the sessions of a role are longer than the default of its stage', 'nothing, if it is meant'),
  'source-identity-off': info('an entry of `trust` takes no source identity, with a reason', 'nothing, if it is meant'),
  'too-many-policies': error(
    'something carries more managed policies than AWS takes; a warning where the quota can be raised',
    'join policies, or ask AWS for more',
  ),
  'too-many-tags': error(
    'something has more tags than AWS takes, with the marks by which Stint knows its own',
    'take some out of its `tags`',
  ),
  'trust-cycle': warning(
    'roles trust each other in a ring: whoever is one of them renews the sessions of all, for ever',
    'take one of the entries out of `trust`',
  ),
  'trust-not-narrowed': warning(
    'a group has too many people to name each in a trust policy, so any user of the central account passes that fence and the group policy alone decides',
    'split the group, or let the role trust a smaller one',
  ),
  ...Object.fromEntries(
    Object.entries(defaultTexts).map(([name, text]) => [
      `default-off-${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      warning(`\`defaults.${name}\` is off, so it does not hold that ${text}`, 'take the entry out of `defaults`'),
    ]),
  ),
};

const ofPlans: Readonly<Record<string, FindingKind>> = {
  'account-left-behind': warning(
    'an account was taken out of the definition, and what the definition made there stays',
    'put the entry back, `stint destroy --account NAME`, then take it out',
  ),
  'policy-missing': error(
    'something carries a customer policy by ARN that the account has not, or that is of another account',
    'make it with `policies`, correct the ARN, or take it out',
  ),
  'provider-missing': warning(
    'a role trusts an OIDC or SAML provider that the account has not and the definition does not make',
    'add it to `providers`',
  ),
  'admin-by-definition': info(
    'an administrator by the word of the definition (`marked`) comes with this plan, so what it can do is no way up',
    'nothing, if it is meant',
  ),
  'caller-locked-out': error(
    'whoever makes the change has no way to administer an account afterwards',
    'keep a role there that this caller may assume, let somebody else apply, or go on with `--allow-lock-out`',
  ),
  'deleted-principal': warning(
    'a role trusts the id of somebody who was deleted; one of the same name made since is not trusted',
    'apply writes the trust anew',
  ),
  escalation: warning(
    'somebody newly can give himself more than his policies say, by the steps told; `perhaps` where it hangs on something that Stint cannot see',
    'narrow one of the statements to what is meant, or bound the role with a permissions boundary; `stint explain` tells each way up by its name',
  ),
  'executor-changed': error(
    'the role by which an account is entered would be changed or removed',
    'leave it as it is; with another way in at the ready, `--allow-lock-out` goes on',
  ),
  'foreign-resource': error(
    'something of a wanted name exists and is not of this definition',
    '`stint import ACCOUNT/KIND/NAME` takes it over, or give another `name`',
  ),
  'guardrails-unread': warning(
    'AWS does not show the guard rails of the organisation: a plan does not see those left over, and an answer about live access hangs on them',
    'allow the reads that `stint doctor --executor-policy --read-only` prints, with `--live` for answers about live access, or use the management account',
  ),
  misplaced: error(
    'something is spelled otherwise in AWS, or has another path, and AWS cannot rename it',
    'spell it as it is, or take it out, apply, and put it in again',
  ),
  'no-administrator': error(
    'no user would be an administrator of an account, nor could become one',
    'keep one user or role with `AdministratorAccess` that a person can reach',
  ),
  'no-break-glass': error(
    'the way in when all else fails would no longer administer an account',
    'leave the break-glass user and its way in as they are',
  ),
  'not-management': error(
    'guard rails are wanted where AWS makes none: not in the management account, or AWS does not tell the organisation',
    'mark that account with `management: true`, and use its credentials',
  ),
  observed: info(
    'something is as wanted, but was not made by Stint: it is only watched',
    '`stint import ACCOUNT/KIND/NAME` takes it over',
  ),
  'observed-drift': warning(
    'something that is only watched is not as it is written',
    'write it as it is, or take `mode: observe` out to have it put right',
  ),
  'pending-deletion': info(
    'something goes after a time of grace, and can do nothing until then',
    'put it back to have it as before; `stint destroy --now` removes everything at once',
  ),
  'policy-in-use': error(
    'a policy is to go that something still carries which Stint did not make',
    'detach it there first, or keep the policy',
  ),
  protected: error(
    'something protected is not wanted any more',
    'put its entry back, take `protect` out of it and apply; after that it can go',
  ),
  'unit-unknown': error(
    'a guard rail names a unit that the organisation has not',
    'units are named from the root, as in `Workloads/Prod`',
  ),
  'user-locked-out': error(
    'a person could no longer set MFA up, or change a password, without MFA',
    'leave these actions out of what is denied without MFA, and allow them on `${aws:username}`',
  ),
};

const ofQuestions: Readonly<Record<string, FindingKind>> = {
  'key-grants-unread': warning(
    'the grants of the KMS key that was asked about could not be read, and one of them may allow what no policy does',
    'allow the reads that `stint doctor --executor-policy --live` prints',
  ),
  'resource-missing': warning(
    'AWS says that there is no such resource as was asked about',
    'see whether its name, region and account are as meant',
  ),
  'resource-policy-unread': warning(
    'the policy of what was asked about could not be read, so the answer hangs on it',
    'give it with `--resource-policy FILE`, or allow the reads that `stint doctor --executor-policy --live` prints',
  ),
};

const ofImports: Readonly<Record<string, FindingKind>> = {
  'account-unreadable': warning(
    'an account was not read, so nothing of it was taken over',
    'the caller needs `iam:Get*` and `iam:List*` there',
  ),
  'not-adopted': error('something that was named could not be taken over, for the reason told', 'as the finding says'),
  'not-taken-over': warning(
    'something is left where it is, since no definition can say it or it says nothing',
    'write it by hand, or change it in AWS first',
  ),
  'import-incomplete': warning(
    'something in AWS cannot be said as it is by the definition that was made of it',
    'change the definition until its plan is empty, before the first apply',
  ),
  'outside-central': warning(
    'people and groups of a definition live in the central account only',
    'give the person a role in this account, and remove the user',
  ),
  'seen-partly': warning('something could not be read whole, so it was not taken over', 'give what is missing as well'),
  'secret-in-state': warning(
    'a state of Terraform holds a secret; it was not read, and whoever reads the state has it',
    'rotate it, and make it outside of Terraform',
  ),
  'several-definitions': warning(
    'the accounts hold things of more than one definition, and nothing says which one to read back',
    'name it: `stint init --from-aws --name NAME`',
  ),
  'terraform-account-unknown': warning(
    'nothing tells in which account a resource of Terraform lies',
    'give a plan, which names providers, or name the account in the provider',
  ),
  'terraform-carrier-elsewhere': warning(
    'something of Terraform hangs on what its file does not hold',
    'give the state that holds it as well',
  ),
  'terraform-exclusive-attachment': warning(
    'an attachment takes a policy away from everyone whom it does not name',
    'attach it carrier by carrier',
  ),
  'terraform-incomplete': warning(
    'a plan of Terraform does not show everything that is there',
    'give the state as well',
  ),
  'terraform-not-read': warning('resources of Terraform of a type that is not read', 'write what they say by hand'),
  'terraform-policy-broken': error(
    'an attribute of Terraform is no policy that can be read',
    'mend it in Terraform first',
  ),
  'terraform-raw-state': warning(
    'a raw state was given, whose format nobody promises',
    'give what `terraform show -json` prints',
  ),
  'terraform-sensitive': warning(
    'an attribute is marked as sensitive in Terraform, so it was not read',
    'write it by hand, or take the mark off: a policy is no secret',
  ),
  'terraform-unknown': info(
    'something of a plan of Terraform is known only after its apply, so it was not judged',
    'judge the state after the apply as well',
  ),
};

/** Every code of a finding that is not the linter's. */
export const findingKinds: Readonly<Record<string, FindingKind>> = {
  ...ofDefinitions,
  ...ofPlans,
  ...ofQuestions,
  ...ofImports,
};
