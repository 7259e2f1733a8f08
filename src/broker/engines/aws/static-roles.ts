// static-roles/:name and static-creds/:name of the AWS engine. A key that is served works until the next
// one does; the one it replaced is deleted then. Facts: hashicorp/vault builtin/logical/aws/path_static_roles.go
// and rotation.go; the fields of other accounts are those of Vault Enterprise.
import type { Millis } from '../../../base/index.ts';
import { iamSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldSchema, FieldValues } from '../../fields.ts';
import type { Mount } from '../../model.ts';
import type { EngineAnswer, EngineCall, Folder } from '../engine.ts';
import { arnProblem } from './arns.ts';
import { goError, innerFailure, orMissing } from './aws-errors.ts';
import type { KeyRotator, RotationTexts } from './key-rotator.ts';
import { StaticHome, type StaticHomeParts } from './static-home.ts';
import { isServed, loadStaticRole, staticRoleData, staticRoleNames, type StaticRole } from './static-role.ts';
import { checkedUserId, type StaticAccount } from './static-user.ts';
import { goQuote } from './template/quote.ts';

export const staticRoleFields = {
  name: 'string',
  username: 'string',
  rotation_period: 'seconds',
  assume_role_arn: 'string',
  assume_role_session_name: 'string',
  external_id: 'string',
} as const satisfies FieldSchema;

type StaticRoleFields = FieldValues<typeof staticRoleFields>;

const shortestPeriodSeconds = 60;

export interface StaticRoleParts extends StaticHomeParts {
  readonly rotator: KeyRotator;
}

export async function listStaticRoles({ folder }: EngineCall): Promise<EngineAnswer> {
  const keys = await staticRoleNames(folder);
  return keys.length === 0 ? {} : { data: { keys } };
}

export async function readStaticCreds({ folder }: EngineCall, { name = '' }: { name?: string }): Promise<EngineAnswer> {
  const role = await loadStaticRole(folder, name);
  if (!isServed(role)) return {};
  const { key, rotatesAt } = role;
  const expiration = new Date(rotatesAt).toISOString();
  return { data: { access_key: key.accessKeyId, secret_key: key.secretAccessKey, expiration } };
}

export async function handleStaticRole(
  parts: StaticRoleParts,
  call: EngineCall,
  fields: StaticRoleFields,
): Promise<EngineAnswer> {
  const { name = '' } = fields;
  const found = await loadStaticRole(call.folder, name);
  if (call.operation === 'read') return isServed(found) ? { data: staticRoleData(found) } : {};
  const home = new StaticHome(parts, call.mount, call.folder, name);
  try {
    if (call.operation === 'delete') return await deleteRole(parts, home, found);
    return { data: staticRoleData(await writeRole(parts, home, found, fields)) };
  } finally {
    home.close();
  }
}

/** The time of a static role has come. @throws Failure, to be tried again. */
export async function rotateStaticRole(
  parts: StaticRoleParts,
  mount: Mount,
  folder: Folder,
  name: string,
): Promise<Millis | undefined> {
  const home = new StaticHome(parts, mount, folder, name);
  try {
    await goOn(parts, home);
    const role = await home.load();
    return role === undefined ? undefined : nextLook(role, parts.clock.now());
  } finally {
    home.close();
  }
}

/** How soon somebody looks again at a key that AWS does not accept yet, or at one that may be lost. */
const soonMillis = 15_000;

function nextLook({ rotation, rotatesAt, ending, key }: StaticRole, now: Millis): Millis {
  return rotation !== null || ending || key === null
    ? Math.min(now + soonMillis, Math.max(rotatesAt, now + 1000))
    : rotatesAt;
}

async function goOn(parts: StaticRoleParts, home: StaticHome): Promise<void> {
  const { rotator, clock } = parts;
  const texts = textsOf(await home.load());
  await rotator.goOn(home, texts);
  const role = await home.load();
  if (role === undefined) return;
  if (role.ending) return endRole(home, role);
  // A first key that was never made: the request that wanted it was told so.
  if (role.key === null) return role.rotation === null ? home.forget(role) : undefined;
  if (role.rotatesAt <= clock.now()) await rotate(parts, home, role);
}

function rotate({ rotator }: StaticRoleParts, home: StaticHome, role: StaticRole): Promise<unknown> {
  return rotator.rotate(home, {
    actsItself: false,
    userName: async (iam) => {
      await checkedUserId(iam, role.userName, role.userId);
      return role.userName;
    },
    texts: textsOf(role),
    makeRoom: true,
  });
}

function textsOf(role: StaticRole | undefined): RotationTexts {
  const user = goQuote(role?.userName ?? '');
  const prefix = role?.key === null ? `failed to create new credentials for role ${goQuote(role.name)}: ` : '';
  return {
    listing: `${prefix}unable to list existing access keys for IAM user ${user}: `,
    creating: `${prefix}unable to create new access keys for user ${user}: `,
    deleting: `${prefix}unable to delete oldest access keys for user ${user}: `,
  };
}

async function writeRole(
  parts: StaticRoleParts,
  home: StaticHome,
  found: StaticRole | undefined,
  fields: StaticRoleFields,
): Promise<StaticRole> {
  await goOn(parts, home);
  const before = found === undefined ? undefined : await home.load();
  if (before?.ending === true) throw stillEnding(before);
  const wanted = await wantedRole(home, isServed(before) ? before : undefined, fields);
  const now = parts.clock.now();
  const rotatesAt = now + wanted.periodSeconds * 1000;
  // The look comes first: a look at nothing is nothing, a role that nobody looks at is forgotten. It comes soon: put off
  // to the time of the key, it would be missing to a rotation that is under way.
  await home.schedule(now + soonMillis);
  const stored = await home.store((present) => ({ ...(present ?? emptyRole), ...wanted, rotatesAt }));
  if (isServed(stored)) return stored;
  await rotateFirst(parts, home, stored);
  return (await home.load()) ?? stored;
}

// Whatever breaks off, the sweeper finds the role without a key, and what AWS may have made for it.
async function rotateFirst(parts: StaticRoleParts, home: StaticHome, role: StaticRole): Promise<void> {
  await rotate(parts, home, role).catch(async (error: unknown) => {
    const left = await home.load();
    if (left?.key === null && left.rotation === null) await home.forget(left);
    throw error;
  });
}

type WantedRole = Omit<StaticRole, 'version' | 'key' | 'rotatesAt' | 'rotation' | 'ending'>;

const emptyRole = { version: 1, key: null, rotation: null, ending: false } as const;

// In Vault's order: the user is looked for before the period is.
async function wantedRole(
  home: StaticHome,
  before: StaticRole | undefined,
  fields: StaticRoleFields,
): Promise<WantedRole> {
  const { name = '' } = fields;
  const account: StaticAccount = {
    name,
    assumeRoleArn: fields.assume_role_arn ?? before?.assumeRoleArn ?? '',
    assumeRoleSessionName: fields.assume_role_session_name ?? before?.assumeRoleSessionName ?? '',
    externalId: fields.external_id ?? before?.externalId ?? '',
  };
  checkAccount(account);
  const userName = fields.username ?? before?.userName;
  if (userName === undefined) throw brokerFailure('bad-request', 'missing "username" parameter');
  const looks = fields.username !== undefined || before === undefined || account.assumeRoleArn !== before.assumeRoleArn;
  const userId = looks ? await home.userId(account, userName, before?.userId) : before.userId;
  const periodSeconds = fields.rotation_period ?? before?.periodSeconds;
  if (periodSeconds === undefined) throw brokerFailure('bad-request', 'missing "rotation_period" parameter');
  if (periodSeconds < shortestPeriodSeconds) {
    const text = `role rotation period out of range: must be greater than ${shortestPeriodSeconds.toFixed(2)} seconds`;
    throw brokerFailure('engine-failed', goError(text));
  }
  return { ...account, userName, userId, periodSeconds: Math.floor(periodSeconds) };
}

function checkAccount({ assumeRoleArn }: StaticAccount): void {
  const problem = assumeRoleArn === '' ? undefined : arnProblem('role', assumeRoleArn);
  if (problem !== undefined) throw brokerFailure('bad-request', `assume_role_arn: ${problem}`);
}

function stillEnding({ name }: StaticRole): Error {
  return brokerFailure('engine-failed', goError(`the static role ${goQuote(name)} is still being deleted`), {
    hint: 'its key is not gone from AWS yet; the server keeps trying, ask again then',
  });
}

// The record stays, unseen, until the key is gone: killed in between, the sweeper finds it.
async function deleteRole(
  { rotator, clock }: StaticRoleParts,
  home: StaticHome,
  found: StaticRole | undefined,
): Promise<EngineAnswer> {
  if (found === undefined) return {};
  await home.schedule(clock.now() + soonMillis);
  const role = await home.store((now) => (now === undefined ? undefined : { ...now, ending: true }));
  if (role === undefined) return {};
  const prefix = `failed to clean credentials while deleting role ${goQuote(role.name)}: `;
  try {
    await rotator.goOn(home, textsOf(role));
    await endRole(home, (await home.load()) ?? role);
  } catch (error) {
    throw innerFailure(`${prefix}couldn't delete from IAM: `, (error as Error).cause ?? error);
  }
  return {};
}

async function endRole(home: StaticHome, role: StaticRole): Promise<void> {
  if (role.key !== null) {
    const { DeleteAccessKeyCommand } = await iamSdk();
    const { iam } = await home.reach(role);
    const { userName: UserName } = role;
    await orMissing(iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: role.key.accessKeyId })));
    await home.store((now) => (now === undefined ? undefined : { ...now, key: null }));
  }
  // A key that a broken rotation may have left is still looked for.
  if (role.rotation === null) await home.forget({ ending: true });
}
