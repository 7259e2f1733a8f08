// A device over real files and sockets: what survives a crash, a rotation, a full disk and a peer that
// does not read; and that whatever is changed afterwards is found.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  createReadStream,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { chainStart, type ChainHead } from '../../../src/broker/audit/chain.ts';
import { Device, type DeviceParts } from '../../../src/broker/audit/device.ts';
import type { AuditEntry } from '../../../src/broker/audit/entry.ts';
import { recordOnAll } from '../../../src/broker/audit/fanout.ts';
import { headFileOf, readHead } from '../../../src/broker/audit/head-file.ts';
import { FileSink } from '../../../src/broker/audit/file-sink.ts';
import { SocketSink } from '../../../src/broker/audit/socket-sink.ts';
import type { AuditSink } from '../../../src/broker/audit/sink.ts';
import { linesOf, verifyChain, type ChainReport, type VerifyOptions } from '../../../src/broker/audit/verify.ts';
import { until } from '../aws-support.ts';
import { temporaryFolder } from '../support.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const key = publicKey.export({ format: 'jwk' }).x!;

interface World {
  readonly file: string;
  readonly heads: { head: ChainHead; exact: boolean }[];
  readonly troubles: string[];
  readonly device: (more?: Partial<DeviceParts>) => Device;
}

function world(t: TestContext): World {
  const file = join(
    temporaryFolder((remove) => t.after(remove)),
    'audit.log',
  );
  const heads: World['heads'] = [];
  const troubles: string[] = [];
  const device = (more: Partial<DeviceParts> = {}): Device => {
    const made = new Device({
      path: 'file/',
      sink: new FileSink({ path: file, mode: 0o600, prefix: more.prefix ?? '' }),
      format: () => ({
        raw: false,
        hmacAccessor: true,
        elideListResponses: false,
        headers: {},
        hash: (text) => `#${text}`,
      }),
      prefix: '',
      key: privateKey,
      publicKey: key,
      head: chainStart,
      headExact: true,
      onHead: async (head, exact) => void heads.push({ head, exact }),
      onTrouble: (what) => void troubles.push(what),
      wallClock: () => 0,
      ...more,
    });
    t.after(() => made.close());
    return made;
  };
  return { file, heads, troubles, device };
}

function entry(id: string): AuditEntry {
  return {
    type: 'request',
    time: '2026-01-01T00:00:00Z',
    request: { id, operation: 'read', path: 'x', remoteAddress: '' },
  };
}

async function recordMany(device: Device, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await device.record(entry(id));
}

async function check(files: readonly string[] | string, options: VerifyOptions = {}): Promise<ChainReport> {
  async function* lines() {
    for (const file of [files].flat()) yield* linesOf(file, createReadStream(file));
  }
  return verifyChain(lines(), options);
}

describe('a file', () => {
  test('is made for its owner only, and its chain is intact and signed to the end', async (t) => {
    const { file, device } = world(t);
    const one = device();
    await Promise.all(Array.from({ length: 500 }, (_, n) => one.record(entry(`r${n}`))));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const report = await check(file, { key });
    assert.deepEqual([report.intact, report.lines, report.signedTo, report.notes], [true, 500, 500, []]);
  });

  test('is taken up where it stood after a restart', async (t) => {
    const { file, device } = world(t);
    const one = device();
    await recordMany(one, 'a', 'b');
    await one.close();
    await recordMany(device(), 'c');
    const report = await check(file, { key });
    assert.deepEqual([report.intact, report.last.seq], [true, 3]);
  });

  test('with a line that a crash cut keeps what is left of it, and says so', async (t) => {
    const { file, device } = world(t);
    await recordMany(device(), 'a', 'b', 'c');
    truncateSync(file, statSync(file).size - 20);
    assert.match((await check(file)).notes.join(), /is cut/);
    await recordMany(device(), 'd');
    const report = await check(file, { key });
    assert.deepEqual([report.intact, report.lines, report.last.seq], [true, 3, 3]);
    assert.equal(readFileSync(file, 'utf8').split('\n').length, 5);
  });

  test('whose torn rest is changed afterwards does not pass', async (t) => {
    const { file, device } = world(t);
    await recordMany(device(), 'a', 'b');
    truncateSync(file, statSync(file).size - 20);
    await recordMany(device(), 'c');
    const lines = readFileSync(file, 'utf8').split('\n');
    lines[1] = `${lines[1]!}x`;
    writeFileSync(file, lines.join('\n'));
    assert.deepEqual((await check(file)).broken?.line, 2);
  });

  test('that was only begun when a crash came is taken up', async (t) => {
    const { file, device } = world(t);
    writeFileSync(file, '{"half');
    await recordMany(device(), 'a');
    assert.deepEqual([(await check(file)).intact, (await check(file)).lines], [true, 1]);
  });

  test('that was moved away goes on in a new one, and the two verify in their order', async (t) => {
    const { file, device } = world(t);
    const one = device();
    await recordMany(one, 'a', 'b');
    renameSync(file, `${file}.1`);
    await recordMany(one, 'c');
    await one.reopen();
    assert.equal(statSync(file).size, 0);
    assert.equal(existsSync(headFileOf(file)), false);
    await recordMany(one, 'd');
    assert.deepEqual((await check([`${file}.1`, file], { key })).last.seq, 4);
    assert.equal((await check(file, { key })).first, 4);
    assert.equal((await check([file, `${file}.1`], { key })).intact, false);
  });

  test('that was moved away while the server was down goes on, without a gap after a clean end', async (t) => {
    const { file, device, heads } = world(t);
    const one = device();
    await recordMany(one, 'a', 'b');
    await one.close();
    renameSync(file, `${file}.1`);
    const { head, exact } = heads.at(-1)!;
    await recordMany(device({ head, headExact: exact }), 'c');
    const report = await check([`${file}.1`, file], { key });
    assert.deepEqual([report.intact, report.last.seq, report.notes], [true, 3, []]);
  });

  test('that is shorter than the server remembers is told, and does not verify', async (t) => {
    const { file, device, heads, troubles } = world(t);
    const one = device();
    await recordMany(one, 'a');
    const kept = readFileSync(file);
    await recordMany(one, 'b', 'c');
    await one.close();
    writeFileSync(file, kept);
    const { head, exact } = heads.at(-1)!;
    await recordMany(device({ head, headExact: exact }), 'd');
    assert.deepEqual(troubles, ['shortened']);
    assert.match((await check(file)).broken!.reason, /2 lines are missing before it/);
  });

  test('with a prefix verifies when the prefix is told', async (t) => {
    const { file, device } = world(t);
    await recordMany(device({ prefix: '@cee: ' }), 'a');
    await recordMany(device({ prefix: '@cee: ' }), 'b');
    assert.equal((await check(file, { prefix: '@cee: ', key })).last.seq, 2);
    assert.equal((await check(file)).intact, false);
  });

  test('on a full disk refuses, and the queue goes on', async (t) => {
    const { device, troubles } = world(t);
    const full = device({ sink: new FileSink({ path: '/dev/full', mode: undefined, prefix: '' }) });
    await assert.rejects(() => full.record(entry('a')), { code: 'ENOSPC' });
    await assert.rejects(() => full.record(entry('b')), { code: 'ENOSPC' });
    assert.deepEqual(troubles, ['failed', 'failed']);
  });

  test('that took half a write goes on from what it took', async (t) => {
    const { file, device } = world(t);
    const real = new FileSink({ path: file, mode: 0o600, prefix: '' });
    let failing = false;
    const sink: AuditSink = {
      open: () => real.open(),
      close: () => real.close(),
      write: async (bytes) => {
        if (!failing) return real.write(bytes);
        await real.write(bytes.subarray(0, bytes.length - 30));
        throw new Error('half');
      },
    };
    const one = device({ sink });
    await recordMany(one, 'a');
    failing = true;
    await assert.rejects(() => one.record(entry('b')), /half/);
    failing = false;
    await recordMany(one, 'c');
    const report = await check(file, { key });
    assert.deepEqual([report.intact, report.lines], [true, 2]);
  });
});

test('a sink that hangs holds a bounded part of the memory, and large records are written all the same', async (t) => {
  const { device, file } = world(t);
  const large = (id: string): AuditEntry => {
    const { request, ...rest } = entry(id);
    const data = { x: 'y'.repeat(1_000_000) };
    return { ...rest, request: { ...request, data, headers: { 'content-length': '30000000' } } };
  };
  let release = (): void => {};
  const real = new FileSink({ path: file, mode: 0o600, prefix: '' });
  const held = new Promise<void>((resolve) => (release = resolve));
  const sink: AuditSink = {
    open: () => real.open(),
    close: () => real.close(),
    write: (bytes) => held.then(() => real.write(bytes)),
  };
  const one = device({ sink });
  const taken = [one.record(large('a')), one.record(large('b'))];
  await assert.rejects(() => one.record(large('c')), /does not keep up/);
  // A small one still finds room.
  taken.push(one.record(entry('small')));
  release();
  await Promise.all(taken);
  await one.record(large('d'));
  assert.equal((await check(file)).lines, 4);
});

describe('verify finds', () => {
  const lines = async (t: TestContext): Promise<{ file: string; text: string[]; save: (text: string[]) => void }> => {
    const { file, device } = world(t);
    const one = device();
    await recordMany(one, 'a', 'b', 'c', 'd');
    await one.close();
    const save = (text: string[]): void => writeFileSync(file, text.map((line) => `${line}\n`).join(''));
    return { file, text: readFileSync(file, 'utf8').trimEnd().split('\n'), save };
  };
  const cases: readonly [string, (text: string[]) => string[], number, RegExp][] = [
    ['a changed value', ([a, b, ...rest]) => [a!, b!.replace('"b"', '"x"'), ...rest], 2, /signature is wrong/],
    [
      'a changed value of an unsigned line',
      ([a, b, ...rest]) => [a!, b!.replace('"b"', '"x"').replace(/,"signature":"[^"]*"/, ''), ...rest],
      3,
      /was changed/,
    ],
    ['a removed line', ([a, , ...rest]) => [a!, ...rest], 2, /1 line is missing/],
    ['two lines in other order', ([a, b, c, d]) => [a!, c!, b!, d!], 2, /missing|out of order/],
    ['a line written twice', ([a, b, ...rest]) => [a!, b!, b!, ...rest], 3, /out of order/],
    ['a foreign line', ([a, ...rest]) => [a!, '{"type":"request"}', ...rest], 2, /not a line of an audit chain/],
    ['a foreign last line', (text) => [...text, 'x'], 5, /not a line of an audit chain/],
  ];
  for (const [what, change, line, reason] of cases) {
    test(what, async (t) => {
      const { file, text, save } = await lines(t);
      save(change(text));
      const { broken } = await check(file);
      assert.equal(broken?.line, line);
      assert.match(broken.reason, reason);
    });
  }

  test('a missing end, when it is told where the chain had come to', async (t) => {
    const { file, text, save } = await lines(t);
    const { last } = await check(file);
    save(text.slice(0, 2));
    assert.equal((await check(file)).intact, true);
    assert.match((await check(file, { head: last })).broken!.reason, /the end is missing.*4.*2/);
  });

  test('a missing end by the head file, which is not believed when it was written by somebody else', async (t) => {
    const { file, text, save } = await lines(t);
    const written = readFileSync(headFileOf(file), 'utf8');
    const head = readHead(written);
    assert.deepEqual([head?.seq, head?.key], [4, key]);
    save(text.slice(0, 3));
    assert.match((await check(file, { head: head! })).broken!.reason, /the end is missing/);
    assert.equal(readHead(written.replace('"seq":4', '"seq":3')), undefined);
    assert.equal(readHead('{}'), undefined);
  });

  test('lines that another key signed', async (t) => {
    const { file } = await lines(t);
    const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x!;
    assert.match((await check(file, { key: other })).broken!.reason, /another key/);
  });

  test('nothing wrong in an empty file, and says that it has no line', async (t) => {
    const { file } = world(t);
    appendFileSync(file, '');
    const report = await check(file);
    assert.deepEqual([report.intact, report.lines], [true, 0]);
  });
});

describe('a socket', () => {
  const listening = async (t: TestContext, onSocket: (socket: Socket) => void): Promise<string> => {
    const server = createServer((socket) => {
      t.after(() => socket.destroy());
      socket.on('error', () => {});
      onSocket(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  test('gets every line, and a lost connection is made anew with the gap told', async (t) => {
    let text = '';
    const sockets: Socket[] = [];
    const address = await listening(t, (socket) => {
      sockets.push(socket);
      socket.on('data', (chunk) => (text += chunk.toString()));
    });
    const { device } = world(t);
    const one = device({ sink: new SocketSink({ address, type: 'tcp', timeoutMillis: 2000 }) });
    await recordMany(one, 'a');
    await until('the connection is here', async () => sockets.length > 0);
    const [first] = sockets;
    first!.destroy();
    await once(first!, 'close');
    for (let tries = 0; sockets.length < 2 && tries < 100; tries++) await one.record(entry('b')).catch(() => {});
    await until('the line arrives', async () => text.includes('"gap":true'));
  });

  test('that does not read is cut off, and does not keep a record that a file has', async (t) => {
    const address = await listening(t, (socket) => socket.pause());
    const { device, file } = world(t);
    const blocked = device({ path: 'socket/', sink: new SocketSink({ address, type: 'tcp', timeoutMillis: 50 }) });
    const good = device();
    const large: AuditEntry = {
      ...entry('large'),
      request: { ...entry('large').request, data: { x: 'y'.repeat(32_000_000) } },
    };
    await assert.rejects(() => blocked.record(large), /did not take a record within 50 ms/);
    await recordOnAll([blocked, good], entry('after'));
    assert.equal((await check(file)).lines, 1);
  });
});

describe('the fan-out', () => {
  const taking = (path: string) => ({ path, behind: false, record: async () => {} });
  const refusing = (path: string) => ({ path, behind: false, record: () => Promise.reject(new Error('no')) });
  const hanging = (path: string) => ({ path, behind: false, record: () => new Promise<void>(() => {}) });

  test('needs one device that took the record', async () => {
    await recordOnAll([refusing('a/'), taking('b/')], entry('x'));
    await recordOnAll([], entry('x'));
    await assert.rejects(() => recordOnAll([refusing('a/'), refusing('b/')], entry('x')), {
      code: 'audit-failed',
      message: 'internal error',
      hint: /a\/, b\//,
    });
  });

  test('waits for a device that hangs once and then no more', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const stuck = hanging('a/');
    const first = recordOnAll([stuck, taking('b/')], entry('x'));
    await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 4; turn++) t.mock.timers.tick(500);
    await first;
    assert.equal(stuck.behind, true);
    await recordOnAll([stuck, taking('b/')], entry('y'));
  });

  test('fails in time when all hang', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const stuck = hanging('a/');
    for (let tries = 0; tries < 2; tries++) {
      const work = recordOnAll([stuck], entry('x'));
      for (let turn = 0; turn < 4; turn++) t.mock.timers.tick(500);
      await assert.rejects(work, { code: 'audit-failed' });
    }
  });

  test('takes neither a busy process nor a long queue for a device that hangs', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const taken = Promise.withResolvers<void>();
    const busy = { path: 'a/', behind: false, written: 0, record: () => taken.promise };
    const work = recordOnAll([busy], entry('x'));
    // Nothing ran for nine seconds; then others' records are written before this one.
    t.mock.timers.tick(9000);
    for (let turn = 0; turn < 10; turn++) {
      busy.written++;
      t.mock.timers.tick(500);
    }
    taken.resolve();
    await work;
    assert.equal(busy.behind, false);
  });

  test('waits for a queue no longer than ten seconds', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const slow = { ...hanging('a/'), written: 0 };
    const work = recordOnAll([slow], entry('x'));
    for (let turn = 0; turn < 20; turn++) {
      slow.written++;
      t.mock.timers.tick(500);
    }
    await assert.rejects(work, { code: 'audit-failed' });
  });
});
