// The tables of what users and accounts hold besides keys and passwords: SSH public keys, certificates and
// credentials for one service. Rows of a user stand under its lower-case name: `USER/ID`; the root user's under `/ID`.
import type { Millis } from '../../../base/index.ts';
import { tableName, type TableName } from '../../world.ts';
import { idsUnder, rowId, type Place } from './entities.ts';
import { invalidInput } from './failures.ts';
import type { Tag, User } from './model.ts';

export type Status = 'Active' | 'Inactive';

export interface SshPublicKey {
  /** `APKA…`. */
  readonly id: string;
  /** The key as it travels in SSH (RFC 4253, section 6.6), in base64. */
  readonly wire: string;
  readonly fingerprint: string;
  readonly status: Status;
  readonly uploadedAt: Millis;
}

export interface SigningCertificate {
  readonly id: string;
  readonly body: string;
  readonly status: Status;
  readonly uploadedAt: Millis;
}

export interface ServiceCredential {
  /** `ACCA…`. */
  readonly id: string;
  /** `codecommit.amazonaws.com`. */
  readonly service: string;
  /** User name or alias that goes with the secret: `jane-at-111111111111`. It stays when the user is renamed. */
  readonly login: string;
  readonly status: Status;
  readonly createdAt: Millis;
  readonly expiresAt?: Millis | undefined;
}

export interface ServerCertificate {
  readonly name: string;
  readonly path: string;
  /** `ASCA…`. */
  readonly id: string;
  readonly arn: string;
  readonly body: string;
  readonly chain?: string | undefined;
  readonly uploadedAt: Millis;
  readonly expiresAt: Millis;
  readonly tags: readonly Tag[];
}

export const sshPublicKeys = tableName<SshPublicKey>('iam.ssh-public-key');
export const signingCertificates = tableName<SigningCertificate>('iam.signing-certificate');
/** Id: the certificate's. Which certificates are in use in the account. */
export const signingCertificateIds = tableName<true>('iam.signing-certificate-id');
export const serviceCredentials = tableName<ServiceCredential>('iam.service-credential');
/** Id: the credential's → lower-case name of its user. */
export const serviceCredentialOwners = tableName<{ readonly user: string }>('iam.service-credential-owner');
/** Id: service, a space, login in lower case. Which logins are taken in the account. */
export const serviceLogins = tableName<true>('iam.service-login');
/** Id: lower-case name. */
export const serverCertificates = tableName<ServerCertificate>('iam.server-certificate');

/** Prefix of a user's rows; of the root user's without one. */
export function ownerPrefix(user: Pick<User, 'name'> | undefined): string {
  return `${user === undefined ? '' : rowId(user.name)}/`;
}

/** Carries a user's rows over to its new name. */
export function moveOwnedRows<Value>(
  place: Place,
  table: TableName<Value>,
  from: string,
  to: string,
  moved: (value: Value) => Value = (value) => value,
): void {
  const rows = place.world.table(table);
  for (const [id, value] of idsUnder(place, table, from)) {
    rows.delete(place.account, from + id);
    rows.put(place.account, to + id, moved(value));
  }
}

/** The statuses a caller may set. @throws InvalidInput for `Expired`, which only time sets */
export function settableStatus(status: string): Status {
  if (status === 'Active' || status === 'Inactive') return status;
  throw invalidInput(`Operation does not support status ${status}`);
}
