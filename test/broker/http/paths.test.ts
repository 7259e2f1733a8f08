// Paths as they stand in a request, which many clients would tidy up before they send them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isFailure } from '../../../src/base/index.ts';
import { cleanTarget, decodePath } from '../../../src/broker/http/paths.ts';

describe('where a path is sent that is not clean', () => {
  const cases: readonly [url: string, target: string | undefined][] = [
    ['/v1/sys/mounts', undefined],
    ['/v1/sys/mounts/', undefined],
    ['/v1/sys/mounts?next=//a/../b', undefined],
    ['/v1/a..b/.c', undefined],
    ['/v1/sys//mounts?a=1', '/v1/sys/mounts?a=1'],
    ['/v1//sys/mounts', '/v1/sys/mounts'],
    ['/v1/sys/./mounts', '/v1/sys/mounts'],
    ['/v1/sys/x/../mounts', '/v1/sys/mounts'],
    ['/v1/sys/..', '/v1'],
    ['/v1/..//evil.example/x', '/evil.example/x'],
    ['/v1/../..//evil.example', '/evil.example'],
    ['//evil.example/v1/../x', undefined],
  ];
  for (const [url, target] of cases) {
    test(url, () => {
      assert.equal(cleanTarget(url), target);
      assert.ok(target?.startsWith('//') !== true);
    });
  }
});

describe('what a path names', () => {
  const cases: readonly [raw: string, path: string | undefined | { readonly refused: string }][] = [
    ['/v1/sys/mounts', 'sys/mounts'],
    ['/v1/sys/mounts/', 'sys/mounts'],
    ['/v1/a%2Fb%20c', 'a/b c'],
    ['/v1/a/..b/c..', 'a/..b/c..'],
    ['/metrics', 'sys/metrics'],
    ['/elsewhere', undefined],
    ['/v1/', undefined],
    ['/v1/a%2F%2Fb', undefined],
    ['/v1/%C3%A9', undefined],
    [`/v1/${'a'.repeat(901)}`, undefined],
    ['/v1/a/%2e%2e/b', { refused: 'relative paths not supported' }],
    ['/v1/..%2fb', { refused: 'relative paths not supported' }],
    ['/v1/a/%2e', { refused: 'relative paths not supported' }],
    ['/v1/a%00b', { refused: '' }],
    ['/v1/a%7Fb', { refused: '' }],
    ['/v1/%zz', { refused: '' }],
  ];
  for (const [raw, path] of cases) {
    test(raw.slice(0, 40), () => {
      if (typeof path !== 'object') assert.equal(decodePath(raw), path);
      else
        assert.throws(
          () => decodePath(raw),
          (error) => isFailure(error) && error.message === path.refused,
        );
    });
  }
});
