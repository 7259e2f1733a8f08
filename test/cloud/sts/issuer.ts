// An OpenID Connect issuer that a user runs, on a loopback port, for tests.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import type { Cloud } from '../../../src/cloud/index.ts';
import { control } from '../support.ts';

export interface Issuer extends AsyncDisposable {
  readonly url: string;
  /** What it was asked, in order. */
  readonly asked: readonly string[];
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
}

export interface IssuerOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Answers instead of the issuer where it returns true. */
  readonly instead?: (...given: Parameters<RequestListener>) => boolean;
}

/** Another key than the one that is published. */
export const strangersKey: KeyObject = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

export async function startIssuer({ tls, instead }: IssuerOptions = {}): Promise<Issuer> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'key-1', alg: 'RS256', use: 'sig' }];
  const asked: string[] = [];
  let url = '';
  const answer: RequestListener = (request, response) => {
    asked.push(request.url ?? '');
    if (instead?.(request, response) === true) return;
    const documents: Readonly<Record<string, object>> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
      '/keys': { keys },
    };
    const document = documents[request.url ?? ''];
    response.statusCode = document === undefined ? 404 : 200;
    response.end(JSON.stringify(document ?? {}));
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    sign: (claims) => signed(claims, privateKey),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function signed(claims: Readonly<Record<string, unknown>>, key: KeyObject, kid = 'key-1'): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(key);
}

/** A token of the embedded AWS's own test issuer. */
export async function testToken(cloud: Cloud, order: object): Promise<string> {
  const { status, body } = await control(cloud, 'POST', 'tokens', {
    subject: 'alice',
    audience: 'sts.amazonaws.com',
    ...order,
  });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body['token'] as string;
}
