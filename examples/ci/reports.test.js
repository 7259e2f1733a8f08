// The program under test writes a report as the role that Terraform made. The test asks what matters of it: it can do
// its work, and nothing else. Nothing in here knows of Stint.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

/** The program's own client: its role, as in production. */
async function writer() {
  const sts = new STSClient();
  const { Account } = await sts.send(new GetCallerIdentityCommand());
  const role = { RoleArn: `arn:aws:iam::${Account}:role/report-writer`, RoleSessionName: 'test' };
  const { Credentials } = await sts.send(new AssumeRoleCommand(role));
  const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials;
  return new S3Client({
    credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
  });
}

const report = { Bucket: 'example-reports', Key: 'daily/2026-01-01.txt' };

test('the writer writes a report', async () => {
  const s3 = await writer();
  await s3.send(new PutObjectCommand({ ...report, Body: 'all is well' }));
});

test('the writer may neither read nor delete one, nor write elsewhere', async () => {
  const s3 = await writer();
  const refused = { name: 'AccessDenied' };
  await assert.rejects(s3.send(new GetObjectCommand(report)), refused);
  await assert.rejects(s3.send(new DeleteObjectCommand(report)), refused);
  await assert.rejects(s3.send(new PutObjectCommand({ ...report, Key: 'other.txt', Body: 'no' })), refused);
});
