// The configuration file of the server: what it may say, and how its mistakes are told.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import { parseConfig, readConfig } from '../../src/cli/server/config-file.ts';
import { temporaryFolder } from '../broker/support.ts';

interface Case {
  readonly name: string;
  readonly text: string;
  readonly good?: object;
  readonly bad?: string;
}

const cases = JSON.parse(
  readFileSync(join(import.meta.dirname, '../cases/cli/server-config.json'), 'utf8'),
) as readonly Case[];

describe('a configuration with', () => {
  for (const { name, text, good, bad } of cases) {
    test(name, () => {
      let told: string | undefined;
      try {
        assert.deepEqual(parseConfig(text, 'c.yaml'), good);
      } catch (error) {
        if (!isFailure(error)) throw error;
        told = error.message;
      }
      assert.equal(told, bad);
    });
  }
});

test('paths are meant from the folder of the file', (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  const text = [
    'listener: { address: 127.0.0.1:0, tls: { cert: tls/a.crt, key: /etc/a.key } }',
    'storage: { sqlite: { path: data } }',
    'seal: { shamir: {} }',
    'audit: [{ path: a, type: file, options: { file_path: logs/a } }, { path: b, type: file, options: { file_path: stdout } }]',
  ].join('\n');
  writeFileSync(join(folder, 'stint.yaml'), text);
  const config = readConfig('stint.yaml', folder);
  assert.deepEqual([config.listener.tls?.cert, config.listener.tls?.key], [join(folder, 'tls/a.crt'), '/etc/a.key']);
  assert.equal(config.storage.sqlite.path, join(folder, 'data'));
  assert.deepEqual(
    config.audit.map(({ options }) => options['file_path']),
    [join(folder, 'logs/a'), 'stdout'],
  );
  assert.throws(() => readConfig('none.yaml', folder), { code: 'file-unreadable' });
});
