import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Secret } from '../../src/base/index.ts';
import { signRequest } from '../../src/assume/signer.ts';

interface Vector {
  readonly name: string;
  readonly source: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly now: string;
  readonly region: string;
  readonly service: string;
  readonly sessionToken?: string;
  readonly signature: string;
}

const file = new URL('../cases/assume/sigv4.json', import.meta.url);
const { accessKeyId, secretAccessKey, cases } = JSON.parse(readFileSync(file, 'utf8')) as {
  accessKeyId: string;
  secretAccessKey: string;
  cases: readonly Vector[];
};

for (const vector of cases) {
  test(`signs as ${vector.source}: ${vector.name}`, () => {
    const { method, body, headers, region, service, sessionToken } = vector;
    const credentials = {
      accessKeyId,
      secretAccessKey: new Secret(secretAccessKey),
      ...(sessionToken === undefined ? {} : { sessionToken: new Secret(sessionToken) }),
    };
    const scope = { region, service, now: Date.parse(vector.now) };
    const signed = signRequest({ method, url: new URL(vector.url), headers, body }, credentials, scope);
    assert.match(signed['authorization'] ?? '', new RegExp(`Signature=${vector.signature}$`));
  });
}
