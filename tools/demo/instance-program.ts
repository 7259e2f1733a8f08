// The program that runs "on the instance": the SDK's default credential chain, nothing configured.
// Prints what it saw; exits 0 when it could list buckets, 3 when it was refused.
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

try {
  const { Arn } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
  const { Buckets = [] } = await new S3Client({ forcePathStyle: true }).send(new ListBucketsCommand({}));
  console.log(`${Buckets.map(({ Name }) => Name).join(', ')} as ${Arn}`);
} catch (error) {
  console.log(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  process.exitCode = 3;
}
