// `config/rotate-root`: new keys for the user whose keys `config/client` holds.
// Texts: OpenBao plugins `auth/aws/path_config_rotate_root.go`.
import type { IAMClient } from '@aws-sdk/client-iam';
import type { EngineAnswer, EngineCall, Folder } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import { methodFailed } from '../logins.ts';
import { clientKey, type ClientConfig } from './config.ts';
import { awsText } from './principals.ts';

/** @throws Failure `bad-request`, `method-failed` with Vault's text. */
export async function rotateRoot({ folder }: EngineCall): Promise<EngineAnswer> {
  const config = (await folder.get<ClientConfig>(clientKey))?.value;
  if (config === undefined) throw brokerFailure('bad-request', "can't update client config because it's unset");
  for (const [name, value] of [
    ['access_key', config.accessKey],
    ['secret_key', config.secretKey],
  ] as const) {
    if (value === '') throw brokerFailure('bad-request', `can't update ${name} because it's unset`);
  }
  const { IAMClient } = await import('@aws-sdk/client-iam');
  const iam = new IAMClient({
    region: 'us-east-1',
    credentials: { accessKeyId: config.accessKey, secretAccessKey: config.secretKey },
    ...(config.iamEndpoint === '' ? {} : { endpoint: config.iamEndpoint }),
  });
  try {
    return await rotate(folder, config, iam);
  } finally {
    iam.destroy();
  }
}

async function rotate(folder: Folder, config: ClientConfig, iam: IAMClient): Promise<EngineAnswer> {
  const sdk = await import('@aws-sdk/client-iam');
  const { User } = await told('error calling GetUser', iam.send(new sdk.GetUserCommand({})));
  const UserName = User!.UserName!;
  const { AccessKey: made } = await told(
    'error calling CreateAccessKey',
    iam.send(new sdk.CreateAccessKeyCommand({ UserName })),
  );
  const accessKey = made!.AccessKeyId!;
  try {
    await folder.change<ClientConfig>(clientKey, (now) => {
      // Who wrote other keys meanwhile has the last word.
      if (now?.accessKey !== config.accessKey)
        throw methodFailed('error saving new client config: it was changed meanwhile');
      return { ...now, accessKey, secretKey: made!.SecretAccessKey! };
    });
  } catch (error) {
    const text = `error deleting newly created but unstored access key ID ${accessKey}`;
    await told(text, iam.send(new sdk.DeleteAccessKeyCommand({ UserName, AccessKeyId: accessKey })));
    throw error;
  }
  const former = config.accessKey;
  await told(
    `error deleting old access key ID ${former}`,
    iam.send(new sdk.DeleteAccessKeyCommand({ UserName, AccessKeyId: former })),
  );
  return { data: { access_key: accessKey } };
}

async function told<T>(prefix: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw methodFailed(`${prefix}: ${awsText(error)}`);
  }
}
