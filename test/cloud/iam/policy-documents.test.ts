// What IAM says of documents it does not save, over the wire.
import { CreatePolicyCommand, CreateRoleCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { adminOf, central, iamOf } from '../support.ts';

type Given = { readonly text?: string; readonly statement?: unknown; readonly document?: unknown };
type Refused = Given & { readonly message: string };

interface Cases {
  readonly refused: readonly Refused[];
  readonly saved: readonly Given[];
}

function casesOf(name: string): Cases {
  return JSON.parse(readFileSync(`test/cases/cloud/${name}.json`, 'utf8')) as Cases;
}

function textOf({ text, statement, document }: Given): string {
  return text ?? JSON.stringify(document ?? { Version: '2012-10-17', Statement: statement });
}

let cloud: Cloud;
before(async () => {
  cloud = await startCloud({ port: 0 });
});
after(() => cloud.stop());

const malformed = (message: string) => (error: Error & { $metadata?: { httpStatusCode?: number } }) => {
  assert.deepEqual(
    [error.name, error.message, error.$metadata?.httpStatusCode],
    ['MalformedPolicyDocumentException', message, 400],
  );
  return true;
};

test('CreatePolicy refuses and saves the documents that AWS refuses and saves, in its words', async () => {
  const iam = iamOf(cloud, adminOf(cloud, central));
  const { refused, saved } = casesOf('managed-policy-documents');
  let count = 0;
  const create = (given: Given) =>
    iam.send(new CreatePolicyCommand({ PolicyName: `policy-${(count += 1)}`, PolicyDocument: textOf(given) }));
  for (const given of refused) await assert.rejects(create(given), malformed(given.message), textOf(given));
  for (const given of saved) await assert.doesNotReject(create(given), textOf(given));
});

test('an inline policy may be of the old version, a managed one not', async () => {
  const iam = iamOf(cloud, adminOf(cloud, central));
  const document = '{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}';
  await iam.send(new PutUserPolicyCommand({ UserName: 'admin', PolicyName: 'old', PolicyDocument: document }));
  await assert.rejects(
    iam.send(new CreatePolicyCommand({ PolicyName: 'old', PolicyDocument: document })),
    malformed('Policy document must be version 2012-10-17 or greater.'),
  );
});

test('CreateRole refuses and saves the trust policies that AWS refuses and saves, in its words', async () => {
  const iam = iamOf(cloud, adminOf(cloud, central));
  const { refused, saved } = casesOf('trust-documents');
  let count = 0;
  const create = (given: Given) =>
    iam.send(new CreateRoleCommand({ RoleName: `role-${(count += 1)}`, AssumeRolePolicyDocument: textOf(given) }));
  for (const given of refused) await assert.rejects(create(given), malformed(given.message), textOf(given));
  for (const given of saved) await assert.doesNotReject(create(given), textOf(given));
});
