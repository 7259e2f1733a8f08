import assert from 'node:assert/strict';
import { CreateBucketCommand, GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { adminOf, dev, userWith } from '../clients.ts';
import { control, send, type Answer, type Keys } from '../support.ts';

const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

interface Upload {
  readonly fields?: Readonly<Record<string, string>>;
  readonly conditions?: readonly unknown[];
  readonly expiresIn?: number;
  readonly file?: string;
  readonly spoil?: (fields: Record<string, string>) => void;
}

/** A form as boto3's generate_presigned_post makes it, and as a browser sends it. */
function post(cloud: Cloud, keys: Keys, bucket: string, upload: Upload = {}): Promise<Answer> {
  const { fields = {}, conditions = [], expiresIn = 3600, file = 'hello' } = upload;
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = date.slice(0, 8);
  const own: Record<string, string> = {
    key: 'up/${filename}',
    ...fields,
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${keys.accessKeyId}/${day}/us-east-1/s3/aws4_request`,
    'x-amz-date': date,
  };
  const policy = {
    expiration: new Date(Date.now() + expiresIn * 1000).toISOString(),
    conditions: [
      { bucket },
      ['starts-with', '$key', 'up/'],
      ...Object.entries(own)
        .filter(([name]) => name.startsWith('x-amz-') && fields[name] === undefined)
        .map(([name, value]) => ({ [name]: value })),
      ...conditions,
    ],
  };
  own['policy'] = Buffer.from(JSON.stringify(policy)).toString('base64');
  const scope = ['us-east-1', 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${keys.secretAccessKey}`, day));
  own['x-amz-signature'] = hmac(scope, own['policy']).toString('hex');
  upload.spoil?.(own);
  return sendForm(cloud, bucket, own, file);
}

function sendForm(cloud: Cloud, bucket: string, fields: Record<string, string>, file: string): Promise<Answer> {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const body = `${parts.join('')}--b\r\nContent-Disposition: form-data; name="file"; filename="a b.txt"\r\nContent-Type: text/plain\r\n\r\n${file}\r\n--b--\r\n`;
  return send(`${cloud.endpoint}/${bucket}`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body,
  });
}

async function uploads(cloud: Cloud) {
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket: 'forms' }));
  return { s3, keys: cloud.credentials.accounts[dev]! };
}

const codeOf = ({ text }: Answer) => /<Code>(\w+)<\/Code><Message>([^<]*)/.exec(text)?.slice(1);

test('a signed form uploads a file under its name, with the headers its fields give', async () => {
  await using cloud = await startCloud();
  const { s3, keys } = await uploads(cloud);
  const answer = await post(cloud, keys, 'forms', {
    fields: { 'Content-Type': 'text/plain', 'x-amz-meta-by': 'form', success_action_status: '201' },
    conditions: [
      ['starts-with', '$Content-Type', 'text/'],
      { 'x-amz-meta-by': 'form' },
      { success_action_status: '201' },
      ['content-length-range', 1, 10],
    ],
  });
  assert.equal(answer.status, 201, answer.text);
  assert.match(answer.text, /<Bucket>forms<\/Bucket><Key>up\/a b\.txt<\/Key><ETag>/);
  const object = await s3.send(new GetObjectCommand({ Bucket: 'forms', Key: 'up/a b.txt' }));
  assert.equal(await object.Body!.transformToString(), 'hello');
  assert.equal(object.ContentType, 'text/plain');
  assert.deepEqual(object.Metadata, { by: 'form' });
});

test('without a wish the answer is 204, and a redirect carries bucket, key and ETag', async () => {
  await using cloud = await startCloud();
  const { keys } = await uploads(cloud);
  const plain = await post(cloud, keys, 'forms');
  assert.equal(plain.status, 204);
  const moved = await post(cloud, keys, 'forms', {
    fields: { success_action_redirect: 'http://localhost/done?x=1' },
    conditions: [['starts-with', '$success_action_redirect', 'http://localhost/']],
  });
  assert.equal(moved.status, 303);
  assert.match(moved.headers.location!, /^http:\/\/localhost\/done\?x=1&bucket=forms&key=up%2Fa\+b\.txt&etag=%22/);
});

test('a form that does not keep to its policy, or is signed wrongly, is refused', async () => {
  await using cloud = await startCloud();
  const { s3, keys } = await uploads(cloud);
  const refused = async (upload: Upload, code: string, message: RegExp) => {
    const answer = await post(cloud, keys, 'forms', upload);
    const [gotCode, gotMessage = ''] = codeOf(answer) ?? [];
    assert.equal(gotCode, code);
    assert.match(gotMessage, message);
  };
  await refused({ expiresIn: -10 }, 'AccessDenied', /^Invalid according to Policy: Policy expired\.$/);
  await refused({ fields: { 'x-amz-meta-x': '1' } }, 'AccessDenied', /Extra input fields: x-amz-meta-x$/);
  await refused(
    { fields: { acl: 'public-read' }, conditions: [{ acl: 'private' }] },
    'AccessDenied',
    /Policy Condition failed: \[.*eq.*\$acl.*private.*\]$/,
  );
  await refused({ conditions: [['content-length-range', 0, 3]] }, 'EntityTooLarge', /exceeds the maximum/);
  await refused({ conditions: [['content-length-range', 9, 20]] }, 'EntityTooSmall', /smaller than the minimum/);
  await refused({ spoil: (fields) => (fields['x-amz-signature'] = '00'.repeat(32)) }, 'SignatureDoesNotMatch', /./);
  await refused({ spoil: (fields) => delete fields['x-amz-signature'] }, 'InvalidArgument', /X-Amz-Signature/);
  await refused({ spoil: (fields) => (fields['AWSAccessKeyId'] = 'AKIA') }, 'InvalidRequest', /use AWS4-HMAC-SHA256/);
  await refused({ spoil: (fields) => delete fields['key'] }, 'InvalidArgument', /field named &apos;key&apos;/);
  await refused(
    { spoil: (fields) => (fields['x-amz-credential'] = 'AKIANONE/20260101/us-east-1/s3/aws4_request') },
    'InvalidAccessKeyId',
    /does not exist/,
  );
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket: 'forms', Key: 'up/a b.txt' })), { name: 'NotFound' });
});

test('who signed a form needs the permission, and nobody uploads without a policy of either kind', async () => {
  await using cloud = await startCloud();
  await uploads(cloud);
  const { s3 } = await userWith(cloud, dev, 'alice', {
    Effect: 'Allow',
    Action: 's3:PutObject',
    Resource: 'arn:aws:s3:::forms/up/*',
    Condition: { StringEquals: { 's3:authType': 'POST' } },
  });
  const keys = await s3.config.credentials();
  assert.equal((await post(cloud, keys, 'forms')).status, 204);
  const elsewhere = await post(cloud, keys, 'forms', {
    fields: { key: 'other' },
    spoil: (fields) => (fields['key'] = 'other'),
  });
  assert.equal(elsewhere.status, 403);
  const anonymous = await sendForm(cloud, 'forms', { key: 'x' }, 'hello');
  assert.deepEqual([anonymous.status, codeOf(anonymous)?.[0]], [403, 'AccessDenied']);
  const broken = await send(`${cloud.endpoint}/forms`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: 'nonsense',
  });
  assert.deepEqual([broken.status, codeOf(broken)?.[0]], [400, 'MalformedPOSTRequest']);
});

test('metadata whose name no header can have is refused; a value of any language comes back encoded', async () => {
  await using cloud = await startCloud();
  const { s3, keys } = await uploads(cloud);
  for (const name of ['x-amz-meta-日', 'x-amz-meta-a b', 'x-amz-meta-a:b']) {
    const answer = await post(cloud, keys, 'forms', { fields: { [name]: 'x' }, conditions: [{ [name]: 'x' }] });
    assert.deepEqual([answer.status, codeOf(answer)?.[0]], [400, 'InvalidArgument'], name);
  }
  const fields = { 'x-amz-meta-by': '日本' };
  const answer = await post(cloud, keys, 'forms', { fields, conditions: [fields] });
  assert.equal(answer.status, 204);
  const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket: 'forms', Key: 'up/a b.txt' }));
  assert.deepEqual(Metadata, { by: '=?UTF-8?B?5pel5pys?=' });
});

test('a form that cannot be read is refused, and the refusal stands in the events', async () => {
  await using cloud = await startCloud();
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  const answer = await send(`${cloud.endpoint}/forms`, { method: 'POST', headers, body: 'no form' });
  assert.deepEqual([answer.status, codeOf(answer)?.[0]], [400, 'MalformedPOSTRequest']);
  const { body } = await control(cloud, 'GET', 'events');
  const [event] = (body as { events: { service: string; errorCode: string }[] }).events.slice(-1);
  assert.partialDeepStrictEqual(event, { service: 's3', errorCode: 'MalformedPOSTRequest' });
});
