// What a program needs to call the embedded AWS as somebody: an SDK client's configuration, or an environment.
import { nearestName } from '../base/index.ts';
import type { AccountCredentials, CloudCredentials } from './credentials-file.ts';
import { cloudFailure } from './failures.ts';

/** What every client of the AWS SDK is made with. */
export interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface CallerOptions {
  /** The root user instead of the user `admin`. */
  readonly root?: boolean | undefined;
}

/**
 * The credentials of an account, by its name or id.
 * @throws Failure `unknown-account`, with the nearest name.
 */
export function accountNamed({ accounts }: CloudCredentials, wanted: string): AccountCredentials {
  const found = Object.entries(accounts).find(([id, { name }]) => id === wanted || name === wanted)?.[1];
  if (found !== undefined) return found;
  const names = Object.values(accounts).map(({ name }) => name);
  const near = nearestName(wanted, names);
  throw cloudFailure('unknown-account', `there is no account \`${wanted}\``, {
    hint: near === undefined ? `the accounts are ${names.slice(0, 20).join(', ')}` : `did you mean \`${near}\`?`,
  });
}

/** @throws Failure `unknown-account` */
export function clientConfig(
  credentials: CloudCredentials,
  account: string,
  { root = false }: CallerOptions = {},
): ClientConfig {
  const named = accountNamed(credentials, account);
  const { accessKeyId, secretAccessKey } = root ? named.root : named;
  const { endpoint, region } = credentials;
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
}

/** The variables that lead AWS CLI, SDKs and Terraform here. @throws Failure `unknown-account` */
export function callerEnvironment(
  credentials: CloudCredentials,
  account: string,
  options: CallerOptions = {},
): Readonly<Record<string, string>> {
  const { endpoint, region, credentials: keys } = clientConfig(credentials, account, options);
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
  };
}
