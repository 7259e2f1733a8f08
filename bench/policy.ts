// Decisions per second on one core: a role session with 3 policies, 40 statements (conditions, variables, wildcards),
// documents compiled once, every request with its own resource and context. Run it with `node bench/policy.ts`; it prints the median and the best of the runs.
import {
  compilePolicy,
  contextOf,
  evaluate,
  preparePrincipal,
  type AttachedPolicy,
  type AuthorizationRequest,
  type Principal,
} from '../src/policy/index.ts';

const account = '111111111111';
const principal: Principal = {
  type: 'AssumedRole',
  account,
  arn: `arn:aws:sts::${account}:assumed-role/developer/alice`,
  roleArn: `arn:aws:iam::${account}:role/developer`,
  roleId: 'AROADEVELOPER00000001',
  sessionName: 'alice',
  serviceLinked: false,
};

function attach(name: string, statements: readonly object[]): AttachedPolicy {
  const text = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  return { arn: `arn:aws:iam::${account}:policy/${name}`, policy: compilePolicy(text, 'identity') };
}

const services = ['s3', 'ec2', 'dynamodb', 'sqs', 'sns', 'lambda', 'logs', 'kms', 'secretsmanager', 'ssm'];

/** 20 + 15 + 5 statements. */
function policies(): AttachedPolicy[] {
  const daily = services.flatMap((service, index) => [
    { Effect: 'Allow', Action: [`${service}:List*`, `${service}:Describe*`], Resource: '*' },
    {
      Effect: 'Allow',
      Action: [`${service}:Get*`, `${service}:Put*`],
      Resource: [
        `arn:aws:${service}:*:${account}:app-${index}/*`,
        `arn:aws:${service}:::team-\${aws:PrincipalTag/team}/*`,
      ],
      Condition: {
        StringEquals: { 'aws:RequestedRegion': ['us-east-1', 'eu-west-1'] },
        Bool: { 'aws:SecureTransport': 'true' },
      },
    },
  ]);
  const projects = services.flatMap((service) => [
    {
      Effect: 'Allow',
      Action: `${service}:*`,
      Resource: `arn:aws:${service}:*:*:project/*/shared-?/*`,
      Condition: { StringLike: { 'aws:ResourceTag/project': ['apollo*', 'gemini-*'] } },
    },
    ...(['s3', 'sqs', 'kms', 'ssm', 'logs'].includes(service)
      ? [
          {
            Effect: 'Allow',
            NotAction: 'iam:*',
            Resource: '*',
            Condition: { DateGreaterThan: { 'aws:CurrentTime': '2030-01-01' } },
          },
        ]
      : []),
  ]);
  const guard = [
    { Effect: 'Deny', Action: ['iam:*', 'organizations:*'], Resource: '*' },
    {
      Effect: 'Deny',
      NotAction: 'iam:*',
      Resource: '*',
      Condition: { NotIpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '192.0.2.0/24'] } },
    },
    {
      Effect: 'Deny',
      Action: '*:Delete*',
      Resource: '*',
      Condition: { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } },
    },
    {
      Effect: 'Deny',
      Action: '*',
      Resource: 'arn:aws:s3:::secret-*/*',
      Condition: { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/admin*' } },
    },
    {
      Effect: 'Deny',
      Action: 'ec2:RunInstances',
      Resource: '*',
      Condition: { 'ForAnyValue:StringNotEquals': { 'aws:TagKeys': ['project', 'team'] } },
    },
  ];
  return [attach('daily', daily), attach('projects', projects), attach('guard', guard)];
}

const verbs = ['ListThings', 'GetObject', 'PutObject', 'DeleteObject', 'DescribeThings', 'CreateThing', 'UpdateThing'];

function question(index: number): { action: string; arn: string; context: Record<string, string | string[]> } {
  const service = services[index % services.length]!;
  const action = `${service}:${verbs[(index >> 1) % verbs.length]}`;
  const arns = [
    `arn:aws:${service}:us-east-1:${account}:app-${index % services.length}/item-${index}`,
    `arn:aws:${service}:::team-blue/reports/${index}.csv`,
    `arn:aws:${service}:eu-west-1:${account}:project/p${index}/shared-${index % 10}/file-${index}`,
    `arn:aws:s3:::secret-${index}/key`,
  ];
  return {
    action,
    arn: arns[(index >> 2) % arns.length]!,
    context: {
      'aws:PrincipalArn': `arn:aws:iam::${account}:role/developer`,
      'aws:PrincipalAccount': account,
      'aws:PrincipalTag/team': index % 3 === 0 ? 'blue' : 'green',
      'aws:userid': 'AROADEVELOPER00000001:alice',
      'aws:SourceIp': index % 7 === 0 ? `198.51.100.${index % 256}` : `10.1.2.${index % 256}`,
      'aws:SecureTransport': 'true',
      'aws:RequestedRegion': index % 5 === 0 ? 'ap-south-1' : 'us-east-1',
      'aws:CurrentTime': '2026-11-24T12:00:00Z',
      'aws:MultiFactorAuthPresent': index % 2 === 0 ? 'true' : 'false',
      'aws:ResourceTag/project': index % 4 === 0 ? 'apollo-11' : `other-${index}`,
      'aws:TagKeys': ['project', 'team'],
    },
  };
}

const prepared = preparePrincipal({ identity: policies(), scps: [] });
const statements = prepared.source.identity.reduce((sum, { policy }) => sum + policy.statements.length, 0);

function requestOf(index: number): AuthorizationRequest {
  const { action, arn, context } = question(index);
  return { principal, policies: prepared, action, resource: { arn, account, rcps: [] }, context: contextOf(context) };
}

const count = 20_000;
const runs = 15;

/** Decisions per second: of the median run, and of the best one, which other work on the machine disturbs least. */
interface Rate {
  readonly median: number;
  readonly best: number;
  readonly allowed: number;
}

function rate(work: () => number): Rate {
  let allowed = work();
  const times = Array.from({ length: runs }, () => {
    const from = performance.now();
    allowed = work();
    return performance.now() - from;
  }).sort((a, b) => a - b);
  return { median: (count / times[runs >> 1]!) * 1000, best: (count / times[0]!) * 1000, allowed };
}

const requests = Array.from({ length: count }, (_, index) => requestOf(index));
const decided = rate(() => requests.filter((request) => evaluate(request).decision === 'allow').length);
const built = rate(() => {
  let allowed = 0;
  for (let index = 0; index < count; index++) if (evaluate(requestOf(index)).decision === 'allow') allowed += 1;
  return allowed;
});

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const shown = ({ median, best }: Rate): string => `${whole(median)} decisions/s (best run ${whole(best)})`;
const mix = `${Math.round((decided.allowed / count) * 100)} % allowed`;
console.log(
  `policy: ${prepared.source.identity.length} policies, ${statements} statements, ${count} different requests, ${mix}, median of ${runs} runs`,
);
console.log(`policy: ${shown(decided)}`);
console.log(`policy: ${shown(built)} with building each request and its context`);
