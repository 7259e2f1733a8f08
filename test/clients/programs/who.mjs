// A program as anybody writes it: the clients find credentials by themselves. Prints who it is and what it may.
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

const codeOf = (call) =>
  call.then(
    () => 'allowed',
    (error) => error.name,
  );

const sts = new STSClient({ maxAttempts: 1 });
const s3 = new S3Client({ maxAttempts: 1, forcePathStyle: true });
const seen = await sts.send(new GetCallerIdentityCommand({})).then(
  async ({ Arn }) => ({
    arn: Arn,
    list: await codeOf(s3.send(new ListBucketsCommand({}))),
    create: await codeOf(s3.send(new CreateBucketCommand({ Bucket: 'not-for-the-app' }))),
  }),
  (error) => ({ error: error.name }),
);
console.log(JSON.stringify(seen));
