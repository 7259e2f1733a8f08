// Certificate and key of the listener: read from their files at the start and again when asked, so that a
// renewed certificate is served without an end of the connections that are open.
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { brokerFailure } from '../failures.ts';

export interface TlsFiles {
  /** PEM: the certificate, then those that lead to a known authority. */
  readonly cert: string;
  /** PEM, unencrypted. */
  readonly key: string;
  readonly minVersion: '1.2' | '1.3';
}

/** @throws Failure `tls-invalid` when a file cannot be read or the two do not belong together. */
export function readTls({ cert, key, minVersion }: TlsFiles): SecureContextOptions {
  const read: SecureContextOptions = {
    cert: readPem(cert, 'certificate'),
    key: readPem(key, 'key'),
    minVersion: minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
  };
  try {
    createSecureContext(read);
    return read;
  } catch (error) {
    throw brokerFailure('tls-invalid', `\`${cert}\` and \`${key}\` cannot be used: ${reasonOf(error)}`, {
      hint: 'the first holds the certificate, the second its own key, both as PEM and without a password',
      cause: error,
    });
  }
}

function readPem(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw brokerFailure('tls-invalid', `the ${what} \`${file}\` cannot be read (${code})`, {
      hint: 'name a file that exists and that the server may read',
      cause: error,
    });
  }
}

// SECURITY: OpenSSL's reasons name what is wrong, never a byte of the key.
function reasonOf(error: unknown): string {
  const { reason, code = 'unknown reason' } = error as { reason?: string; code?: string };
  return reason ?? code;
}
