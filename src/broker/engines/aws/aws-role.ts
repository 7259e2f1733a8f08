// A role of the AWS engine, as it is stored.

export const credentialTypes = ['iam_user', 'assumed_role', 'federation_token', 'session_token'] as const;
export type CredentialType = (typeof credentialTypes)[number];

/** Null: never given. */
export interface AwsRole {
  readonly version: 2;
  /** One, or the two that a legacy policy may have meant. */
  readonly credentialTypes: readonly CredentialType[];
  readonly roleArns: readonly string[] | null;
  readonly policyArns: readonly string[] | null;
  /** Compact JSON, or empty. */
  readonly policyDocument: string;
  readonly iamGroups: readonly string[] | null;
  readonly iamTags: Readonly<Record<string, string>> | null;
  readonly sessionTags: Readonly<Record<string, string>> | null;
  readonly externalId: string;
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly userPath: string;
  readonly boundaryArn: string;
  readonly mfaSerial: string;
  /** Of a legacy role: `creds/` lends users only, `sts/` sessions only. */
  readonly prohibitFlexiblePath: boolean;
}

export const emptyRole: AwsRole = {
  version: 2,
  credentialTypes: [],
  roleArns: null,
  policyArns: null,
  policyDocument: '',
  iamGroups: null,
  iamTags: null,
  sessionTags: null,
  externalId: '',
  defaultTtlSeconds: 0,
  maxTtlSeconds: 0,
  userPath: '',
  boundaryArn: '',
  mfaSerial: '',
  prohibitFlexiblePath: false,
};
