// The sign-in service of AWS that renews what `aws login` left. It checks the proof of possession as RFC 9449 says.
import { createHash, createPublicKey, generateKeyPairSync, verify, type JsonWebKey } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { serveJson, type Asked, type Given } from './serve.ts';

export class SignInService {
  url = '';
  readonly calls: Asked[] = [];
  /** Word of a refusal instead of keys: `TOKEN_EXPIRED`… */
  refuse: string | undefined;
  /** An answer instead of the usual one. */
  instead: (asked: Asked) => Given | undefined = () => undefined;
  #refreshToken = 'refresh-0';
  readonly #proofs = new Set<string>();
  /** SEC 1, as the AWS CLI writes it. */
  readonly key = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });

  answer(asked: Asked): Given {
    this.calls.push(asked);
    const instead = this.instead(asked);
    if (instead !== undefined) return instead;
    if (`${asked.method} ${asked.path}` !== 'POST /v1/token') return { status: 404, body: { message: 'no such path' } };
    if (this.refuse !== undefined) return denied(this.refuse);
    const wrong = this.#wrongProof(String(asked.headers['dpop']));
    if (wrong !== undefined) return denied(`INVALID_DPOP: ${wrong}`);
    const { clientId, refreshToken, grantType } = asked.body;
    if (grantType !== 'refresh_token' || clientId !== 'arn:aws:signin:::devtools/same-device') return denied('INVALID');
    if (refreshToken !== this.#refreshToken) return denied('TOKEN_EXPIRED');
    const serial = this.calls.length;
    this.#refreshToken = `refresh-${serial}`;
    const accessToken = {
      accessKeyId: `ASIA${String(serial).padStart(16, '0')}`,
      secretAccessKey: `login/secret+${serial}`,
      sessionToken: `login-token-${serial}`,
    };
    return {
      status: 200,
      body: {
        accessToken,
        tokenType: 'urn:aws:params:oauth:token-type:access_token_sigv4',
        expiresIn: 900,
        refreshToken: this.#refreshToken,
      },
    };
  }

  #wrongProof(proof: string): string | undefined {
    const [head = '', payload = '', signature = ''] = proof.split('.');
    const read = (part: string): Record<string, unknown> =>
      JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
    const { alg, typ, jwk } = read(head);
    const { htm, htu, iat, jti } = read(payload);
    if (alg !== 'ES256' || typ !== 'dpop+jwt') return 'header';
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    if (key.export({ type: 'spki', format: 'pem' }) !== this.key.publicKey) return 'key';
    const signed = { key, dsaEncoding: 'ieee-p1363' } as const;
    if (!verify('sha256', Buffer.from(`${head}.${payload}`), signed, Buffer.from(signature, 'base64url')))
      return 'signature';
    if (htm !== 'POST' || htu !== `${this.url}/v1/token`) return 'htm or htu';
    if (typeof iat !== 'number' || Math.abs(iat - Date.now() / 1000) > 300) return 'iat';
    if (typeof jti !== 'string' || this.#proofs.has(jti)) return 'jti';
    this.#proofs.add(jti);
    return undefined;
  }

  /** Puts what `aws login` leaves into a home, `endsIn` seconds before the end of the keys. Returns the file. */
  put(home: string, loginSession: string, endsIn: number, extra: Record<string, unknown> = {}): string {
    const folder = join(home, '.aws/login/cache');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${createHash('sha256').update(loginSession).digest('hex')}.json`);
    const login = {
      accessToken: {
        accessKeyId: 'ASIALOGIN00000000000',
        secretAccessKey: 'first',
        sessionToken: 'first-token',
        accountId: '222222222222',
        expiresAt: new Date(Date.now() + endsIn * 1000).toISOString().replace(/\.\d{3}Z$/, 'Z'),
      },
      tokenType: 'urn:aws:params:oauth:token-type:access_token_sigv4',
      clientId: 'arn:aws:signin:::devtools/same-device',
      refreshToken: 'refresh-0',
      idToken: 'a.b.c',
      dpopKey: this.key.privateKey,
      ...extra,
    };
    writeFileSync(file, JSON.stringify(login));
    return file;
  }
}

function denied(error: string): Given {
  return { status: 401, body: { error, message: `refused: ${error}` } };
}

/** Starts one; it ends with the test. */
export async function startSignInService(t: TestContext): Promise<SignInService> {
  const service = new SignInService();
  service.url = await serveJson(t, (asked) => service.answer(asked));
  return service;
}
