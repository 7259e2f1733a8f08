// A new root token out of shares: Vault's sys/generate-root/…, which whoever holds shares may call, and
// OpenBao's sys/generate-root-token/…, which also needs a token; sys/decode-token undoes the encoding.
import { randomText, type Random } from '../../base/index.ts';
import { bare, done, enveloped, served, type Answer, type Call, type Served } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import type { WireValue } from '../http/wire.ts';
import type { Handlers } from '../pipeline.ts';
import { decodeToken, passwordLength, type RootCeremony } from '../seal/root-ceremony.ts';
import { checkNoPgp, shareOf } from './shares.ts';

type Names = 'generateRoot' | 'generateRootUpdate' | 'rootToken' | 'rootTokenUpdate' | 'decodeToken';

export function generateRootHandlers(ceremony: RootCeremony, random: Random): Pick<Handlers, Names> {
  const open = handlersOf(ceremony, random, 'open');
  const withToken = handlersOf(ceremony, random, 'with-token');
  return {
    generateRoot: open.attempt,
    generateRootUpdate: open.update,
    rootToken: withToken.attempt,
    rootTokenUpdate: withToken.update,
    decodeToken: served('Decodes a root token with its one-time password.', decodeFields, async (call, values) => {
      const { encoded_token: encoded = '', otp = '' } = values;
      if (encoded === '' || otp === '') {
        throw brokerFailure('bad-request', "provided 'encoded_token' or 'otp' is empty");
      }
      const decoded = decodeToken(encoded, otp);
      if (typeof decoded === 'string') throw brokerFailure('bad-request', decoded);
      return enveloped(call, { data: { token: decoded.token } });
    }),
  };
}

const decodeFields = { encoded_token: 'string', otp: 'string' } as const;
const attemptFields = { otp: 'string', pgp_key: 'string' } as const;
const updateFields = { key: 'string', nonce: 'string' } as const;

/** `open` answers without the envelope, as Vault does where no token is asked for. */
type Kind = 'open' | 'with-token';

function handlersOf(
  ceremony: RootCeremony,
  random: Random,
  kind: Kind,
): { readonly attempt: Served; readonly update: Served } {
  return {
    attempt: served('Starts, shows or cancels the making of a root token.', attemptFields, async (call, values) => {
      if (call.operation === 'delete') {
        await ceremony.cancel();
        return done();
      }
      const drawn = call.operation === 'read' ? '' : await start(ceremony, random, values);
      return shaped(kind, call, await status(ceremony, drawn));
    }),
    update: served('Gives one share.', updateFields, async (call, values) => {
      const { key, nonce } = givenShare(kind, values);
      const { progress, token } = await ceremony.give(shareOf(key.trim()), nonce);
      const { needed } = await ceremony.status();
      const complete = token !== '';
      return shaped(kind, call, {
        nonce,
        started: true,
        progress,
        required: needed,
        complete,
        encoded_token: token,
        ...(kind === 'open' ? { encoded_root_token: token, otp: '', otp_length: 0 } : {}),
        pgp_fingerprint: '',
      });
    }),
  };
}

/** Returns the password when the server drew it: the one time that it leaves. */
async function start(
  ceremony: RootCeremony,
  random: Random,
  { otp = '', pgp_key }: FieldValues<typeof attemptFields>,
): Promise<string> {
  checkNoPgp('pgp_key', pgp_key);
  const drawn = otp === '' ? randomText(random, passwordLength) : '';
  await ceremony.start(otp === '' ? drawn : otp);
  return drawn;
}

function givenShare(
  kind: Kind,
  { key = '', nonce = '' }: FieldValues<typeof updateFields>,
): { readonly key: string; readonly nonce: string } {
  if (kind === 'with-token' && nonce === '') throw brokerFailure('bad-request', 'nonce is required');
  if (key !== '') return { key, nonce };
  throw brokerFailure(
    'bad-request',
    kind === 'open' ? "'key' must be specified in request body as JSON" : 'key is required',
  );
}

type Body = Readonly<Record<string, WireValue>>;

function shaped(kind: Kind, call: Call, body: Body): Answer {
  return kind === 'open' ? bare(body) : enveloped(call, { data: body });
}

async function status(ceremony: RootCeremony, drawn: string): Promise<Body> {
  const { started, nonce, progress, needed } = await ceremony.status();
  return {
    nonce,
    started,
    progress,
    required: needed,
    complete: false,
    encoded_token: '',
    encoded_root_token: '',
    pgp_fingerprint: '',
    otp: drawn,
    otp_length: passwordLength,
  };
}
