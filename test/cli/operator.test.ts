// `stint operator …` and `stint status`, as an operator of a server in production types them.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { sealedServer, type SealedServer } from '../broker/seal/seal-support.ts';
import { temporaryFolder } from '../broker/support.ts';
import { runStint } from './support.ts';
import { terminal } from './terminal.ts';

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Desk {
  readonly stint: (line: string, stdin?: string) => Promise<Ran>;
  readonly json: (line: string, stdin?: string) => Promise<Record<string, unknown>>;
  readonly server: SealedServer;
  readonly home: string;
  readonly env: Record<string, string>;
}

async function desk(t: TestContext, kind: 'shamir' | 'local' = 'shamir'): Promise<Desk> {
  const server = await sealedServer((end) => t.after(end), kind);
  const home = temporaryFolder((remove) => t.after(remove));
  const env: Record<string, string> = { HOME: home, STINT_ADDR: server.address() };
  const stint: Desk['stint'] = async (line, stdin = '') => {
    const { code, stdout: out, stderr: err } = await runStint(line.split(' '), { cwd: home, env, stdin });
    return { code, out, err };
  };
  return {
    stint,
    json: async (line, stdin) => JSON.parse((await stint(`${line} --json`, stdin)).out) as Record<string, unknown>,
    server,
    home,
    env,
  };
}

test('a server is initialised, unsealed, sealed and asked how it is, with exit codes that scripts know', async (t) => {
  const { stint, json, env } = await desk(t);
  assert.equal((await stint('operator init -status')).code, 2);
  assert.equal((await stint('status')).code, 2);
  const init = await stint('operator init -key-shares=3 -key-threshold=2');
  const keys = [...init.out.matchAll(/^Unseal Key \d: +(\S+)$/gm)].map(([, key]) => key!);
  const [, token] = /^Initial Root Token: +(\S+)$/m.exec(init.out)!;
  assert.equal(keys.length, 3);
  assert.equal((await stint('operator init -status')).code, 0);
  assert.match((await stint('operator init')).err, /^error\[server-refused\]: Vault is already initialized$/m);

  assert.equal((await stint('operator unseal', `${keys[0]}\n`)).code, 0);
  assert.equal((await json('operator unseal -reset'))['progress'], 0);
  await stint(`operator unseal ${keys[0]}`);
  assert.equal((await stint('status')).code, 2);
  assert.match((await stint('operator unseal -', keys[2])).out, /^sealed +false$/m);
  assert.equal((await stint('status')).code, 0);
  assert.match((await stint('operator unseal', '')).err, /there is no share to give/);

  assert.notEqual((await stint('operator seal')).code, 0);
  env['STINT_TOKEN'] = token!;
  assert.equal((await stint('operator seal')).code, 0);
  assert.equal((await stint('status')).code, 2);
  assert.match((await stint('operator rotate')).err, /^error\[server-refused\]: Vault is sealed$/m);
  env['STINT_ADDR'] = 'http://127.0.0.1:1';
  assert.equal((await stint('status')).code, 1);
});

test('JSON of init is that of Vault’s tools', async (t) => {
  const { json } = await desk(t);
  const body = await json('operator init -key-shares=1 -key-threshold=1');
  assert.deepEqual(Object.keys(body), [
    'unseal_keys_b64',
    'unseal_keys_hex',
    'unseal_shares',
    'unseal_threshold',
    'recovery_keys_b64',
    'recovery_keys_hex',
    'recovery_keys_shares',
    'recovery_keys_threshold',
    'root_token',
  ]);
  assert.deepEqual([body['unseal_shares'], body['unseal_threshold']], [1, 1]);
});

test('a seal that opens by itself gets recovery keys', async (t) => {
  const { stint } = await desk(t, 'local');
  const init = await stint('operator init -recovery-shares=2 -recovery-threshold=2');
  assert.equal([...init.out.matchAll(/^Recovery Key \d: +\S+$/gm)].length, 2);
  assert.equal((await stint('status')).code, 0);
});

test('shares are replaced with a proof, and a root token is made, by holders one after the other', async (t) => {
  const { stint, json, env } = await desk(t);
  const init = await json('operator init -key-shares=3 -key-threshold=2');
  const keys = init['unseal_keys_b64'] as string[];
  for (const key of keys.slice(0, 2)) await stint(`operator unseal ${key}`);
  assert.match((await stint(`operator rekey ${keys[0]}`)).err, /nobody has started/);
  await stint('operator rekey -init -verify -key-shares=2 -key-threshold=2');
  await stint('operator rekey', keys[0]);
  const made = await json('operator rekey', keys[1]);
  const fresh = made['keys_base64'] as string[];
  assert.deepEqual([made['complete'], fresh.length], [true, 2]);
  await stint('operator rekey -verify', fresh[0]);
  assert.equal((await json('operator rekey -verify', fresh[1]))['complete'], true);
  assert.equal((await json('operator rekey -status'))['required'], 2);

  const { otp } = (await json('operator generate-root -init')) as { otp: string };
  await stint('operator generate-root', fresh[0]);
  const done = await json('operator generate-root', fresh[1]);
  const shown = await stint(`operator generate-root -decode=${String(done['encoded_root_token'])} -otp=${otp}`);
  const [, token] = /^Root token: +(hvs\.\S+)$/m.exec(shown.out)!;
  env['STINT_TOKEN'] = token!;
  assert.match((await stint('operator rotate')).out, /^Key Term +2$/m);
  assert.equal((await stint('operator key-status -field=term')).out, '2');
  assert.equal((await stint('operator generate-root -generate-otp')).out.trim().length, 28);
  await stint('operator generate-root -init');
  assert.equal((await stint('operator generate-root -cancel')).code, 0);
});

test('a snapshot is saved whole or not at all, and restored', async (t) => {
  const { stint, home, env, broker } = await terminal(t);
  await stint('login root');
  writeFileSync(join(home, 'p.hcl'), 'path "a" { capabilities = ["read"] }');
  await stint('policy write before p.hcl');
  const saved = await stint('operator snapshot save backup.snap --json');
  const { bytes } = JSON.parse(saved.out) as { bytes: number };
  assert.equal(statSync(join(home, 'backup.snap')).size, bytes);
  assert.equal(statSync(join(home, 'backup.snap')).mode & 0o077, 0);
  await stint('policy write after p.hcl');
  const restored = await stint('operator snapshot restore backup.snap');
  assert.equal(restored.code, 0);
  assert.match(restored.err, /^warning: .*orphan/m);
  assert.match((await stint('policy list')).out, /^before$/m);
  assert.doesNotMatch((await stint('policy list')).out, /^after$/m);
  assert.equal((await stint('operator raft snapshot restore -force backup.snap')).code, 0);

  writeFileSync(join(home, 'cut.snap'), readFileSync(join(home, 'backup.snap')).subarray(0, 300));
  assert.equal((await stint('operator snapshot restore cut.snap')).code, 1);
  assert.equal((await stint('operator snapshot restore missing.snap')).failure?.code, 'file-unreadable');
  assert.equal((await stint('operator snapshot save no/such/folder.snap')).failure?.code, 'file-unwritable');
  env['STINT_TOKEN'] = 'wrong';
  assert.equal((await stint('operator snapshot save denied.snap')).failure?.message, 'permission denied');
  assert.equal((await stint('operator snapshot restore backup.snap')).failure?.message, 'permission denied');
  await broker.broker.stop();
  assert.equal((await stint('operator snapshot save gone.snap')).failure?.code, 'server-unreachable');
  assert.deepEqual(
    readdirSync(home).filter((name) => /part|denied|gone/.test(name)),
    [],
  );
});

test('audit goes on over sealing and restoring, as one chain that verifies', async (t) => {
  const { stint, home, broker } = await terminal(t);
  await stint('login root');
  const file = join(home, 'audit.log');
  assert.equal((await stint(`audit enable file file_path=${file}`)).code, 0);
  const key = broker.broker.development!.unsealKey.reveal();
  assert.equal((await stint('operator snapshot save backup.snap')).code, 0);
  for (let round = 0; round < 2; round++) {
    assert.equal((await stint('operator seal')).code, 0);
    assert.equal((await stint(`operator unseal ${key}`)).code, 0);
    assert.equal((await stint('policy list')).code, 0);
    assert.equal((await stint('operator snapshot restore backup.snap')).code, 0);
  }
  assert.equal((await stint('policy list')).code, 0);
  const paths = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; request?: { path?: string } })
    .map(({ type, request }) => `${type} ${request?.path ?? ''}`);
  for (const what of ['request sys/seal', 'response sys/seal', 'response sys/storage/raft/snapshot']) {
    assert.ok(paths.includes(what), what);
  }
  const verified = await stint(`audit verify ${file}`);
  assert.equal(verified.code, 0, verified.err);
});
