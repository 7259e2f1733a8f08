import * as Iam from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { idp, metadataOf } from '../sts/saml.ts';
import { allow, central, clientsOf, dev, makeUser, refused, type Clients } from './clients.ts';

let cloud: Cloud;
let admin: Clients;
before(async () => {
  cloud = await startCloud();
  admin = clientsOf(cloud, dev);
});
after(() => cloud.stop());

const thumbprint = 'a'.repeat(40);
const oidcArn = (rest: string) => `arn:aws:iam::${dev}:oidc-provider/${rest}`;
const createOidc = (Url: string, more: Partial<Iam.CreateOpenIDConnectProviderCommandInput> = {}, by = admin) =>
  by.iam.send(new Iam.CreateOpenIDConnectProviderCommand({ Url, ...more }));
const getOidc = (OpenIDConnectProviderArn: string) =>
  admin.iam.send(new Iam.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn }));

test('an OpenID Connect provider is named by its address without the scheme', async () => {
  const made = await createOidc('https://oidc.example.com/id/A1', {
    ClientIDList: ['sts.amazonaws.com', 'app', 'app'],
    ThumbprintList: [thumbprint],
    Tags: [{ Key: 'team', Value: 'blue' }],
  });
  assert.equal(made.OpenIDConnectProviderArn, oidcArn('oidc.example.com/id/A1'));
  assert.deepEqual(made.Tags, [{ Key: 'team', Value: 'blue' }]);
  const got = await getOidc(made.OpenIDConnectProviderArn);
  assert.equal(got.Url, 'oidc.example.com/id/A1');
  assert.deepEqual(got.ClientIDList, ['sts.amazonaws.com', 'app']);
  assert.deepEqual(got.ThumbprintList, [thumbprint]);
  const { OpenIDConnectProviderList } = await admin.iam.send(new Iam.ListOpenIDConnectProvidersCommand({}));
  assert.deepEqual(OpenIDConnectProviderList, [{ Arn: made.OpenIDConnectProviderArn }]);
  await refused(
    createOidc('https://oidc.example.com/id/A1'),
    'EntityAlreadyExists',
    'Provider with url https://oidc.example.com/id/A1 already exists.',
  );
});

test('client ids and thumbprints change, are bounded, and adding twice adds once', async () => {
  const { OpenIDConnectProviderArn } = await createOidc('https://changing.example.com');
  const on = { OpenIDConnectProviderArn };
  const add = (ClientID: string) =>
    admin.iam.send(new Iam.AddClientIDToOpenIDConnectProviderCommand({ ...on, ClientID }));
  await add('one');
  await add('one');
  await add('two');
  await admin.iam.send(new Iam.RemoveClientIDFromOpenIDConnectProviderCommand({ ...on, ClientID: 'one' }));
  await admin.iam.send(new Iam.RemoveClientIDFromOpenIDConnectProviderCommand({ ...on, ClientID: 'absent' }));
  const renew = (ThumbprintList: string[]) =>
    admin.iam.send(new Iam.UpdateOpenIDConnectProviderThumbprintCommand({ ...on, ThumbprintList }));
  await renew(['b'.repeat(40)]);
  const { ClientIDList, ThumbprintList } = await getOidc(OpenIDConnectProviderArn!);
  assert.deepEqual([ClientIDList, ThumbprintList], [['two'], ['b'.repeat(40)]]);
  const six = Array.from({ length: 6 }, () => thumbprint);
  await refused(renew(six), 'InvalidInput', 'Thumbprint list must contain fewer than 5 entries.');
  await refused(renew(['-'.repeat(40)]), 'InvalidInput', 'thumbprint');
  await refused(renew(['a'.repeat(39)]), 'ValidationError', 'thumbprintList');
  const hundred = Array.from({ length: 101 }, (_, index) => `client-${index}`);
  await refused(
    createOidc('https://crowded.example.com', { ClientIDList: hundred }),
    'LimitExceeded',
    'Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100',
  );
});

const badUrls = [
  'example.org',
  'http://example.org',
  'https://',
  'https://example.org?a=b',
  'https://u:p@example.org',
  'ftp://example.org',
];
for (const url of badUrls) {
  test(`the address ${url} is none of a provider`, async () => {
    await refused(createOidc(url), 'ValidationError', 'Invalid Open ID Connect Provider URL');
  });
}

test('an address of this machine may do without TLS, and none is longer than 255', async () => {
  const { OpenIDConnectProviderArn } = await createOidc('http://127.0.0.1:8080/realms/a');
  assert.equal(OpenIDConnectProviderArn, oidcArn('127.0.0.1:8080/realms/a'));
  await refused(createOidc(`https://example.org/${'a'.repeat(255)}`), 'ValidationError', '255');
});

test('what is not there is told by its ARN; deleting it again is no failure', async () => {
  const OpenIDConnectProviderArn = oidcArn('absent.example.com');
  await refused(
    getOidc(OpenIDConnectProviderArn),
    'NoSuchEntity',
    `OpenIDConnect Provider not found for arn ${OpenIDConnectProviderArn}`,
  );
  await refused(getOidc(`arn:aws:iam::${dev}:user/admin`), 'InvalidInput', 'Invalid ARN');
  await admin.iam.send(new Iam.DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn }));
  const { OpenIDConnectProviderArn: arn } = await createOidc('https://gone.example.com');
  await admin.iam.send(new Iam.DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn! }));
  await refused(getOidc(arn!), 'NoSuchEntity');
  const elsewhere = clientsOf(cloud, central);
  await refused(
    elsewhere.iam.send(
      new Iam.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: oidcArn('changing.example.com') }),
    ),
    'AccessDenied',
  );
});

test('tags are checked, listed in pages, and guard the provider', async () => {
  const { OpenIDConnectProviderArn } = await createOidc('https://tagged.example.com', {
    Tags: [{ Key: 'team', Value: 'blue' }],
  });
  const on = { OpenIDConnectProviderArn: OpenIDConnectProviderArn! };
  await admin.iam.send(new Iam.TagOpenIDConnectProviderCommand({ ...on, Tags: [{ Key: 'stage', Value: 'dev' }] }));
  const list = (more: object) => admin.iam.send(new Iam.ListOpenIDConnectProviderTagsCommand({ ...on, ...more }));
  const first = await list({ MaxItems: 1 });
  assert.deepEqual([first.IsTruncated, first.Tags?.length], [true, 1]);
  const second = await list({ Marker: first.Marker });
  assert.deepEqual(
    [...first.Tags!, ...second.Tags!].map((tag) => tag.Key),
    ['stage', 'team'],
  );
  await admin.iam.send(new Iam.UntagOpenIDConnectProviderCommand({ ...on, TagKeys: ['STAGE', 'stage'] }));
  assert.deepEqual((await list({})).Tags, [{ Key: 'team', Value: 'blue' }]);
  const condition = { Condition: { StringEquals: { 'aws:ResourceTag/team': 'red' } } };
  const red = clientsOf(cloud, await makeUser(admin, 'red', allow('iam:*', '*', condition)));
  await refused(
    red.iam.send(new Iam.GetOpenIDConnectProviderCommand(on)),
    'AccessDenied',
    'iam:GetOpenIDConnectProvider',
  );
});

test('creating with tags needs the permission to tag', async () => {
  const user = clientsOf(
    cloud,
    await makeUser(admin, 'untagging', allow(['iam:CreateOpenIDConnectProvider', 'iam:CreateSAMLProvider'])),
  );
  await createOidc('https://plain.example.com', {}, user);
  const Tags = [{ Key: 'a', Value: 'b' }];
  await refused(
    createOidc('https://with-tags.example.com', { Tags }, user),
    'AccessDenied',
    'iam:TagOpenIDConnectProvider',
  );
  await refused(
    user.iam.send(
      new Iam.CreateSAMLProviderCommand({
        Name: 'tagged',
        SAMLMetadataDocument: metadataOf('https://idp.example.com'),
        Tags,
      }),
    ),
    'AccessDenied',
    'iam:TagSAMLProvider',
  );
});

const samlArn = (name: string) => `arn:aws:iam::${dev}:saml-provider/${name}`;
const createSaml = (Name: string, SAMLMetadataDocument = metadataOf('https://idp.example.com'), more = {}) =>
  admin.iam.send(new Iam.CreateSAMLProviderCommand({ Name, SAMLMetadataDocument, ...more }));

test('a SAML provider keeps its document, and shows until when it is good', async () => {
  const document = metadataOf('https://idp.example.com', { validUntil: '2040-01-01T00:00:00Z' });
  const made = await createSaml('Corporate', document, { Tags: [{ Key: 'team', Value: 'blue' }] });
  assert.equal(made.SAMLProviderArn, samlArn('Corporate'));
  const on = { SAMLProviderArn: made.SAMLProviderArn };
  const got = await admin.iam.send(new Iam.GetSAMLProviderCommand(on));
  assert.equal(got.SAMLMetadataDocument, document);
  assert.equal(got.ValidUntil?.toISOString(), '2040-01-01T00:00:00.000Z');
  assert.match(got.SAMLProviderUUID!, /^SAMLSP/);
  await refused(createSaml('corporate'), 'EntityAlreadyExists', 'already exists');
  await admin.iam.send(
    new Iam.UpdateSAMLProviderCommand({ ...on, SAMLMetadataDocument: metadataOf('https://new.example.com') }),
  );
  const { SAMLProviderList } = await admin.iam.send(new Iam.ListSAMLProvidersCommand({}));
  const [listed] = SAMLProviderList!;
  assert.equal(listed!.Arn, samlArn('Corporate'));
  assert.equal(listed!.ValidUntil!.getUTCFullYear() - listed!.CreateDate!.getUTCFullYear(), 100);
  const tags = await admin.iam.send(new Iam.ListSAMLProviderTagsCommand(on));
  assert.deepEqual(tags.Tags, [{ Key: 'team', Value: 'blue' }]);
  const { SummaryMap } = await admin.iam.send(new Iam.GetAccountSummaryCommand({}));
  assert.ok(SummaryMap!['Providers']! > 0);
  await admin.iam.send(new Iam.DeleteSAMLProviderCommand(on));
  await refused(
    admin.iam.send(new Iam.GetSAMLProviderCommand(on)),
    'NoSuchEntity',
    `Manifest not found for arn ${samlArn('Corporate')}`,
  );
  await refused(admin.iam.send(new Iam.DeleteSAMLProviderCommand(on)), 'NoSuchEntity');
});

test('encryption mode and private keys of a SAML provider are kept; a third key is too many', async () => {
  const pem = idp.key;
  const { SAMLProviderArn } = await createSaml('sealed', undefined, {
    AssertionEncryptionMode: 'Allowed',
    AddPrivateKey: pem,
  });
  const on = { SAMLProviderArn: SAMLProviderArn! };
  const update = (more: object) => admin.iam.send(new Iam.UpdateSAMLProviderCommand({ ...on, ...more }));
  const get = () => admin.iam.send(new Iam.GetSAMLProviderCommand(on));
  await update({ AssertionEncryptionMode: 'Required', AddPrivateKey: pem });
  const { PrivateKeyList, AssertionEncryptionMode } = await get();
  assert.deepEqual([PrivateKeyList!.length, AssertionEncryptionMode], [2, 'Required']);
  await refused(update({ AddPrivateKey: pem }), 'LimitExceeded');
  await refused(update({ RemovePrivateKey: 'A'.repeat(22) }), 'NoSuchEntity');
  await refused(update({ RemovePrivateKey: PrivateKeyList![0]!.KeyId, AddPrivateKey: 'no key' }), 'InvalidInput');
  await update({ RemovePrivateKey: PrivateKeyList![0]!.KeyId });
  assert.deepEqual(
    (await get()).PrivateKeyList!.map((key) => key.KeyId),
    [PrivateKeyList![1]!.KeyId],
  );
});

const pad = `<!--${' '.repeat(1000)}-->`;
const badDocuments: Readonly<Record<string, string>> = {
  'no XML': `not xml ${'.'.repeat(1000)}`,
  'another root': `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">${pad}</EntitiesDescriptor>`,
  'no entity id': metadataOf('https://idp.example.com').replace(/entityID="[^"]*"/, ''),
  'no role of an identity provider': metadataOf('https://idp.example.com').replaceAll(
    'IDPSSODescriptor',
    'SPSSODescriptor',
  ),
  'no certificate': metadataOf('https://idp.example.com').replace(/<KeyDescriptor.*<\/KeyDescriptor>/s, '') + pad,
  'a certificate that is none':
    metadataOf('https://idp.example.com').replace(/<ds:X509Certificate>[^<]*/, '<ds:X509Certificate>AAAA') + pad,
  'a byte order mark': `\uFEFF${metadataOf('https://idp.example.com')}`,
  'a document type': `<!DOCTYPE a [<!ENTITY b "c">]>${metadataOf('https://idp.example.com')}`,
  'a validity that is no time': metadataOf('https://idp.example.com', { validUntil: 'tomorrow' }),
};
for (const [what, document] of Object.entries(badDocuments)) {
  test(`metadata with ${what} cannot be parsed`, async () => {
    await refused(createSaml('broken', document), 'InvalidInput', 'Could not parse metadata');
  });
}

test('metadata is 1,000 characters long at least', async () => {
  await refused(createSaml('short', '<a/>'), 'ValidationError', 'sAMLMetadataDocument');
});
