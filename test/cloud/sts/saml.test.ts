import * as Iam from '@aws-sdk/client-iam';
import * as Sts from '@aws-sdk/client-sts';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { allow, central, clientsOf, dev, document, keysOf, refused, trust, type Clients } from '../iam/clients.ts';
import { makeCertificate } from './certificate.ts';
import { encoded, entityId, metadataOf, responseXml, samlResponse, signedXml, type Saying } from './saml.ts';

let cloud: Cloud;
let admin: Clients;
let unsigned: Sts.STSClient;
before(async () => {
  cloud = await startCloud();
  admin = clientsOf(cloud, dev);
  await makeProvider('Corporate');
  unsigned = clientsOf(cloud, { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'none' }).sts;
});
after(() => cloud.stop());

const provider = `arn:aws:iam::${dev}:saml-provider/Corporate`;
const roleArn = (name: string) => `arn:aws:iam::${dev}:role/${name}`;

async function makeProvider(Name: string, SAMLMetadataDocument = metadataOf(entityId), more = {}): Promise<void> {
  await admin.iam.send(new Iam.CreateSAMLProviderCommand({ Name, SAMLMetadataDocument, ...more }));
}

async function makeRole(RoleName: string, more: Parameters<typeof trust>[1] = {}): Promise<string> {
  const AssumeRolePolicyDocument = trust({ Federated: provider }, { Action: 'sts:AssumeRoleWithSAML', ...more });
  await admin.iam.send(new Iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument, MaxSessionDuration: 7200 }));
  return roleArn(RoleName);
}

const pair = (role: string, principal = provider) => `${role},${principal}`;
const say = (role: string, more: Partial<Saying> = {}): Saying => ({
  now: cloud.clock.now(),
  roles: [pair(role)],
  ...more,
});

function assume(RoleArn: string, SAMLAssertion: string, more: Partial<Sts.AssumeRoleWithSAMLCommandInput> = {}) {
  return unsigned.send(new Sts.AssumeRoleWithSAMLCommand({ RoleArn, PrincipalArn: provider, SAMLAssertion, ...more }));
}

const minutesOf = ({ Credentials }: Sts.AssumeRoleWithSAMLCommandOutput) =>
  Math.round((Credentials!.Expiration!.getTime() - cloud.clock.now()) / 60_000);

test('a signed assertion becomes a session of the role, and the answer tells whose', async () => {
  const role = await makeRole('engineer');
  const answer = await assume(role, samlResponse(say(role)));
  assert.equal(answer.AssumedRoleUser!.Arn, `arn:aws:sts::${dev}:assumed-role/engineer/alice`);
  assert.deepEqual([answer.Subject, answer.SubjectType, answer.Issuer], ['alice-id', 'persistent', entityId]);
  assert.equal(answer.Audience, 'https://signin.aws.amazon.com/saml');
  const qualifier = createHash('sha1').update(`${entityId}${dev}/Corporate`).digest('base64');
  assert.equal(answer.NameQualifier, qualifier);
  assert.equal(minutesOf(answer), 60);
  const session = clientsOf(cloud, keysOf(answer.Credentials!));
  assert.equal((await session.sts.send(new Sts.GetCallerIdentityCommand({}))).Arn, answer.AssumedRoleUser!.Arn);
  await assume(role, encoded(signedXml(responseXml(say(role)), 'Response')));
  await assume(role, samlResponse(say(role, { roles: [`${provider}, ${role}`] })));
});

test('what the assertion says is in the keys of the trust policy', async () => {
  const Condition = {
    StringEquals: {
      'saml:aud': 'https://signin.aws.amazon.com/saml',
      'saml:iss': entityId,
      'saml:sub': 'alice-id',
      'saml:sub_type': 'persistent',
      'saml:doc': `${dev}/Corporate`,
      'saml:edupersonprincipalname': 'alice@example.com',
      'sts:RoleSessionName': 'alice',
      'aws:FederatedProvider': provider,
    },
    'ForAnyValue:StringEquals': { 'saml:edupersonaffiliation': 'staff' },
  };
  const role = await makeRole('conditional', { Condition });
  const attributes = (affiliations: string[]) => ({
    'urn:oid:1.3.6.1.4.1.5923.1.1.1.1': affiliations,
    'urn:oid:1.3.6.1.4.1.5923.1.1.1.6': 'alice@example.com',
  });
  await assume(role, samlResponse(say(role, { attributes: attributes(['student', 'staff']) })));
  const student = samlResponse(say(role, { attributes: attributes(['student']) }));
  await refused(assume(role, student), 'AccessDenied', /^Not authorized to perform sts:AssumeRoleWithSAML$/);
});

test('subject and name qualifier stay in the session', async () => {
  const role = await makeRole('lasting');
  const Condition = { StringEquals: { 'saml:sub': 'alice-id', 'aws:FederatedProvider': provider } };
  const PolicyDocument = document(allow('iam:ListUsers', '*', { Condition }));
  await admin.iam.send(new Iam.PutRolePolicyCommand({ RoleName: 'lasting', PolicyName: 'own', PolicyDocument }));
  const { Credentials } = await assume(role, samlResponse(say(role)));
  await clientsOf(cloud, keysOf(Credentials!)).iam.send(new Iam.ListUsersCommand({}));
});

test('tags and a source identity want their permissions in the trust policy', async () => {
  const attributes = { 'PrincipalTag:Team': 'blue', TransitiveTagKeys: ['Team'], SourceIdentity: 'alice' };
  const bare = await makeRole('untagged');
  await refused(
    assume(bare, samlResponse(say(bare, { attributes }))),
    'AccessDenied',
    'Not authorized to perform sts:TagSession',
  );
  const identity = samlResponse(say(bare, { attributes: { SourceIdentity: 'alice' } }));
  await refused(assume(bare, identity), 'AccessDenied', 'Not authorized to perform sts:SetSourceIdentity');
  const Action = ['sts:AssumeRoleWithSAML', 'sts:TagSession', 'sts:SetSourceIdentity'];
  const Condition = { StringEquals: { 'aws:RequestTag/Team': 'blue', 'sts:SourceIdentity': 'alice' } };
  const role = await makeRole('tagged', { Action, Condition });
  const answer = await assume(role, samlResponse(say(role, { attributes })));
  assert.equal(answer.SourceIdentity, 'alice');
  assert.ok(answer.PackedPolicySize! > 0);
});

test('the provider may shorten a session, and the role bounds it', async () => {
  const role = await makeRole('brief');
  const lasting = (more: Partial<Saying>, input: Partial<Sts.AssumeRoleWithSAMLCommandInput> = {}) =>
    assume(role, samlResponse(say(role, more)), input);
  assert.equal(minutesOf(await lasting({ attributes: { SessionDuration: '1800' } })), 30);
  assert.equal(minutesOf(await lasting({ attributes: { SessionDuration: '43200' } })), 60);
  assert.equal(minutesOf(await lasting({ sessionFor: 1_200_000 }, { DurationSeconds: 7200 })), 20);
  await refused(lasting({}, { DurationSeconds: 7201 }), 'ValidationError', 'exceeds the MaxSessionDuration');
  await refused(lasting({ attributes: { SessionDuration: '10' } }), 'InvalidIdentityToken', 'SessionDuration');
});

/** Name → what the response says otherwise, and how it is refused. */
const wrong: Readonly<Record<string, readonly [Partial<Saying>, code: string, message: string]>> = {
  'of another issuer': [
    { issuer: 'https://other.example.com' },
    'InvalidIdentityToken',
    'Issuer not present in specified provider',
  ],
  'of failure': [{ status: 'Requester' }, 'InvalidIdentityToken', 'success'],
  'for another audience': [
    { audience: 'https://example.com' },
    'InvalidIdentityToken',
    'Response does not contain the required audience.',
  ],
  'for another recipient': [{ recipient: 'https://signin.example.com/saml' }, 'InvalidIdentityToken', 'recipient'],
  'that is past': [{ goodFor: -1 }, 'ExpiredToken', 'Token must be redeemed within 5 minutes of issuance'],
  'issued more than five minutes ago': [{ issuedAgo: 301_000, goodFor: 900_000 }, 'ExpiredToken', 'within 5 minutes'],
  'of the future': [{ notBeforeIn: 3_600_000, goodFor: 7_200_000 }, 'InvalidIdentityToken', 'not valid yet'],
  'whose session is over': [{ sessionFor: -1 }, 'ExpiredToken', 'ended'],
  'without a role': [{ roles: [] }, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithSAML'],
  'for another role': [{ roles: [pair(roleArn('other'))] }, 'AccessDenied', 'Not authorized'],
  'without a name': [{ nameId: '' }, 'AccessDenied', 'Not authorized'],
  'without a session name': [
    { attributes: { RoleSessionName: [] } },
    'InvalidIdentityToken',
    'RoleSessionName is required in AuthnResponse',
  ],
  'with a bad session name': [
    { attributes: { RoleSessionName: 'John Doe' } },
    'InvalidIdentityToken',
    'RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}',
  ],
  'with a bad source identity': [
    { attributes: { SourceIdentity: 'a b' } },
    'InvalidIdentityToken',
    'Source Identity must match',
  ],
  'with two values of a tag': [
    { attributes: { 'PrincipalTag:Team': ['a', 'b'] } },
    'InvalidIdentityToken',
    'more than one value',
  ],
};
for (const [name, [more, code, message]] of Object.entries(wrong)) {
  test(`a response ${name} is refused`, async () => {
    const role = await makeRole(name.replace(/ /g, '-').slice(0, 64));
    await refused(assume(role, samlResponse(say(role, more))), code, message);
  });
}

test('responses for AWS by its other addresses are taken', async () => {
  const role = await makeRole('addressed');
  const recipients = ['https://us-west-2.signin.aws.amazon.com/saml', 'https://signin.aws.amazon.com/static/saml'];
  for (const recipient of recipients) {
    const response = samlResponse(say(role, { recipient, audience: 'https://signin.aws.amazon.com/saml' }));
    assert.equal((await assume(role, response)).Audience, recipient);
  }
  await assume(role, samlResponse(say(role, { audience: undefined })));
});

test('what is not the provider’s signature is refused: none, a stranger’s, a changed text', async () => {
  const role = await makeRole('signed');
  const plain = responseXml(say(role));
  const stranger = samlResponse(say(role), makeCertificate('stranger'));
  const changed = signedXml(plain, 'Assertion').replace('alice-id', 'mallory');
  for (const response of [encoded(plain), stranger, encoded(changed)]) {
    await refused(assume(role, response), 'InvalidIdentityToken', /^Response signature invalid$/);
  }
});

test('an assertion wrapped around a signed one does not speak for it', async () => {
  const admins = await makeRole('admins');
  const role = await makeRole('wrapped');
  const good = signedXml(responseXml(say(role)), 'Assertion');
  const [signedPart] = /<Assertion.*<\/Assertion>/s.exec(good)!;
  const evil = /<Assertion.*<\/Assertion>/s.exec(responseXml(say(admins)))![0].replace('ID="_assertion"', 'ID="_evil"');
  const inside = (content: string) => good.replace(signedPart, content);
  const [signature] = /<Signature.*<\/Signature>/s.exec(signedPart)!;
  const attempts = {
    before: inside(evil + signedPart),
    behind: inside(signedPart + evil),
    around: inside(evil.replace('</Assertion>', `${signedPart}</Assertion>`)),
    'with its signature': inside(
      evil.replace('<Subject>', `${signature}<Subject>`) + signedPart.replace(signature, ''),
    ),
    'with its signature and an object': inside(
      evil.replace(
        '<Subject>',
        `${signature.replace('</Signature>', `<Object>${signedPart.replace(signature, '')}</Object></Signature>`)}<Subject>`,
      ),
    ),
    'of the same id': inside(evil.replace('ID="_evil"', 'ID="_assertion"') + signedPart),
  };
  for (const [name, xml] of Object.entries(attempts)) {
    await assert.rejects(assume(admins, encoded(xml)), (error: Error) => {
      assert.match(error.name, /^(?:InvalidIdentityToken|AccessDenied)/, `${name}: ${error.message}`);
      return true;
    });
  }
});

test('a response that is deep or has many assertions is refused in time', async () => {
  const role = await makeRole('costly');
  const good = signedXml(responseXml(say(role)), 'Assertion');
  const [signedPart] = /<Assertion.*<\/Assertion>/s.exec(good)!;
  const deep = good.replace('<Subject>', `${'<a>'.repeat(8000)}${'</a>'.repeat(8000)}<Subject>`);
  const many = good.replace(signedPart, signedPart.repeat(15));
  for (const xml of [deep, many]) {
    await refused(assume(role, encoded(xml)), 'InvalidIdentityToken', 'Response signature invalid');
  }
});

test('a comment inside a name does not cut it', async () => {
  const role = await makeRole('commented', { Condition: { StringEquals: { 'saml:sub': 'alice' } } });
  const nameId = '<NameID>alice<!-- x -->.mallory</NameID>';
  await refused(assume(role, samlResponse(say(role, { nameId }))), 'AccessDenied', 'Not authorized');
});

test('texts that are no response are refused in time', async () => {
  const role = roleArn('engineer');
  const bomb = `<!DOCTYPE a [<!ENTITY b "${'x'.repeat(1000)}"><!ENTITY c "${'&b;'.repeat(100)}">]><a>&c;</a>`;
  const deep = '<a>'.repeat(10_000) + '</a>'.repeat(10_000);
  for (const text of ['', 'text', '<a/>', '<a', bomb, deep]) {
    const response = text === '' ? '%%%%' : encoded(text);
    await refused(assume(role, response), 'InvalidIdentityToken', 'Invalid');
  }
  await refused(assume(role, 'a'.repeat(100_001)), 'ValidationError', '100000');
});

test('the provider must be there, in the account of the role, and within its metadata’s time', async () => {
  const role = await makeRole('placed');
  const response = samlResponse(say(role));
  const gone = `arn:aws:iam::${dev}:saml-provider/Gone`;
  await refused(
    assume(role, response, { PrincipalArn: gone }),
    'InvalidIdentityToken',
    "Specified provider doesn't exist",
  );
  await refused(
    assume(role, response, { PrincipalArn: `arn:aws:iam::${dev}:user/admin` }),
    'ValidationError',
    'Principal ARN is invalid',
  );
  await refused(
    assume(`arn:aws:iam::${central}:role/any`, response),
    'InvalidIdentityToken',
    "Specified provider doesn't exist",
  );
  await refused(assume(roleArn('absent'), samlResponse(say(roleArn('absent')))), 'AccessDenied', 'Not authorized');
  await makeProvider('Expired', metadataOf(entityId, { validUntil: '2020-01-01T00:00:00Z' }));
  const expired = `arn:aws:iam::${dev}:saml-provider/Expired`;
  const ofExpired = samlResponse(say(role, { roles: [pair(role, expired)] }));
  await refused(assume(role, ofExpired, { PrincipalArn: expired }), 'InvalidIdentityToken', 'metadata');
  await makeProvider('Sealed', undefined, { AssertionEncryptionMode: 'Required' });
  const sealed = `arn:aws:iam::${dev}:saml-provider/Sealed`;
  const ofSealed = samlResponse(say(role, { roles: [pair(role, sealed)] }));
  await refused(assume(role, ofSealed, { PrincipalArn: sealed }), 'InvalidIdentityToken', 'encrypted');
});

test('a renewed certificate takes the place of the old one', async () => {
  const role = await makeRole('renewed');
  const next = makeCertificate('next');
  await makeProvider('Renewed');
  const PrincipalArn = `arn:aws:iam::${dev}:saml-provider/Renewed`;
  const AssumeRolePolicyDocument = trust({ Federated: PrincipalArn }, { Action: 'sts:AssumeRoleWithSAML' });
  await admin.iam.send(
    new Iam.UpdateAssumeRolePolicyCommand({ RoleName: 'renewed', PolicyDocument: AssumeRolePolicyDocument }),
  );
  const saying = () => say(role, { roles: [pair(role, PrincipalArn)] });
  await assume(role, samlResponse(saying()), { PrincipalArn });
  const SAMLMetadataDocument = metadataOf(entityId, { certificate: next });
  await admin.iam.send(new Iam.UpdateSAMLProviderCommand({ SAMLProviderArn: PrincipalArn, SAMLMetadataDocument }));
  await refused(
    assume(role, samlResponse(saying()), { PrincipalArn }),
    'InvalidIdentityToken',
    'Response signature invalid',
  );
  await assume(role, samlResponse(saying(), next), { PrincipalArn });
});
