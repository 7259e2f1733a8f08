// Which service, operation, bucket and key a request means.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { routeRequest, type Route } from '../../../src/cloud/protocol/index.ts';

interface Case {
  readonly name: string;
  /** Service of the signature; absent: unsigned. */
  readonly scope?: string;
  readonly method: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly route: Partial<Route>;
  readonly bucket?: string;
  readonly key?: string;
}

const file = new URL('../../cases/cloud/routes.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly Case[];

for (const one of cases) {
  test(`${one.name}: routed`, () => {
    const credential = `Credential=AKIAEXAMPLE/20260101/eu-west-1/${one.scope}/aws4_request`;
    const signature = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=0`;
    const route = routeRequest({
      method: one.method,
      path: one.path ?? '/',
      query: one.query ?? '',
      headers: {
        host: '127.0.0.1:4566',
        ...(one.scope === undefined ? {} : { authorization: signature }),
        ...one.headers,
      },
      body: Buffer.from(one.body ?? ''),
      remoteAddress: '127.0.0.1',
      secure: false,
    });
    assert.deepEqual({ ...route, ...one.route }, route);
    assert.equal(route.region, one.scope === undefined ? 'us-east-1' : 'eu-west-1');
    if (one.bucket !== undefined) assert.deepEqual([route.rest?.bucket, route.rest?.key], [one.bucket, one.key]);
  });
}
