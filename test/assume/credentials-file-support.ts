// A section of a credentials file as Stint writes it, and what it is written from.
import { Secret } from '../../src/base/index.ts';
import { type SectionContent } from '../../src/assume/credentials-file-text.ts';

export const end = Date.parse('2026-01-01T01:00:00Z');

export function content(name = 'lent', serial = '1'): SectionContent {
  const session = {
    accessKeyId: `ASIA${serial}`,
    secretAccessKey: new Secret(`secret ${serial}`),
    sessionToken: new Secret(`token ${serial}`),
    expiration: end,
  };
  return { name, session, region: 'eu-west-1' };
}

export const section = (serial = '1', eol = '\n'): string =>
  [
    '[lent]',
    'manager = stint',
    `aws_access_key_id = ASIA${serial}`,
    `aws_secret_access_key = secret ${serial}`,
    `aws_session_token = token ${serial}`,
    'region = eu-west-1',
    'expiration = 2026-01-01T01:00:00Z',
    '',
  ].join(eol);
