// Answers that several STS operations share.
import type { Credentials } from '@aws-sdk/client-sts';
import type { Credential, Session } from '../../credential.ts';

export function credentialsShape(credential: Credential & { readonly session: Session }): Credentials {
  return {
    AccessKeyId: credential.accessKeyId,
    SecretAccessKey: credential.secretAccessKey.reveal(),
    SessionToken: credential.session.token.reveal(),
    Expiration: new Date(credential.session.expiresAt),
  };
}
