import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, skipUnless, startCloudProcess, startServerProcess } from './support.ts';

const skip = skipUnless('python');

test('hvac: policies, entities, aliases, groups and a login that finds its entity', { skip }, async (t) => {
  const cloud = await startCloudProcess(t);
  const server = await startServerProcess(t, cloud);
  const env = { ...cloud.admin('central'), VAULT_ADDR: server.address, VAULT_TOKEN: server.rootToken };
  const done = await run('python', ['test/clients/identity_story.py'], env);
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual(JSON.parse(done.stdout), {
    old_rules: 'path "secret/*" { capabilities = ["read"] }',
    new_policy: 'path "sys/mounts" { capabilities = ["read"] }',
    listed: [true, true, true, true],
    acl_listed: true,
    deleted: true,
    refused: ['failed to parse policy: path "a": invalid capability "x"'],
    entity: { name: 'ann', metadata: { team: 'red' }, policies: ['new'], disabled: false },
    by_name: true,
    alias: 'auth/people/',
    lookup: true,
    entities: true,
    names: true,
    aliases: true,
    login: [true, ['new'], ['default', 'new']],
    may: true,
    capabilities: { 'sys/auth': ['deny'], 'sys/mounts': ['read'] },
    groups: true,
    group: { name: 'crew', type: 'internal', policies: ['crew'], parent_group_ids: true },
    group_alias: 'ext',
    group_lookup: true,
    group_lists: [['all', 'crew', 'ext'], 3, true],
    after_group: ['crew', 'new'],
    merged: true,
    disabled: ['permission denied'],
    gone: true,
  });
});
