// The codes of everything that can go wrong between a target and its credentials.
import { failuresOf, type FailureKind } from '../base/index.ts';

export const assumeFailures = {
  'config-unreadable': { status: 400, when: 'A file named by AWS_CONFIG_FILE or its like exists but cannot be read.' },
  'config-syntax': { status: 400, when: 'A line of ~/.aws/config or ~/.aws/credentials is not what AWS defines.' },
  'profile-incomplete': {
    status: 400,
    when: 'A profile names a role without saying whose credentials assume it, or half a key pair.',
  },
  'profile-conflict': { status: 400, when: 'A profile says two things that exclude each other.' },
  'profile-circular': {
    status: 400,
    when: 'Following source_profile or credential_process leads back to where it began.',
  },
  'unknown-target': { status: 404, when: 'The target is neither a profile, nor a role of the definition, nor an ARN.' },
  'unknown-profile': { status: 404, when: 'A profile is named that no file defines.' },
  'setting-invalid': {
    status: 400,
    when: 'A value in ~/.aws, in a variable or in a definition is not what AWS takes.',
  },
  'invalid-option': { status: 400, when: 'An option, or a target as it was typed, is not what AWS takes.' },
  'no-credentials': { status: 401, when: 'Nothing says which credentials to begin with.' },
  'process-failed': {
    status: 502,
    when: 'A credential_process, mfa_process or the like could not be run, failed, or printed something else than it should.',
  },
  'metadata-failed': {
    status: 502,
    when: 'The metadata service of the instance, or the endpoint of the container, gave no credentials.',
  },
  'token-refused': {
    status: 401,
    when: 'A web identity token cannot be read, or AWS does not take it.',
  },
  'sso-sign-in-needed': {
    status: 401,
    when: 'Nobody is signed in to IAM Identity Center, and there is no terminal to sign in at.',
  },
  'sso-sign-in-failed': {
    status: 401,
    when: 'A sign-in to IAM Identity Center was refused, given up, or took too long.',
  },
  'sso-refused': { status: 403, when: 'IAM Identity Center does not give that role of that account to the person.' },
  'sso-failed': { status: 502, when: 'IAM Identity Center, or the sign-in service, answered with an error.' },
  'sso-unreachable': {
    status: 502,
    when: 'IAM Identity Center, or the sign-in service, could not be reached, or did not answer in time.',
  },
  'sso-unwritable': {
    status: 500,
    when: 'A sign-in cannot be kept: its folder in ~/.aws cannot be found or written.',
  },
  'login-needed': { status: 401, when: 'What `aws login` left is missing, damaged, or has ended for good.' },
  'mfa-needed': { status: 401, when: 'A code is needed and there is no terminal to ask for it.' },
  'mfa-reused': { status: 403, when: 'The MFA code was sent for that device already; AWS takes each once.' },
  'mfa-refused': { status: 403, when: 'AWS refused the MFA code or does not know the device.' },
  'access-denied': {
    status: 403,
    when: 'AWS refused the call: the caller may not make it, or the role does not trust the caller.',
  },
  'credentials-refused': { status: 401, when: 'AWS does not know the keys, or their signature is wrong.' },
  'credentials-malformed': {
    status: 502,
    when: 'Keys that a file, a program or a server gave are empty, or hold letters that no key has, such as line ends.',
  },
  'credentials-expired': { status: 401, when: 'The session that the call was made with has ended.' },
  'clock-skew': { status: 401, when: "This machine's clock differs too much from AWS's." },
  'duration-refused': { status: 400, when: 'The wanted duration is more than the role, or AWS, allows.' },
  'policy-refused': { status: 400, when: 'AWS refused the session policy.' },
  'region-disabled': { status: 403, when: 'STS is not switched on in that region for the account.' },
  'sts-throttled': { status: 503, when: 'AWS asked to slow down, also after several tries.' },
  'sts-failed': { status: 502, when: 'AWS refused the call with a code that has no cure of its own here, or failed.' },
  'sts-unreachable': { status: 502, when: 'The STS endpoint could not be reached, or did not answer in time.' },
  'cache-version': { status: 409, when: 'A kept session was written by a newer Stint.' },
  'cache-unsafe': { status: 403, when: 'The folder of kept sessions belongs to someone else.' },
  'lock-busy': { status: 503, when: 'Another Stint is fetching the same session and does not come to an end.' },
  'command-not-found': { status: 404, when: 'The command given to `stint exec` cannot be found or run.' },
  'console-unavailable': {
    status: 400,
    when: 'The console cannot be opened with such a session, or in that partition.',
  },
  'signin-refused': { status: 403, when: 'The sign-in endpoint of the console gave no token for the session.' },
  'signin-unreachable': { status: 502, when: 'The sign-in endpoint of the console could not be reached.' },
  'browser-failed': { status: 500, when: 'No browser could be started, or the browser command failed.' },
  'section-foreign': {
    status: 409,
    when: 'A section or profile of that name is there, and Stint did not write it.',
  },
  'credentials-file-unsafe': {
    status: 400,
    when: 'The credentials file is nothing that Stint changes: huge, binary, read-only, or not yours.',
  },
  'credentials-file-unwritable': { status: 500, when: 'The credentials file, or its backup, cannot be written.' },
  'request-unsupported': { status: 400, when: 'A reason was given for a target that nobody decides about.' },
  'keyring-unavailable': { status: 503, when: 'The keyring that STINT_KEYRING names cannot be used.' },
  'not-started': { status: 499, when: 'A command for many targets was ended before it came to this one.' },
  interrupted: { status: 499, when: 'The person ended the command while it waited.' },
} as const satisfies Readonly<Record<string, FailureKind>>;

export const failure = failuresOf(assumeFailures);
