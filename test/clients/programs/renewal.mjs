// A program that lives longer than its session: the AWS SDK finds credentials by itself. Prints who it was and is.
// Called with `once`, it does not wait for the next session.
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

const sts = new STSClient({ maxAttempts: 1 });

async function who() {
  const { Arn: arn } = await sts.send(new GetCallerIdentityCommand({}));
  const { accessKeyId, expiration } = await sts.config.credentials();
  return { arn, accessKeyId, expiration };
}

const first = await who();
let latest = first;
const deadline = Date.now() + 60_000;
while (process.argv[2] !== 'once' && latest.accessKeyId === first.accessKeyId && Date.now() < deadline) {
  await new Promise((resolve) => setTimeout(resolve, 200));
  latest = await who();
}
const { arn } = latest;
const seen = { arn, region: await sts.config.region(), ends: first.expiration instanceof Date };
console.log(JSON.stringify({ ...seen, renewed: latest.accessKeyId !== first.accessKeyId }));
