// config/rotate-root of the AWS engine: a new access key for the user that the mount acts as. Vault's
// answers and texts; unlike Vault it waits until AWS accepts the new key, and goes on after a crash.
import type { IAMClient } from '@aws-sdk/client-iam';
import type { Millis } from '../../../base/index.ts';
import { iamSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import type { Mount } from '../../model.ts';
import type { EngineAnswer, EngineCall, Folder } from '../engine.ts';
import { goError, innerFailure } from './aws-errors.ts';
import type { AwsClients, KeyPair } from './clients.ts';
import { changeRootConfig, hasRootConfig, loadRootConfig, type RootConfig } from './config.ts';
import type { KeyHolder } from './key-rotation.ts';
import type { KeyRotator, RotationHome, RotationTexts } from './key-rotator.ts';

/** Under this name the sweeper goes on with a rotation. */
export const rootRotationName = 'root-rotation';

/** Ids of former keys that are remembered: for grants that began with them. */
const mostFormer = 20;

const texts: RotationTexts = {
  listing: 'error calling ListAccessKeys: ',
  creating: 'error calling CreateAccessKey: ',
  deleting: 'error deleting old access key: ',
};

/** The clients of a mount for its configuration as it is now. */
export type ClientsOf = (mountId: string, folder: Folder) => Promise<{ clients: AwsClients; config: RootConfig }>;

export interface RootRotationParts {
  readonly rotator: KeyRotator;
  readonly clientsOf: ClientsOf;
  /** Resolves when nothing that began before now still signs with the key that the mount had. */
  readonly idle: (mountId: string) => Promise<void>;
}

/** @throws Failure `bad-request` without a key in config/root; `engine-failed` as AWS refuses. */
export async function rotateRoot(parts: RootRotationParts, { mount, folder }: EngineCall): Promise<EngineAnswer> {
  if (!(await hasRootConfig(folder))) {
    throw brokerFailure('engine-failed', goError('no configuration found for config/root'), {
      hint: 'write the access key to config/root first',
    });
  }
  if (keyOf(await loadRootConfig(folder)) === null) {
    throw brokerFailure('bad-request', 'Cannot call config/rotate-root when either access_key or secret_key is empty');
  }
  const home = rootHome(parts, mount, folder);
  const ask = { actsItself: true, userName: ownUser, texts, makeRoom: false };
  const { key, rotation } = await parts.rotator.rotate(home, ask).finally(() => home.close());
  if (rotation?.stage !== 'trying') return { data: { access_key: key?.accessKeyId ?? '' } };
  return {
    data: { access_key: rotation.next?.accessKeyId ?? '' },
    warnings: [
      'AWS does not accept the new key yet: the old one stays in use until it does, and is deleted then, without further ado',
    ],
  };
}

/** Goes on with a rotation after a crash, or with one whose key was not accepted in time. */
export function goOnRotatingRoot(parts: RootRotationParts, mount: Mount, folder: Folder): Promise<Millis | undefined> {
  const home = rootHome(parts, mount, folder);
  return parts.rotator.goOn(home, texts).finally(() => home.close());
}

async function ownUser(iam: IAMClient): Promise<string> {
  const { GetUserCommand } = await iamSdk();
  const { User } = await iam.send(new GetUserCommand({})).catch((error: unknown) => {
    throw innerFailure('error calling GetUser: ', error);
  });
  // The account's own root user has no name: its key is not one to lend with.
  if (User?.UserName !== undefined && !User.Arn?.endsWith(':root')) return User.UserName;
  throw brokerFailure('engine-failed', goError('nil UserName returned from GetUser'), {
    hint: 'the key in config/root is of no IAM user: make one for this mount',
  });
}

function keyOf({ accessKey, secretKey }: RootConfig): KeyPair | null {
  return accessKey === '' || secretKey === '' ? null : { accessKeyId: accessKey, secretAccessKey: secretKey };
}

function holderOf(config: RootConfig): KeyHolder {
  return { key: keyOf(config), rotation: config.rotation };
}

function withHolder(config: RootConfig, { key, rotation }: KeyHolder): RootConfig {
  const isSame = key === null || key.accessKeyId === config.accessKey;
  if (isSame) return { ...config, rotation };
  return {
    ...config,
    accessKey: key.accessKeyId,
    secretKey: key.secretAccessKey,
    rotation,
    formerKeys: [...config.formerKeys, config.accessKey].slice(-mostFormer),
  };
}

function rootHome(
  { clientsOf, idle }: RootRotationParts,
  mount: Mount,
  folder: Folder,
): RotationHome & { readonly close: () => void } {
  /** Clients with a key that config/root no longer has: it was changed by hand during the rotation. */
  const former: IAMClient[] = [];
  return {
    close: () => former.forEach((iam) => iam.destroy()),
    read: async () => {
      return (await hasRootConfig(folder)) ? holderOf(await loadRootConfig(folder)) : undefined;
    },
    change: async (next) => {
      let stored: KeyHolder | undefined;
      await changeRootConfig(folder, (before) => {
        stored = before === undefined ? undefined : next(holderOf(before));
        return before === undefined || stored === undefined ? before : withHolder(before, stored);
      });
      return stored;
    },
    actor: async (keys) => {
      const { clients, config } = await clientsOf(mount.id, folder);
      if (keys === null || keys.accessKeyId === config.accessKey) return clients.iam();
      const iam = await clients.iamAs(keys);
      former.push(iam);
      return iam;
    },
    as: async (keys) => (await clientsOf(mount.id, folder)).clients.iamAs(keys),
    idle: () => idle(mount.id),
    // Nothing is taken back: what was asked for may be the next rotation's by now, and a look that finds none ends there.
    schedule: async (at) => (at === undefined ? undefined : folder.schedule(rootRotationName, at)),
  };
}
