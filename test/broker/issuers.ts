// Issuers for the tests of `jwt` and `oidc`: keys, tokens, and a server that tells of them.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWTPayload } from 'jose';

export interface Signer {
  readonly pem: string;
  readonly jwk: Readonly<Record<string, unknown>>;
  /** A token of these claims, signed; without times unless given. */
  readonly sign: (claims: JWTPayload, header?: Readonly<Record<string, unknown>>) => Promise<string>;
}

export async function signer(alg = 'ES256', kid = 'one'): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return {
    pem: await exportSPKI(publicKey),
    jwk,
    sign: (claims, header = {}) => new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  };
}

export interface TestServer {
  /** Without a closing slash. */
  readonly url: string;
  /** Paths that were asked for. */
  readonly asked: string[];
}

type After = (end: () => Promise<void> | void) => void;

export async function testServer(after: After, listener: RequestListener): Promise<TestServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Serves a key set at `/keys`, and a discovery document whose members `document` may change. */
export async function issuerServer(
  after: After,
  keys: () => readonly Signer[],
  document: (url: string) => Readonly<Record<string, unknown>> = () => ({}),
): Promise<TestServer> {
  const server = await testServer(after, (request, response) => {
    const json = (value: unknown): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const { url } = server;
    if (request.url === '/keys') json({ keys: keys().map(({ jwk }) => jwk) });
    else if (request.url === '/.well-known/openid-configuration') {
      json({ issuer: url, jwks_uri: `${url}/keys`, ...document(url) });
    } else response.writeHead(404).end();
  });
  return server;
}
