// Explanations: what they name, and the cure they propose.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compilePolicy,
  contextOf,
  explain,
  preparePrincipal,
  renderTrace,
  type AttachedPolicy,
  type AuthorizationRequest,
  type Principal,
  type PrincipalPolicies,
  type ResourceSide,
} from '../../src/policy/index.ts';

const alice: Principal = {
  type: 'User',
  account: '111111111111',
  arn: 'arn:aws:iam::111111111111:user/alice',
  userId: 'AIDAALICE000000000001',
  userName: 'alice',
};

function policy(arn: string, ...statements: readonly object[]): AttachedPolicy {
  return { arn, policy: compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }), 'identity') };
}

const read = { Sid: 'Read', Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::photos/*' };
const needsMfa = {
  Sid: 'NeedsMfa',
  Effect: 'Deny',
  Action: '*',
  Resource: '*',
  Condition: { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } },
};

function ask(
  policies: Partial<PrincipalPolicies>,
  changes: Partial<AuthorizationRequest> = {},
  side: Partial<ResourceSide> = {},
): AuthorizationRequest {
  return {
    principal: alice,
    policies: preparePrincipal({ identity: [], scps: [], ...policies }),
    action: 's3:GetObject',
    resource: { arn: 'arn:aws:s3:::photos/cat.jpg', account: '111111111111', rcps: [], ...side },
    context: contextOf({}),
    ...changes,
  };
}

test('an allow names the statement that allowed', () => {
  const trace = explain(ask({ identity: [policy('arn:p', read)] }));
  assert.equal(trace.decision, 'allow');
  assert.deepEqual(
    { type: trace.decidedBy.type, arn: trace.decidedBy.policyArn, sid: trace.decidedBy.sid },
    { type: 'identity', arn: 'arn:p', sid: 'Read' },
  );
  assert.equal(trace.cure, 'nothing to do: the request is allowed');
});

test('an explicit deny names its condition with the value wanted and the value seen', () => {
  const request = ask(
    { identity: [policy('arn:p', read), policy('arn:guard', needsMfa)] },
    { context: contextOf({ 'aws:MultiFactorAuthPresent': false }) },
  );
  const trace = explain(request);
  assert.equal(trace.decidedBy.explicit, true);
  assert.equal(
    trace.cure,
    'statement `NeedsMfa` of `arn:guard` denies it: make a request for which its condition does not hold (`BoolIfExists` on `aws:MultiFactorAuthPresent` wants `false`, the request has `false`), or have whoever owns the policy change it',
  );
});

test('an explicit deny without condition can only be lifted by its owner', () => {
  const trace = explain(ask({ identity: [policy('arn:guard', { Effect: 'Deny', Action: 's3:*', Resource: '*' })] }));
  assert.equal(
    trace.cure,
    'statement number 1 of `arn:guard` denies it: have whoever owns the policy exempt this request; no Allow can outweigh a Deny',
  );
});

test('a missing identity policy says what to allow, and which statement came nearest', () => {
  const none = explain(ask({}));
  assert.deepEqual(none.decidedBy, { type: 'identity', explicit: false });
  assert.equal(
    none.cure,
    'allow `s3:GetObject` on `arn:aws:s3:::photos/cat.jpg` in an identity-based policy of `arn:aws:iam::111111111111:user/alice`',
  );
  const condition = { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } };
  const near = explain(
    ask({
      identity: [
        policy('arn:p', { ...read, Resource: 'arn:aws:s3:::other/*' }, { ...read, Sid: 'Eu', Condition: condition }),
      ],
    }),
  );
  assert.match(
    near.cure,
    /^statement `Read` of `arn:p` allows the action but does not apply: it names `arn:aws:s3:::other\/\*`; or allow /,
  );
  const wrong = { ...read, Sid: 'Far', Resource: 'arn:aws:s3:::other/*', Condition: condition };
  assert.match(
    explain(ask({ identity: [policy('arn:p', wrong, { ...read, Condition: condition })] })).cure,
    /^statement `Read`/,
  );
  const unmet = explain(ask({ identity: [policy('arn:p', { ...read, Condition: condition })] }));
  assert.match(
    unmet.cure,
    /does not apply: `StringEquals` on `aws:RequestedRegion` wants `eu-west-1`, the request has none; or allow/,
  );
});

test('each policy type that can be missing has its own cure', () => {
  const identity = [policy('arn:p', read)];
  const other = policy('arn:b', { Effect: 'Allow', Action: 'sqs:*', Resource: '*' });
  const bucket = (Principal: unknown): AttachedPolicy => ({
    policy: compilePolicy(JSON.stringify({ Statement: { ...read, Principal } }), 'resource'),
  });
  const trust: AttachedPolicy = {
    policy: compilePolicy(
      '{"Statement":{"Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"sts:AssumeRole"}}',
      'trust',
    ),
  };
  const foreign = { AWS: '333333333333' };
  const cures: readonly (readonly [AuthorizationRequest, RegExp])[] = [
    [ask({ identity, boundary: other }), /^allow .* in the permissions boundary `arn:b`$/],
    [ask({ identity, session: [other] }), /in the session policy passed when the session was made$/],
    [ask({ identity, scps: [[other]] }), /in a service control policy of every level/],
    [ask({ identity }, {}, { rcps: [[]] }), /in a resource control policy of every level/],
    [ask({ identity }, {}, { account: '222222222222' }), /^name `.*alice` or its account in the resource-based policy/],
    [
      ask({ identity }, {}, { policy: { kind: 'key', attached: bucket(foreign) } }),
      /its principal is `333333333333`; or name `.*alice` or its account in the key policy/,
    ],
    [
      ask(
        {},
        { action: 'sts:AssumeRole' },
        { arn: 'arn:aws:iam::111111111111:role/x', policy: { kind: 'trust', attached: trust } },
      ),
      /in the trust policy of `arn:aws:iam::111111111111:role\/x`, with `sts:AssumeRole`$/,
    ],
    [
      ask(
        { identity },
        {
          principal: {
            type: 'FederatedUser',
            account: '111111111111',
            arn: 'arn:aws:sts::111111111111:federated-user/g',
            name: 'g',
            issuerArn: alice.arn,
          },
        },
      ),
      /^pass a session policy when asking for the federation token/,
    ],
  ];
  for (const [request, cure] of cures) {
    const trace = explain(request);
    assert.equal(trace.decision, 'deny');
    assert.match(trace.cure, cure);
  }
});

test('between accounts the cure names what both sides lack', () => {
  const other = { arn: 'arn:aws:s3:::photos/cat.jpg', account: '222222222222' };
  const theirs: AttachedPolicy = {
    policy: compilePolicy(JSON.stringify({ Statement: { ...read, Principal: { AWS: '111111111111' } } }), 'resource'),
  };
  assert.match(
    explain(ask({}, {}, other)).cure,
    /^allow .* in an identity-based policy of .*; the resource is of another account, `222222222222`, which must allow it too: name `.*alice` or its account in the resource-based policy/,
  );
  const half = explain(ask({}, {}, { ...other, policy: { kind: 'resource', attached: theirs } })).cure;
  assert.match(half, /in an identity-based policy of/);
  assert.doesNotMatch(half, /another account/);
});

test('one document in two places decides in one of them', () => {
  const both = policy('arn:both', { Effect: 'Deny', Action: 's3:*', Resource: '*' });
  const trace = explain(ask({ identity: [both], boundary: both }));
  assert.deepEqual(
    trace.policies.map((each) => [each.type, each.statements.map((one) => one.decides)]),
    [
      ['identity', [true]],
      ['boundary', [false]],
    ],
  );
});

test('a statement for somebody else does not apply', () => {
  const other = { ...read, Principal: { AWS: 'arn:aws:iam::111111111111:user/bob' } };
  const attached: AttachedPolicy = { policy: compilePolicy(JSON.stringify({ Statement: other }), 'resource') };
  const trace = explain(ask({}, {}, { policy: { kind: 'resource', attached } }));
  const [statement] = trace.policies[0]!.statements;
  assert.equal(statement!.applies, false);
  assert.deepEqual(statement!.principal, {
    matched: false,
    not: false,
    wanted: ['arn:aws:iam::111111111111:user/bob'],
    seen: 'arn:aws:iam::111111111111:user/alice',
  });
});

test('the trace shows every policy and statement, and why each applied or not', () => {
  const trace = explain(
    ask(
      {
        identity: [policy('arn:p', read, { Effect: 'Allow', Action: 'sqs:*', Resource: '*' })],
        scps: [[policy('arn:scp', { Effect: 'Allow', Action: '*', Resource: '*' })]],
      },
      { context: contextOf({ 'aws:username': 'alice' }) },
    ),
  );
  assert.deepEqual(trace.request.context, { 'aws:username': 'alice' });
  assert.deepEqual(
    trace.policies.map((each) => [
      each.type,
      each.level,
      each.statements.map((one) => [one.applies, one.decides, one.action.matched]),
    ]),
    [
      ['scp', 0, [[true, false, true]]],
      [
        'identity',
        undefined,
        [
          [true, true, true],
          [false, false, false],
        ],
      ],
    ],
  );
  assert.deepEqual(trace.policies[1]!.statements[0]!.resource, {
    matched: true,
    not: false,
    wanted: ['arn:aws:s3:::photos/*'],
    seen: 'arn:aws:s3:::photos/cat.jpg',
  });
  assert.deepEqual(JSON.parse(JSON.stringify(trace)).decision, 'allow');
});

test('the trace as text can be read from top to bottom', () => {
  const request = ask(
    {
      identity: [
        policy('arn:p', read, { Effect: 'Allow', Action: 'sqs:*', Resource: '*' }),
        policy('arn:guard', needsMfa),
      ],
    },
    { context: contextOf({ 'aws:MultiFactorAuthPresent': 'false' }) },
  );
  assert.equal(
    renderTrace(explain(request)),
    [
      'arn:aws:iam::111111111111:user/alice asks s3:GetObject on arn:aws:s3:::photos/cat.jpg',
      'denied by statement `NeedsMfa` of `arn:guard`',
      'context:',
      '  aws:multifactorauthpresent = false',
      'policies:',
      '  identity-based policy arn:p',
      '    Allow Read: applies',
      '      yes Action `s3:GetObject`, asked `s3:GetObject`',
      '      yes Resource `arn:aws:s3:::photos/*`, asked `arn:aws:s3:::photos/cat.jpg`',
      '    1 other statement: another action',
      '  identity-based policy arn:guard',
      '    Deny NeedsMfa: applies and decides',
      '      yes Action `*`, asked `s3:GetObject`',
      '      yes Resource `*`, asked `arn:aws:s3:::photos/cat.jpg`',
      '      yes `BoolIfExists` on `aws:MultiFactorAuthPresent` wants `false`, the request has `false`',
      'cure: statement `NeedsMfa` of `arn:guard` denies it: make a request for which its condition does not hold (`BoolIfExists` on `aws:MultiFactorAuthPresent` wants `false`, the request has `false`), or have whoever owns the policy change it',
    ].join('\n'),
  );
  assert.match(
    renderTrace(explain(ask({}, { action: 'sts:GetCallerIdentity' }))),
    /\nallowed: the action needs no permission\npolicies:\n {2}none\n/,
  );
});
