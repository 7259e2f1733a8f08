// Virtual MFA devices: made, assigned by two codes in a row, taken away.
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call, type Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { Secret } from '../../../base/index.ts';
import { arnOf, idsUnder, need, permissionOn, permissionOnAll, rowId, userNoun } from './entities.ts';
import { alreadyExists, deleteConflict, noSuchEntity, quotaExceeded } from './failures.ts';
import { base32Text } from './ids.ts';
import { mfaDevices, mfaOfUser, type MfaDevice, type User } from './model.ts';
import { ownerOf, permissionOnOwner } from './owners.ts';
import { afterMarker, pageOf } from './page.ts';
import { qrCodePng } from './qr-code.ts';
import { userShape, type Parsed } from './shapes.ts';
import { checkTags, mergeTags, requestTagKeys, resourceTagKeys, type ConditionKeys } from './tags.ts';
import { codeAt, matchingStep } from './totp.ts';

/** Characters of the seed AWS makes: 320 bits. */
const seedLength = 64;
/** Steps a device's clock may be off when it is enabled. */
const enablingDrift = 10;

export function permissionOnDevice(
  call: Call,
  action: string,
  serialNumber: string,
  context: ConditionKeys = {},
): Permission {
  const device = call.world.table(mfaDevices).get(call.account, serialNumber);
  return {
    action: `iam:${action}`,
    resource: serialNumber,
    context: { ...resourceTagKeys(device?.tags ?? []), ...context },
  };
}

/** @throws NoSuchEntity */
export function needDevice(call: Call, serialNumber: string): MfaDevice {
  const device = call.world.table(mfaDevices).get(call.account, serialNumber);
  if (device === undefined) throw noSuchEntity(`VirtualMFADevice with serial number ${serialNumber} does not exist.`);
  return device;
}

export function saveDevice(call: Call, device: MfaDevice): void {
  call.world.table(mfaDevices).put(call.account, device.serialNumber, device);
}

const createVirtualMfaDevice = operation<Parsed<Sdk.CreateVirtualMFADeviceRequest>, Sdk.CreateVirtualMFADeviceResponse>(
  {
    permissions: (input, call) => {
      const resource = arnOf(call, 'mfa', input.Path ?? '/', input.VirtualMFADeviceName);
      const tags = requestTagKeys(input.Tags);
      return [
        { action: 'iam:CreateVirtualMFADevice', resource, context: tags },
        ...(input.Tags?.length ? [{ action: 'iam:TagMFADevice', resource, context: tags }] : []),
      ];
    },
    handle: async (input, call) => {
      const path = input.Path ?? '/';
      const serialNumber = arnOf(call, 'mfa', path, input.VirtualMFADeviceName);
      if (call.world.table(mfaDevices).get(call.account, serialNumber) !== undefined) {
        throw alreadyExists('MFADevice entity at the same path and name already exists.');
      }
      const seed = base32Text(call.random, seedLength);
      saveDevice(call, {
        serialNumber,
        name: input.VirtualMFADeviceName,
        path,
        seed: new Secret(seed),
        createdAt: call.clock.now(),
        tags: mergeTags(call.world, [], checkTags(input.Tags, 'exact'), 'exact'),
      });
      return {
        VirtualMFADevice: {
          SerialNumber: serialNumber,
          Base32StringSeed: Buffer.from(seed),
          QRCodePNG: await qrCodePng(call, input.VirtualMFADeviceName, seed),
        },
      };
    },
  },
);

const enableMfaDevice = operation<Parsed<Sdk.EnableMFADeviceRequest>, void>({
  permissions: (input, call) => [permissionOn(userNoun, call, 'EnableMFADevice', input.UserName)],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const device = needDevice(call, input.SerialNumber);
    if (device.user !== undefined) throw alreadyExists('MFA Device is already in use.');
    const limit = call.world.quotas.MFADevicesPerUser;
    const row = `${rowId(user.name)}/`;
    if ([...idsUnder(call, mfaOfUser, row)].length >= limit) throw quotaExceeded('MFADevicesPerUser', limit);
    const lastStep = stepOfPair(call, device, input.AuthenticationCode1, input.AuthenticationCode2);
    saveDevice(call, { ...device, user: rowId(user.name), enabledAt: call.clock.now(), lastStep });
    call.world.table(mfaOfUser).put(call.account, row + device.serialNumber, true);
  },
});

/** The step of the second of two codes in a row. @throws InvalidAuthenticationCode */
function stepOfPair(call: Call, device: MfaDevice, first: string, second: string): number {
  const seed = device.seed.reveal();
  const options = { now: call.clock.now(), drift: enablingDrift, after: device.lastStep ?? -1 };
  const step = matchingStep(seed, first, options);
  if (step === undefined || codeAt(seed, step + 1) !== second) {
    throw awsFailure('InvalidAuthenticationCode', 'Authentication code for device is not valid', { status: 403 });
  }
  return step + 1;
}

const resyncMfaDevice = operation<Parsed<Sdk.ResyncMFADeviceRequest>, void>({
  permissions: (input, call) => [permissionOn(userNoun, call, 'ResyncMFADevice', input.UserName)],
  handle: (input, call) => {
    const device = needDeviceOf(call, need(userNoun, call, input.UserName), input.SerialNumber);
    const lastStep = stepOfPair(call, device, input.AuthenticationCode1, input.AuthenticationCode2);
    saveDevice(call, { ...device, lastStep });
  },
});

/** Name under which devices are assigned: a user's lower-case one, the root user's is empty. */
function holderOf(owner: User | undefined): string {
  return owner === undefined ? '' : rowId(owner.name);
}

/** @throws NoSuchEntity */
function needDeviceOf(call: Call, owner: User | undefined, serialNumber: string): MfaDevice {
  const device = needDevice(call, serialNumber);
  if (device.user !== holderOf(owner))
    throw noSuchEntity(`MFA Device with serial number ${serialNumber} does not exist.`);
  return device;
}

const deactivateMfaDevice = operation<Parsed<Sdk.DeactivateMFADeviceRequest>, void>({
  permissions: (input, call) => permissionOnOwner(input, call, 'DeactivateMFADevice'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    const device = needDeviceOf(call, owner, input.SerialNumber);
    saveDevice(call, { ...device, user: undefined, enabledAt: undefined });
    call.world.table(mfaOfUser).delete(call.account, `${holderOf(owner)}/${device.serialNumber}`);
  },
});

const deleteVirtualMfaDevice = operation<Parsed<Sdk.DeleteVirtualMFADeviceRequest>, void>({
  permissions: (input, call) => [permissionOnDevice(call, 'DeleteVirtualMFADevice', input.SerialNumber)],
  handle: (input, call) => {
    const device = needDevice(call, input.SerialNumber);
    if (device.user !== undefined) throw deleteConflict('MFA VirtualDevice in use. Must deactivate first.');
    call.world.table(mfaDevices).delete(call.account, device.serialNumber);
  },
});

const listMfaDevices = operation<Parsed<Sdk.ListMFADevicesRequest>, Sdk.ListMFADevicesResponse>({
  permissions: (input, call) => permissionOnOwner(input, call, 'ListMFADevices'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    const rows = idsUnder(call, mfaOfUser, `${holderOf(owner)}/`, afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (_, serialNumber) => ({
      UserName: owner?.name,
      SerialNumber: serialNumber,
      EnableDate: new Date(needDevice(call, serialNumber).enabledAt ?? 0),
    }));
    return { MFADevices: [...items], ...page };
  },
});

const listVirtualMfaDevices = operation<Parsed<Sdk.ListVirtualMFADevicesRequest>, Sdk.ListVirtualMFADevicesResponse>({
  permissions: () => [permissionOnAll('ListVirtualMFADevices')],
  handle: (input, call) => {
    const rows = call.world.table(mfaDevices).list(call.account, afterMarker(input.Marker));
    const wanted = input.AssignmentStatus ?? 'Any';
    const { items, ...page } = pageOf(rows, input, (device) =>
      wanted === 'Any' || (wanted === 'Assigned') === (device.user !== undefined)
        ? deviceShape(call, device)
        : undefined,
    );
    return { VirtualMFADevices: [...items], ...page };
  },
});

function deviceShape(call: Call, device: MfaDevice): Sdk.VirtualMFADevice {
  if (device.user === undefined) return { SerialNumber: device.serialNumber };
  return {
    SerialNumber: device.serialNumber,
    User: userShape(need(userNoun, call, device.user), 'listed'),
    EnableDate: new Date(device.enabledAt ?? 0),
  };
}

const getMfaDevice = operation<Parsed<Sdk.GetMFADeviceRequest>, Sdk.GetMFADeviceResponse>({
  permissions: (input, call) => permissionOnOwner(input, call, 'GetMFADevice'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    const device = needDeviceOf(call, owner, input.SerialNumber);
    return {
      ...(owner === undefined ? {} : { UserName: owner.name }),
      SerialNumber: device.serialNumber,
      EnableDate: new Date(device.enabledAt ?? 0),
    };
  },
});

export const mfaDeviceOperations = {
  CreateVirtualMFADevice: createVirtualMfaDevice,
  EnableMFADevice: enableMfaDevice,
  ResyncMFADevice: resyncMfaDevice,
  DeactivateMFADevice: deactivateMfaDevice,
  DeleteVirtualMFADevice: deleteVirtualMfaDevice,
  ListMFADevices: listMfaDevices,
  ListVirtualMFADevices: listVirtualMfaDevices,
  GetMFADevice: getMfaDevice,
};
