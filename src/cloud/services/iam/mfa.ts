// Checking the MFA code that comes with a request: SerialNumber and TokenCode of STS.
import type { Failure } from '../../../base/index.ts';
import type { Call } from '../../call.ts';
import { rowId } from './entities.ts';
import { accessDenied } from './failures.ts';
import { mfaDevices, type MfaDevice } from './model.ts';
import { matchingStep } from './totp.ts';

export interface MfaInput {
  readonly SerialNumber?: string | undefined;
  readonly TokenCode?: string | undefined;
}

/** A device whose code was right, and the step of the code. */
export interface GivenMfa {
  readonly device: MfaDevice;
  readonly step: number;
}

/** Steps a code may be early or late: AWS lets a device's clock be off a little. */
const drift = 1;

/**
 * The caller's own device, when the request carries its code; undefined when it carries none. Reads only.
 * @throws AccessDenied
 */
export function givenMfa(input: MfaInput, call: Call): GivenMfa | undefined {
  const { SerialNumber: serial, TokenCode: code } = input;
  if (serial === undefined && code === undefined) return undefined;
  if (serial === undefined || code === undefined) {
    throw accessDenied('MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.');
  }
  const device = call.world.table(mfaDevices).get(call.account, serial);
  if (device?.user === undefined || device.user !== callerName(call)) throw unknownDevice();
  const step = matchingStep(device.seed.reveal(), code, {
    now: call.clock.now(),
    drift,
    after: device.lastStep ?? -1,
  });
  if (step === undefined) {
    throw accessDenied('MultiFactorAuthentication failed with invalid MFA one time pass code. ');
  }
  return { device, step };
}

/** Takes the code, so that it does not work twice. */
export function spendMfa(given: GivenMfa, call: Call): void {
  const table = call.world.table(mfaDevices);
  table.put(call.account, given.device.serialNumber, { ...given.device, lastStep: given.step });
}

function callerName(call: Call): string | undefined {
  if (call.principal.type === 'Root') return '';
  return call.principal.type === 'User' ? rowId(call.principal.userName) : undefined;
}

function unknownDevice(): Failure {
  return accessDenied(
    'MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.',
  );
}
