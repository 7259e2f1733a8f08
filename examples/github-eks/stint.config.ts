// Workloads without keys: each proves what it is, and gets a role for an hour. Nobody of `people` may become any of it.
import { defineAccess } from 'stint';

// With its ids, so that nobody who later takes the name `example/shop` gets in.
const repository = 'example@1234567/shop@7654321';
const region = 'eu-central-1';
const prod = '444444444444';

const cluster = `arn:aws:eks:${region}:${prod}:cluster/prod`;
const orders = `arn:aws:dynamodb:${region}:${prod}:table/orders`;

export default defineAccess({
  version: 1,
  name: 'github-eks',
  organization: 'o-stintlocal',

  accounts: {
    central: { id: '111111111111', stage: 'central', central: true },
    dev: { id: '222222222222', stage: 'dev' },
    test: { id: '333333333333', stage: 'test' },
    prod: { id: prod, stage: 'prod' },
  },
  stages: ['central', 'dev', 'test', 'prod'],

  // The issuer's keys are public; that it is listed here lets nobody in yet. Roles say whom they trust.
  providers: {
    github: { issuer: 'https://token.actions.githubusercontent.com', owner: 'platform' },
    'eks-prod': { issuer: `https://oidc.eks.${region}.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF` },
  },

  policies: {
    // Whatever is attached to the deploying roles by hand or by mistake: they never get further than this.
    'workload-boundary': {
      statements: [
        {
          Effect: 'Allow',
          Action: ['dynamodb:*', 'ecr:*', 'ecs:*', 'eks:*', 'logs:*', 's3:*', 'sqs:*'],
          Resource: '*',
        },
      ],
    },
  },

  roles: {
    // A job of GitHub Actions gets the account whose environment it runs in; reviewers guard `prod` at GitHub.
    deploy: {
      in: ['dev', 'test', 'prod'],
      trust: [
        { oidc: { provider: 'github', repository, environment: 'dev' }, only: ['dev'] },
        { oidc: { provider: 'github', repository, environment: 'test' }, only: ['test'] },
        { oidc: { provider: 'github', repository, environment: 'prod' }, only: ['prod'] },
      ],
      statements: [
        {
          Effect: 'Allow',
          Action: ['ecr:GetAuthorizationToken', 'eks:DescribeCluster', 'ecs:UpdateService', 's3:ListAllMyBuckets'],
          Resource: '*',
        },
      ],
      boundary: 'workload-boundary',
      session: '1h',
      owner: 'platform',
    },
    // Pull requests look, and change nothing.
    'pull-request': {
      in: ['dev'],
      trust: [{ oidc: { provider: 'github', repository, pullRequest: true } }],
      managed: ['ViewOnlyAccess'],
      session: '1h',
      owner: 'platform',
    },
    // EKS Pod Identity: these pods of this cluster only.
    'orders-api': {
      in: ['prod'],
      trust: [{ pod: { cluster, namespace: 'shop', serviceAccount: 'orders-api' } }],
      statements: [
        { Effect: 'Allow', Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'], Resource: orders },
      ],
      owner: 'shop',
    },
    // IRSA, for what does not know Pod Identity yet.
    'external-dns': {
      in: ['prod'],
      trust: [{ serviceAccount: { issuer: 'eks-prod', namespace: 'kube-system', name: 'external-dns' } }],
      statements: [
        {
          Effect: 'Allow',
          Action: 'route53:ChangeResourceRecordSets',
          Resource: 'arn:aws:route53:::hostedzone/Z0EXAMPLE',
        },
        { Effect: 'Allow', Action: ['route53:ListHostedZones', 'route53:ListResourceRecordSets'], Resource: '*' },
      ],
      owner: 'platform',
    },
    // A machine in the office, by its certificate and IAM Roles Anywhere.
    'backup-host': {
      in: ['prod'],
      trust: [
        {
          certificate: {
            anchor: `arn:aws:rolesanywhere:${region}:${prod}:trust-anchor/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9`,
            commonName: 'backup-1.office.example.com',
          },
        },
      ],
      statements: [{ Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::example-office-backup/*' }],
      owner: 'platform',
    },
    // A task of ECS.
    'nightly-report': {
      in: ['prod'],
      trust: [{ service: 'ecs-tasks.amazonaws.com' }],
      statements: [
        { Effect: 'Allow', Action: ['dynamodb:Query', 'dynamodb:Scan'], Resource: orders },
        { Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::example-reports/nightly/*' },
      ],
      owner: 'data',
    },
  },

  outputs: {
    deploy_dev: '${role.deploy.dev.arn}',
    deploy_test: '${role.deploy.test.arn}',
    deploy_prod: '${role.deploy.prod.arn}',
    orders_api: '${role.orders-api.prod.arn}',
  },
});
