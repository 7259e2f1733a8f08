// AssumeRoleWithSAML. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html
import { createHash } from 'node:crypto';
import type { AssumeRoleWithSAMLRequest, AssumeRoleWithSAMLResponse } from '@aws-sdk/client-sts';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { validationError } from '../iam/failures.ts';
import { samlProviderOf, type SamlProvider } from '../iam/identity-providers.ts';
import type { Parsed } from '../iam/shapes.ts';
import {
  accountOfRole,
  checkSessionName,
  checkSourceIdentity,
  checkTagForm,
  federatedPermissions,
  federatedSession,
  invalidIdentityToken,
  notAuthorized,
  type Vouched,
} from './federation.ts';
import { attributeKeys, type SamlAttributes } from './saml-attributes.ts';
import { readResponse, type SamlAssertion } from './saml-response.ts';

type Input = Parsed<AssumeRoleWithSAMLRequest>;

/** Whatever the assertion says of its end, and by how much its maker's clock may be ahead. */
const redeemMillis = 300_000;
const leewayMillis = 300_000;

const endpoint =
  /^https:\/\/(?:[a-z0-9-]+\.)?signin\.(?:aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn)\/(?:static\/)?saml(?:\/acs\/[\w.-]+)?$/;
const audience = /^urn:amazon:webservices(?::[a-z0-9-]+)?$/;

export const assumeRoleWithSaml = operation<Input, AssumeRoleWithSAMLResponse, SamlAssertion>({
  depth: 'Encrypted assertions are refused. PackedPolicySize is an approximation.',
  prepare: (input, call) => readResponse(input.SAMLAssertion, needProvider(input, call)),
  permissions: (input, call, assertion) => federatedPermissions(input, call, readIdentity(input, call, assertion)),
  handle: (input, call, assertion) => {
    const identity = readIdentity(input, call, assertion);
    const { subject, subjectType, nameQualifier } = identity;
    return {
      ...federatedSession(input, call, identity),
      Subject: subject,
      SubjectType: subjectType,
      Issuer: assertion.issuer,
      Audience: assertion.recipient,
      NameQualifier: nameQualifier,
    };
  },
});

/** The provider, which must be of the role's account. @throws ValidationError, InvalidIdentityToken */
function needProvider(input: Input, call: Call): SamlProvider {
  const account = accountOfRole(input, call);
  if (!/^arn:[\w-]+:iam::\d{12}:saml-provider\/./.test(input.PrincipalArn)) {
    throw validationError('Principal ARN is invalid');
  }
  const provider = samlProviderOf(call, input.PrincipalArn);
  if (provider === undefined || provider.arn.split(':')[4] !== account) {
    throw invalidIdentityToken("Specified provider doesn't exist");
  }
  return provider;
}

interface SamlIdentity extends Vouched {
  readonly subject: string;
  readonly subjectType: string;
  readonly nameQualifier: string;
}

/**
 * What the assertion gives now, for this role and provider.
 * @throws InvalidIdentityToken, ExpiredTokenException, AccessDenied
 */
function readIdentity(input: Input, call: Call, assertion: SamlAssertion): SamlIdentity {
  const provider = needProvider(input, call);
  const now = call.clock.now();
  checkTimes(assertion, provider, now);
  checkRecipients(assertion);
  const { subject, attributes } = assertion;
  const sessionName = checkSessionName(own(attributes, 'RoleSessionName')[0]);
  if (subject === undefined || !namesPair(attributes, input)) throw notAuthorized(call);
  const account = provider.arn.split(':')[4]!;
  const subjectType = subject.format.replace(/^urn:oasis:names:tc:SAML:2\.0:nameid-format:/, '');
  const nameQualifier = createHash('sha1').update(`${assertion.issuer}${account}/${provider.name}`).digest('base64');
  const lasting = { 'saml:namequalifier': nameQualifier, 'saml:sub': subject.name, 'saml:sub_type': subjectType };
  return {
    provider: provider.arn,
    subject: subject.name,
    subjectType,
    nameQualifier,
    sessionName,
    sourceIdentity: checkSourceIdentity(own(attributes, 'SourceIdentity')[0]),
    tags: checkTagForm(tagsOf(attributes)),
    transitiveTagKeys: own(attributes, 'TransitiveTagKeys'),
    keys: {
      ...attributeKeys(attributes),
      ...lasting,
      'saml:aud': assertion.recipient,
      'saml:iss': assertion.issuer,
      'saml:doc': `${account}/${provider.name}`,
    },
    sessionKeys: lasting,
    mostSeconds: mostSeconds(assertion, now),
  };
}

function checkTimes(assertion: SamlAssertion, { validUntil }: SamlProvider, now: number): void {
  if (validUntil !== undefined && now >= validUntil) {
    throw invalidIdentityToken('The metadata of the specified provider has expired');
  }
  if (now >= Math.min(assertion.notOnOrAfter, assertion.issuedAt + redeemMillis)) {
    throw awsFailure('ExpiredTokenException', 'Token must be redeemed within 5 minutes of issuance', { status: 400 });
  }
  if (now + leewayMillis < Math.max(assertion.notBefore, assertion.issuedAt)) {
    throw invalidIdentityToken('The SAML assertion is not valid yet');
  }
}

function checkRecipients({ recipient, audiences }: SamlAssertion): void {
  if (!endpoint.test(recipient)) throw invalidIdentityToken('The recipient of the SAML assertion is not AWS');
  const isForAws = (name: string): boolean => audience.test(name) || endpoint.test(name);
  if (audiences.every((names) => names.some(isForAws))) return;
  throw invalidIdentityToken('Response does not contain the required audience.');
}

const start = 'https://aws.amazon.com/SAML/Attributes/';

/** Values of one of AWS's own attributes. */
function own(attributes: SamlAttributes, name: string): readonly string[] {
  return attributes.get(start + name) ?? [];
}

/** Role and provider, in either order. */
function namesPair(attributes: SamlAttributes, { RoleArn: role, PrincipalArn: principal }: Input): boolean {
  return own(attributes, 'Role').some((value) => {
    const parts = value.split(',').map((part) => part.trim());
    return parts.length === 2 && parts.includes(role) && parts.includes(principal);
  });
}

function tagsOf(attributes: SamlAttributes): Vouched['tags'] {
  const prefix = `${start}PrincipalTag:`;
  return [...attributes]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, values]) => {
      if (values.length > 1) throw invalidIdentityToken(`${name} has more than one value`);
      return { key: name.slice(prefix.length), value: values[0] ?? '' };
    });
}

/** Both only shorten: the attribute SessionDuration, and SessionNotOnOrAfter. @throws InvalidIdentityToken */
function mostSeconds({ attributes, sessionEnd }: SamlAssertion, now: number): number | undefined {
  const [text] = own(attributes, 'SessionDuration');
  const asked = text === undefined ? Infinity : Number(text);
  if (text !== undefined && !(Number.isInteger(asked) && asked >= 900 && asked <= 43_200)) {
    throw invalidIdentityToken('SessionDuration in AuthnResponse must be a number of seconds from 900 to 43200');
  }
  const left = sessionEnd === undefined ? Infinity : Math.floor((sessionEnd - now) / 1000);
  if (left <= 0) {
    throw awsFailure('ExpiredTokenException', 'The session of the SAML assertion has ended', { status: 400 });
  }
  const most = Math.min(asked, left);
  return most === Infinity ? undefined : most;
}
