// Every code with which the broker refuses or fails. Where Vault has a text for the same refusal, the
// message is Vault's text, because clients match on it.
import { failuresOf } from '../base/index.ts';

export const brokerFailure = failuresOf({
  'bad-request': { status: 400, when: 'a request is malformed, or a field of it is missing or wrong' },
  'field-missing': { status: 500, when: 'a field is missing where Vault answers with 500' },
  'invalid-role': { status: 400, when: 'a role of the AWS engine breaks one or more rules' },
  'role-not-found': { status: 400, when: 'credentials were asked for a role that does not exist' },
  'lease-not-found': { status: 400, when: 'a lease id is unknown, or its lease has ended' },
  'lease-expired': { status: 400, when: 'a lease was to be renewed after its end' },
  'lease-not-renewable': { status: 400, when: 'a lease was to be renewed that only time ends' },
  'permission-denied': {
    status: 403,
    when: 'the token is missing, unknown, ended, or its policies do not allow the call',
  },
  'bad-token': { status: 403, when: 'a token to be looked up or revoked does not exist' },
  'login-refused': {
    status: 400,
    when: 'the credentials of a login are wrong, or its role does not let the caller in',
  },
  'login-locked': { status: 403, when: 'a login failed too often in a row, so that it is refused for a while' },
  'renewal-refused': { status: 500, when: 'a token is not renewed because the user or role of its login changed' },
  'method-failed': { status: 500, when: 'an auth method refused a call for which Vault, too, answers with 500' },
  'wrapping-invalid': { status: 400, when: 'a wrapping token does not exist, was used before, or its time is over' },
  'token-not-renewed': {
    status: 500,
    when: 'the role or auth method that a token came from is gone, so it is not renewed',
  },
  'host-refused': { status: 403, when: 'Host or Origin of a request to a loopback address names another site' },
  sealed: { status: 503, when: 'the server is sealed and has to be unsealed first' },
  'not-found': { status: 404, when: 'nothing is stored at a path' },
  'page-not-built': { status: 404, when: 'the web page is asked for where the server has none that is built' },
  'no-route': { status: 404, when: 'no engine or system path serves the asked path' },
  'unsupported-operation': { status: 405, when: 'the path exists but does not serve this method' },
  'body-too-large': { status: 413, when: 'a request body is larger than the server allows, 32 MiB unless configured' },
  'media-type-unsupported': { status: 415, when: 'a PATCH does not say that it is a merge patch' },
  'lease-limit-reached': { status: 429, when: 'a rule for the number of leases has no room for one more' },
  'rate-limited': { status: 429, when: 'one address sends more requests than the server allows' },
  'mount-unknown': { status: 400, when: 'a mount is named that does not exist' },
  'mount-invalid': { status: 400, when: 'a mount cannot be made as asked' },
  'identity-invalid': { status: 500, when: 'metadata or members of an identity break a rule; Vault answers with 500' },
  'policy-unknown': { status: 404, when: 'a policy is to be changed that does not exist' },
  'policy-invalid': { status: 400, when: 'the text of a policy cannot be read' },
  'engine-failed': {
    status: 500,
    when: 'an engine could not do its part, for example because a user name template makes too long names',
  },
  'aws-refused': { status: 400, when: 'AWS refused a call of the engine' },
  'aws-throttled': { status: 502, when: 'AWS throttled a call of the engine beyond its retries' },
  'aws-unreachable': { status: 502, when: 'AWS did not answer a call of the engine' },
  'grant-undone': { status: 409, when: 'a lease was revoked while its credentials were being made' },
  'revoke-incomplete': { status: 400, when: 'a revoke did not succeed yet; the server keeps trying' },
  'storage-failed': { status: 500, when: 'the store cannot read or write, for example because the disk is full' },
  'storage-in-use': { status: 500, when: 'another process has the same store open' },
  'store-tampered': { status: 500, when: 'a stored value was changed by somebody else, or its key is wrong' },
  'store-too-new': { status: 500, when: 'the store was written by a newer Stint' },
  'pgp-unsupported': { status: 400, when: 'shares or a root token were to be encrypted with a PGP key' },
  'seal-mismatch': { status: 500, when: 'the store was initialised with another kind of seal than the server has' },
  'snapshot-damaged': { status: 400, when: 'what was given to restore is no snapshot, or not whole' },
  'snapshot-foreign': { status: 400, when: 'a snapshot is of another server, or of other unseal keys' },
  'leases-left': { status: 409, when: 'a restore would forget leases of this server that have not ended' },
  'seal-unreadable': { status: 500, when: 'the key of the local seal is missing or damaged' },
  'audit-invalid': { status: 400, when: 'an audit device cannot be made as asked' },
  'audit-failed': { status: 500, when: 'no audit device accepted the record of a request' },
  'tls-invalid': { status: 500, when: 'certificate or key of the listener cannot be read, or do not belong together' },
  'port-in-use': { status: 500, when: 'the address to listen on is taken' },
  'address-invalid': { status: 500, when: 'the address to listen on cannot be read or used' },
});

/** How much of a failure an error body may carry: the public texts, never `detail` or `cause`. */
export interface PublicError {
  readonly status: number;
  readonly errors: readonly string[];
  readonly hint?: string;
}
