// The tutorial's access, for all four accounts at once: people live in `central`, roles in the others.
import { defineAccess } from 'stint';

export default defineAccess({
  version: 1,
  name: 'tutorial',
  organization: 'o-stintlocal',

  variables: {
    central_id: { default: '111111111111', description: 'the account in which people live' },
  },

  accounts: {
    central: { id: '${var.central_id}', stage: 'central', central: true },
    dev: { id: '222222222222', stage: 'dev', ou: 'Workloads/Dev' },
    test: { id: '333333333333', stage: 'test', ou: 'Workloads/Test' },
    prod: { id: '444444444444', stage: 'prod', ou: 'Workloads/Prod' },
  },
  stages: ['central', 'dev', 'test', 'prod'],
  defaults: { session: '1h' },

  passwordPolicy: {
    in: ['central'],
    minimumLength: 10,
    requireUppercase: true,
    requireLowercase: true,
    requireNumbers: true,
    requireSymbols: true,
    usersMayChange: true,
    maxAgeDays: 90,
    rememberLast: 3,
  },

  policies: {
    // Without MFA a person can do nothing but set it up, and change the password given for the first sign-in.
    'deny-without-mfa': {
      description: 'Denies everything but setting up MFA while no MFA is present',
      statements: [
        {
          Sid: 'DenyWithoutMfa',
          Effect: 'Deny',
          NotAction: [
            'iam:ChangePassword',
            'iam:CreateVirtualMFADevice',
            'iam:EnableMFADevice',
            'iam:GetAccountPasswordPolicy',
            'iam:GetMFADevice',
            'iam:GetUser',
            'iam:ListMFADevices',
            'iam:ListVirtualMFADevices',
            'iam:ResyncMFADevice',
            'sts:GetSessionToken',
          ],
          Resource: '*',
          Condition: { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } },
        },
      ],
    },
  },

  groups: {
    Administrators: { managed: ['AdministratorAccess'], policies: ['deny-without-mfa'], marked: 'admin' },
    developers: {},
  },

  people: {
    Administrator: { groups: ['Administrators'], console: true },
    alice: { groups: ['developers'] },
  },

  roles: {
    test_role: {
      in: ['dev', 'test', 'prod'],
      trust: [
        { group: 'developers', except: ['dev'] },
        {
          group: 'developers',
          only: ['dev'],
          mfa: { off: true, reason: 'the people of the story have no MFA device' },
        },
      ],
      statements: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }],
    },
    app: {
      in: ['dev'],
      trust: [{ service: 'ec2.amazonaws.com' }],
      managed: ['AmazonS3ReadOnlyAccess'],
      instanceProfile: 'test_profile',
    },
  },

  outputs: {
    test_role_arn: '${role.test_role.dev.arn}',
    test_role_arn_test: '${role.test_role.test.arn}',
    test_role_arn_prod: '${role.test_role.prod.arn}',
    test_profile_arn: '${instanceProfile.test_profile.dev.arn}',
  },
});
