// Files that are one person's alone: whole or not at all, private, and nothing of a secret left beside them.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeOwnFolder, replaceFile } from '../../src/assume/own-files.ts';
import { temporaryHome } from './support.ts';

test('a file is replaced: private, or of the mode and time that are asked for', (t) => {
  const file = join(temporaryHome(t, ''), 'kept');
  writeFileSync(file, 'before', { mode: 0o644 });
  replaceFile(file, 'after', { durable: true });
  assert.deepEqual([readFileSync(file, 'utf8'), statSync(file).mode & 0o777], ['after', 0o600]);
  replaceFile(file, Buffer.from('last'), { mode: 0o640, changed: 1_000_000_000_000 });
  const { mode, mtimeMs } = statSync(file);
  assert.deepEqual([readFileSync(file, 'utf8'), mode & 0o777, mtimeMs], ['last', 0o640, 1_000_000_000_000]);
});

test('what cannot be put in place leaves nothing of itself beside it', (t) => {
  const folder = join(temporaryHome(t, ''), 'folder');
  mkdirSync(join(folder, 'taken'), { recursive: true });
  assert.throws(() => replaceFile(join(folder, 'taken'), 'a secret'));
  assert.deepEqual(readdirSync(folder), ['taken']);
});

test('a link that somebody put where the draft goes is not followed', (t) => {
  const home = temporaryHome(t, '');
  const [file, victim] = [join(home, 'kept'), join(home, 'victim')];
  writeFileSync(victim, 'of somebody else');
  symlinkSync(victim, `${file}.${process.pid}.tmp`);
  replaceFile(file, 'a secret');
  assert.deepEqual([readFileSync(victim, 'utf8'), readFileSync(file, 'utf8')], ['of somebody else', 'a secret']);
});

test('a folder that was open to others is its owner’s alone', (t) => {
  const folder = join(temporaryHome(t, ''), 'a', 'b');
  makeOwnFolder(folder);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  chmodSync(folder, 0o755);
  makeOwnFolder(folder);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});
