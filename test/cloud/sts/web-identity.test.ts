import * as Iam from '@aws-sdk/client-iam';
import * as Organizations from '@aws-sdk/client-organizations';
import * as Sts from '@aws-sdk/client-sts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { allow, central, clientsOf, dev, document, keysOf, refused, trust } from '../iam/clients.ts';
import { control } from '../support.ts';
import { testToken } from './issuer.ts';
import {
  anySubject,
  arnOf,
  everything,
  github,
  host,
  startWebIdentities,
  type WebIdentities,
} from './web-identities.ts';

let cloud: WebIdentities['cloud'];
let admin: WebIdentities['admin'];
let makeRole: WebIdentities['makeRole'];
let assume: WebIdentities['assume'];
let fromGithub: WebIdentities['fromGithub'];
before(async () => {
  ({ cloud, admin, makeRole, assume, fromGithub } = await startWebIdentities());
});
after(() => cloud.stop());

test('a token of GitHub, as the test issuer signs it, becomes a session of the role', async () => {
  const Condition = {
    StringEquals: { [`${host}:aud`]: 'sts.amazonaws.com' },
    StringLike: { [`${host}:sub`]: 'repo:acme/app:*' },
  };
  const role = await makeRole('deploy', arnOf(github), { Condition });
  const answer = await assume(role, await fromGithub());
  assert.equal(answer.SubjectFromWebIdentityToken, 'repo:acme/app:ref:refs/heads/main');
  assert.equal(answer.Audience, 'sts.amazonaws.com');
  assert.equal(answer.Provider, arnOf(github));
  assert.equal(answer.AssumedRoleUser!.Arn, `arn:aws:sts::${dev}:assumed-role/deploy/build`);
  const session = clientsOf(cloud, keysOf(answer.Credentials!));
  assert.equal((await session.sts.send(new Sts.GetCallerIdentityCommand({}))).Arn, answer.AssumedRoleUser!.Arn);
  const stranger = await fromGithub({}, { subject: 'repo:other/app:ref:refs/heads/main' });
  await refused(assume(role, stranger), 'AccessDenied', /^Not authorized to perform sts:AssumeRoleWithWebIdentity$/);
});

test('a refusal is explained by the claim that did not fit', async () => {
  const role = await makeRole('explained', arnOf(github), { Condition: { StringEquals: { [`${host}:ref`]: 'main' } } });
  await refused(assume(role, await fromGithub({ ref: 'other' })), 'AccessDenied', 'Not authorized');
  const { events } = (await control(cloud, 'GET', 'events?limit=1000')).body as {
    events: { explainId: string | null }[];
  };
  const { body } = await control(cloud, 'GET', `explain/${events.at(-1)!.explainId}`);
  assert.match(
    body['cure'] as string,
    /`token\.actions\.githubusercontent\.com:ref` wants `main`, the request has `other`/,
  );
  assert.doesNotMatch(body['cure'] as string, /or its account/);
});

test('claims that AWS knows of an issuer are keys, and no others', async () => {
  const on = (key: string, value: string) => ({ Condition: { StringEquals: { [`${host}:${key}`]: value } } });
  const known = await makeRole('known-claim', arnOf(github), on('repository', 'acme/app'));
  const unknown = await makeRole('unknown-claim', arnOf(github), on('run_id', '7'));
  const token = await fromGithub({ repository: 'acme/app', run_id: '7' });
  await assume(known, token);
  await refused(assume(unknown, token), 'AccessDenied', 'Not authorized');
  await refused(assume(known, await fromGithub({ repository: 'acme/other' })), 'AccessDenied', 'Not authorized');
});

test('the trust policy must name the provider and the action, and a role that is not there is told from no other', async () => {
  const token = await fromGithub();
  const elsewhere = await makeRole('elsewhere', arnOf('https://other.example.com'));
  const otherAction = await makeRole('other-action', arnOf(github), { Action: 'sts:AssumeRoleWithSAML' });
  for (const role of [elsewhere, otherAction, `arn:aws:iam::${dev}:role/absent`]) {
    await refused(assume(role, token), 'AccessDenied', /^Not authorized to perform sts:AssumeRoleWithWebIdentity$/);
  }
  await refused(assume(`arn:aws:iam::${dev}:user/admin`, token), 'ValidationError', 'Request ARN is invalid');
  const abroad = `arn:aws:iam::${central}:role/any`;
  await refused(
    assume(abroad, token),
    'InvalidIdentityToken',
    `No OpenIDConnect provider found in your account for ${github}`,
  );
});

test('tokens are refused that are none, of no issuer known, for another audience, too old or too new', async () => {
  const role = await makeRole('strict', arnOf(github));
  await refused(assume(role, 'not.a.token'), 'InvalidIdentityToken', 'The ID Token provided is not a valid JWT.');
  await refused(assume(role, 'opaque'), 'InvalidIdentityToken', 'not a valid JWT');
  const foreign = await testToken(cloud, { issuer: 'https://unknown.example.com' });
  await refused(
    assume(role, foreign),
    'InvalidIdentityToken',
    /^No OpenIDConnect provider found in your account for https:\/\/unknown\.example\.com$/,
  );
  await refused(
    assume(role, await fromGithub({}, { audience: 'other' })),
    'InvalidIdentityToken',
    /^Incorrect token audience$/,
  );
  await refused(assume(role, await fromGithub({ azp: 'other' })), 'InvalidIdentityToken', 'Incorrect token audience');
  await assume(role, await fromGithub({ azp: 'sts.amazonaws.com' }, { audience: 'other' }));
  await assume(role, await fromGithub({}, { audience: ['other', 'sts.amazonaws.com'] }));
  const now = Math.floor(cloud.clock.now() / 1000);
  await refused(assume(role, await fromGithub({ exp: now - 301 })), 'ExpiredToken', 'Token expired: current date/time');
  await refused(assume(role, await fromGithub({ nbf: now + 3600 })), 'InvalidIdentityToken', 'not valid yet');
});

test('a token expires by the emulated clock, five minutes late', async () => {
  await using own = await startCloud();
  // Times of a token are whole seconds: on a clock that goes on, its last second may have gone before it is used.
  own.clock.freeze(true);
  const iam = clientsOf(own, dev).iam;
  await iam.send(new Iam.CreateOpenIDConnectProviderCommand({ Url: github, ClientIDList: ['sts.amazonaws.com'] }));
  const AssumeRolePolicyDocument = trust(
    { Federated: arnOf(github) },
    { Action: everything[0], Condition: anySubject },
  );
  const { Role } = await iam.send(new Iam.CreateRoleCommand({ RoleName: 'timed', AssumeRolePolicyDocument }));
  const WebIdentityToken = await testToken(own, { issuer: github, subject: 'repo:acme/app', expiresIn: '10m' });
  const { sts } = clientsOf(own, dev);
  const input = { RoleArn: Role!.Arn!, RoleSessionName: 'build', WebIdentityToken };
  own.clock.advance(899_000);
  await sts.send(new Sts.AssumeRoleWithWebIdentityCommand(input));
  own.clock.advance(1000);
  await refused(sts.send(new Sts.AssumeRoleWithWebIdentityCommand(input)), 'ExpiredToken', 'Token expired');
});

test('the key of the test issuer outlives a reset', async () => {
  await using own = await startCloud();
  const token = await testToken(own, { issuer: github });
  await control(own, 'POST', 'reset');
  const kid = (text: string) =>
    (JSON.parse(Buffer.from(text.split('.')[0]!, 'base64url').toString()) as { kid: string }).kid;
  assert.equal(kid(await testToken(own, { issuer: github })), kid(token));
});

test('session tags and a source identity come from the token, and want their permissions in the trust policy', async () => {
  const claims = {
    'https://aws.amazon.com/tags': { principal_tags: { Team: ['blue'] }, transitive_tag_keys: ['Team'] },
    'https://aws.amazon.com/source_identity': 'octocat',
  };
  const bare = await makeRole('bare', arnOf(github));
  await refused(assume(bare, await fromGithub(claims)), 'AccessDenied', 'Not authorized to perform sts:TagSession');
  const { 'https://aws.amazon.com/tags': _, ...identityOnly } = claims;
  await refused(assume(bare, await fromGithub(identityOnly)), 'AccessDenied', 'sts:SetSourceIdentity');
  const Condition = {
    StringEquals: { 'aws:RequestTag/Team': 'blue', 'sts:SourceIdentity': 'octocat' },
    'ForAllValues:StringEquals': { 'aws:TagKeys': ['Team'], 'sts:TransitiveTagKeys': ['Team'] },
  };
  const tagging = await makeRole('tagging', arnOf(github), { Action: everything, Condition });
  const answer = await assume(tagging, await fromGithub(claims));
  assert.equal(answer.SourceIdentity, 'octocat');
  assert.ok(answer.PackedPolicySize! > 0);
  const onTag = { Condition: { StringEquals: { 'aws:PrincipalTag/Team': 'blue', 'aws:SourceIdentity': 'octocat' } } };
  const next = await admin.iam.send(
    new Iam.CreateRoleCommand({
      RoleName: 'next',
      AssumeRolePolicyDocument: trust(
        { AWS: tagging },
        { Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'], ...onTag },
      ),
    }),
  );
  const session = clientsOf(cloud, keysOf(answer.Credentials!));
  await session.sts.send(new Sts.AssumeRoleCommand({ RoleArn: next.Role!.Arn!, RoleSessionName: 'chained' }));
  const flat = {
    'https://aws.amazon.com/tags/principal_tags/Team': 'blue',
    'https://aws.amazon.com/tags/transitive_tag_keys': ['Team'],
    'https://aws.amazon.com/source_identity': 'octocat',
  };
  await assume(tagging, await fromGithub(flat));
  await refused(
    assume(tagging, await fromGithub({ ...flat, 'https://aws.amazon.com/source_identity': 'a b' })),
    'InvalidIdentityToken',
    'Source Identity must match',
  );
  await refused(
    assume(tagging, await fromGithub({ 'https://aws.amazon.com/tags': { principal_tags: { Team: ['a', 'b'] } } })),
    'InvalidIdentityToken',
    'tags',
  );
});

test('a session that a provider vouched for tells which, and keeps its subject as a key', async () => {
  const role = await makeRole('telling', arnOf(github));
  const Condition = {
    StringEquals: { 'aws:FederatedProvider': arnOf(github), [`${host}:sub`]: 'repo:acme/app:ref:refs/heads/main' },
  };
  await admin.iam.send(
    new Iam.PutRolePolicyCommand({
      RoleName: 'telling',
      PolicyName: 'own',
      PolicyDocument: document(allow('iam:ListUsers', '*', { Condition })),
    }),
  );
  const one = clientsOf(cloud, keysOf((await assume(role, await fromGithub())).Credentials!));
  await one.iam.send(new Iam.ListUsersCommand({}));
  const other = clientsOf(
    cloud,
    keysOf((await assume(role, await fromGithub({}, { subject: 'repo:acme/other' }))).Credentials!),
  );
  await refused(other.iam.send(new Iam.ListUsersCommand({})), 'AccessDenied', 'no identity-based policy');
});

test('trust in an issuer that many share is saved only when it says whose tokens it takes', async () => {
  const create = (Federated: string, Condition: object) =>
    admin.iam.send(
      new Iam.CreateRoleCommand({
        RoleName: 'open',
        AssumeRolePolicyDocument: trust({ Federated }, { Action: everything[0], Condition }),
      }),
    );
  const audience = { StringEquals: { [`${host}:aud`]: 'sts.amazonaws.com' } };
  await refused(create(arnOf(github), audience), 'MalformedPolicyDocument', `${host}:sub`);
  await refused(
    create(arnOf(github), { Null: { [`${host}:sub`]: 'false' } }),
    'MalformedPolicyDocument',
    `${host}:sub`,
  );
  const cognito = 'cognito-identity.amazonaws.com';
  await refused(
    create(cognito, { StringEquals: { [`${cognito}:sub`]: 'a' } }),
    'MalformedPolicyDocument',
    `${cognito}:aud`,
  );
  await refused(
    create('not a domain', audience),
    'MalformedPolicyDocument',
    'Federated principals must be valid domain names or SAML metadata ARNs',
  );
  await create(arnOf(github), anySubject);
  const PolicyDocument = trust({ Federated: arnOf(github) }, { Action: everything[0], Condition: audience });
  await refused(
    admin.iam.send(new Iam.UpdateAssumeRolePolicyCommand({ RoleName: 'open', PolicyDocument })),
    'MalformedPolicyDocument',
    `${host}:sub`,
  );
});

test('durations and session policies are those of a role session', async () => {
  const role = await makeRole('bounded', arnOf(github));
  const token = await fromGithub();
  const { Credentials } = await assume(role, token);
  assert.equal(Math.round((Credentials!.Expiration!.getTime() - cloud.clock.now()) / 60_000), 60);
  await assume(role, token, { DurationSeconds: 7200 });
  await refused(
    assume(role, token, { DurationSeconds: 7201 }),
    'ValidationError',
    'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
  );
  await refused(assume(role, token, { DurationSeconds: 899 }), 'ValidationError', '900');
  await refused(assume(role, token, { Policy: '{' }), 'MalformedPolicyDocument');
  const { PackedPolicySize } = await assume(role, token, { Policy: document(allow('s3:*')) });
  assert.ok(PackedPolicySize! > 0);
});

test('Google and Cognito are known without an entry; azp goes before aud', async () => {
  const Condition = { StringEquals: { 'accounts.google.com:aud': 'my-app', 'accounts.google.com:oaud': 'backend' } };
  const role = await makeRole('google', 'accounts.google.com', { Condition });
  const google = (order: object) => testToken(cloud, { issuer: 'https://accounts.google.com', ...order });
  const answer = await assume(role, await google({ audience: 'backend', claims: { azp: 'my-app' } }));
  assert.deepEqual([answer.Provider, answer.Audience], ['accounts.google.com', 'my-app']);
  await refused(assume(role, await google({ audience: 'backend' })), 'AccessDenied', 'Not authorized');
  const cognito = 'cognito-identity.amazonaws.com';
  const amr = {
    StringEquals: { [`${cognito}:aud`]: 'us-east-1:pool' },
    'ForAnyValue:StringLike': { [`${cognito}:amr`]: 'authenticated' },
  };
  const pooled = await makeRole('pooled', cognito, { Condition: amr });
  const ofPool = (value: string) =>
    testToken(cloud, {
      issuer: `https://${cognito}`,
      audience: 'us-east-1:pool',
      claims: { amr: [value, 'provider'] },
    });
  await assume(pooled, await ofPool('authenticated'));
  await refused(assume(pooled, await ofPool('unauthenticated')), 'AccessDenied', 'Not authorized');
});

test('access tokens of Amazon and Facebook go with their ProviderId', async () => {
  const Condition = { StringEquals: { 'www.amazon.com:app_id': 'my-app', 'www.amazon.com:user_id': 'alice' } };
  const role = await makeRole('amazon', 'www.amazon.com', { Condition });
  const token = await testToken(cloud, { issuer: 'www.amazon.com', audience: 'my-app' });
  const answer = await assume(role, token, { ProviderId: 'www.amazon.com' });
  assert.equal(answer.Provider, 'www.amazon.com');
  await refused(assume(role, token, { ProviderId: 'graph.facebook.com' }), 'IDPRejectedClaim');
  await refused(assume(role, 'opaque', { ProviderId: 'www.amazon.com' }), 'IDPRejectedClaim');
  await refused(assume(role, token, { ProviderId: 'login.example.com' }), 'ValidationError', 'ProviderId');
  await refused(assume(role, token), 'InvalidIdentityToken', 'No OpenIDConnect provider found');
});

test('a resource control policy binds what an identity provider vouches for', async () => {
  const { organizations } = clientsOf(cloud, central);
  const PolicyType = 'RESOURCE_CONTROL_POLICY';
  const { Roots } = await organizations.send(new Organizations.ListRootsCommand({}));
  await organizations.send(new Organizations.EnablePolicyTypeCommand({ RootId: Roots![0]!.Id!, PolicyType }));
  const role = await makeRole('guarded', arnOf(github));
  const denial = {
    Effect: 'Deny',
    Principal: '*',
    Action: 'sts:AssumeRoleWithWebIdentity',
    Resource: role,
    Condition: { StringNotLike: { [`${host}:sub`]: 'repo:acme/*' } },
  };
  const { Policy } = await organizations.send(
    new Organizations.CreatePolicyCommand({
      Type: PolicyType,
      Name: 'guard',
      Description: '',
      Content: document(denial),
    }),
  );
  await organizations.send(
    new Organizations.AttachPolicyCommand({ PolicyId: Policy!.PolicySummary!.Id!, TargetId: dev }),
  );
  await assume(role, await fromGithub());
  await refused(assume(role, await fromGithub({}, { subject: 'repo:other/app' })), 'AccessDenied', 'Not authorized');
});
