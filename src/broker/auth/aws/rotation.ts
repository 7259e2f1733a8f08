// `config/rotate-root`: new keys for the user whose keys `config/client` holds. What is begun is written
// down first, so that a rotation that breaks off leaves no key behind that nobody knows.
// Texts: OpenBao plugins `auth/aws/path_config_rotate_root.go`.
import type { IAMClient } from '@aws-sdk/client-iam';
import type { Clock, Millis } from '../../../base/index.ts';
import { iamSdk } from '../../aws-sdk.ts';
import type { EngineAnswer, EngineCall, Folder } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import { methodFailed } from '../logins.ts';
import { clientKey, type ClientConfig } from './config.ts';
import { awsText } from './principals.ts';

/** A rotation under way. */
interface Rotation {
  readonly version: 1;
  readonly user: string;
  readonly formerKey: string;
  /** Every other key that appears is ours. */
  readonly keysBefore: readonly string[];
  readonly startedAt: Millis;
}

/** Key of the record, and the name under which `due` is asked to clean up. */
export const rotationName = 'rotation';
/** Longer than a rotation takes. */
const patienceMillis = 120_000;

/** @throws Failure `bad-request`, `method-failed` with Vault's text. */
export async function rotateRoot({ folder }: EngineCall, clock: Clock): Promise<EngineAnswer> {
  const config = (await folder.get<ClientConfig>(clientKey))?.value;
  if (config === undefined) throw brokerFailure('bad-request', "can't update client config because it's unset");
  for (const [name, value] of [
    ['access_key', config.accessKey],
    ['secret_key', config.secretKey],
  ] as const) {
    if (value === '') throw brokerFailure('bad-request', `can't update ${name} because it's unset`);
  }
  return withIam(config, (iam) => rotate(folder, config, iam, clock));
}

async function withIam<T>(config: ClientConfig, work: (iam: IAMClient) => Promise<T>): Promise<T> {
  const { IAMClient } = await iamSdk();
  const iam = new IAMClient({
    region: 'us-east-1',
    // A second try of a call that went through unheard would make a second key.
    maxAttempts: 1,
    credentials: { accessKeyId: config.accessKey, secretAccessKey: config.secretKey },
    ...(config.iamEndpoint === '' ? {} : { endpoint: config.iamEndpoint }),
  });
  try {
    return await work(iam);
  } finally {
    iam.destroy();
  }
}

async function rotate(folder: Folder, config: ClientConfig, iam: IAMClient, clock: Clock): Promise<EngineAnswer> {
  const sdk = await iamSdk();
  const { User } = await told('error calling GetUser', iam.send(new sdk.GetUserCommand({})));
  const user = User!.UserName!;
  const keysBefore = await told('error calling ListAccessKeys', keysOf(iam, user));
  const rotation: Rotation = { version: 1, user, formerKey: config.accessKey, keysBefore, startedAt: clock.now() };
  await begin(folder, rotation);
  const made = await createKey(iam, user).catch(async (error: unknown) => {
    // Only a refusal says that there is no key; else `due` looks when AWS can no longer be late.
    if (isRefusal(error)) await end(folder, rotation);
    throw methodFailed(`error calling CreateAccessKey: ${awsText(error)}`);
  });
  await store(folder, config, made);
  await told(
    `error deleting old access key ID ${config.accessKey}`,
    iam.send(new sdk.DeleteAccessKeyCommand({ UserName: user, AccessKeyId: config.accessKey })),
  );
  await end(folder, rotation);
  return { data: { access_key: made.accessKey } };
}

async function keysOf(iam: IAMClient, UserName: string): Promise<readonly string[]> {
  const { ListAccessKeysCommand } = await iamSdk();
  const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName }));
  return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId!);
}

async function createKey(iam: IAMClient, UserName: string): Promise<{ accessKey: string; secretKey: string }> {
  const { CreateAccessKeyCommand } = await iamSdk();
  const { AccessKey: made } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKey: made!.AccessKeyId!, secretKey: made!.SecretAccessKey! };
}

async function begin(folder: Folder, rotation: Rotation): Promise<void> {
  const refuse = (found: unknown): void => {
    if (found === undefined) return;
    throw brokerFailure('bad-request', 'a rotation is under way', { hint: 'try again in two minutes' });
  };
  // Before the look is asked for: who is refused, however often, does not put off the look at what broke off.
  refuse(await folder.get<Rotation>(rotationName));
  await folder.schedule(rotationName, rotation.startedAt + patienceMillis);
  await folder.change<Rotation>(rotationName, (now) => {
    refuse(now);
    return rotation;
  });
}

/**
 * Forgets the rotation, and none that began since. The look that was asked for is not taken back, for it may be the
 * next rotation's by now; one that finds nothing costs nothing.
 */
async function end(folder: Folder, { startedAt, formerKey }: Rotation): Promise<void> {
  await folder.change<Rotation>(rotationName, (now) =>
    now?.startedAt === startedAt && now.formerKey === formerKey ? undefined : now,
  );
}

async function store(
  folder: Folder,
  former: ClientConfig,
  made: { accessKey: string; secretKey: string },
): Promise<void> {
  await folder.change<ClientConfig>(clientKey, (now) => {
    // Who wrote other keys meanwhile has the last word; the key that was made is deleted by `cleanUp`.
    if (now?.accessKey === former.accessKey) return { ...now, ...made };
    throw methodFailed('error saving new client config: it was changed meanwhile');
  });
}

/**
 * Deletes what a rotation that broke off left behind: a key that was made and never stored, or the
 * former one. Returns when to look again; undefined for never.
 * @throws what the SDK throws, to be tried again.
 */
export async function cleanUp(folder: Folder, clock: Clock): Promise<Millis | undefined> {
  const rotation = (await folder.get<Rotation>(rotationName))?.value;
  const config = (await folder.get<ClientConfig>(clientKey))?.value;
  if (rotation === undefined) return undefined;
  const isOurs = config !== undefined && config.accessKey !== '';
  // Without keys of that user nothing can be done, and nothing be known.
  if (!isOurs) return clock.now() + patienceMillis;
  await withIam(config, async (iam) => {
    const { DeleteAccessKeyCommand } = await iamSdk();
    const keys = await keysOf(iam, rotation.user);
    const spare = keys.filter((key) => key !== config.accessKey && isSpare(key, rotation));
    for (const AccessKeyId of spare)
      await iam.send(new DeleteAccessKeyCommand({ UserName: rotation.user, AccessKeyId }));
  });
  await end(folder, rotation);
  return undefined;
}

function isSpare(key: string, { formerKey, keysBefore }: Rotation): boolean {
  return key === formerKey || !keysBefore.includes(key);
}

function isRefusal(error: unknown): boolean {
  const { httpStatusCode: status = 0 } = (error as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
  return status >= 400 && status < 500;
}

async function told<T>(prefix: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw methodFailed(`${prefix}: ${awsText(error)}`);
  }
}
