// The QR code by which an authenticator app learns the seed of a virtual MFA device. Its encoder is loaded when
// the first device is made.
import type { Call } from '../../call.ts';
import { accountAliases } from './model.ts';

/** Pixels of one module. */
const scale = 4;

/**
 * PNG of `otpauth://totp/DEVICE@ACCOUNT?secret=SEED`; the account goes by its alias when it has one.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html
 */
export async function qrCodePng(call: Call, deviceName: string, seed: string): Promise<Uint8Array> {
  const [{ correction, generate }, { toPngBuffer }] = await Promise.all([
    import('lean-qr'),
    import('lean-qr/extras/node_export'),
  ]);
  const account = call.world.table(accountAliases).get(call.account, call.account)?.alias ?? call.account;
  const label = `${encodeURIComponent(deviceName)}@${account}`;
  const code = generate(`otpauth://totp/${label}?secret=${seed}`, { minCorrectionLevel: correction.M });
  return toPngBuffer(code, { scale });
}
