// Conversations with a server, as data: what it is asked and what it answers, to the word (cases/broker/wire.json).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { testBroker, type Reply } from './support.ts';

interface Step {
  /** `GET sys/mounts`, below `/v1/`. */
  readonly ask: string;
  /** Left out: the root token; `{name}` is one saved before. */
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly errors?: readonly string[];
  /** Members the body has, with these values. */
  readonly has?: Readonly<Record<string, unknown>>;
  readonly replyHeaders?: Readonly<Record<string, string>>;
  /** Keeps the token that was made under this name. */
  readonly save?: string;
}

interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
}

const cases = JSON.parse(
  readFileSync(new URL('../cases/broker/wire.json', import.meta.url), 'utf8'),
) as readonly Case[];

describe('the server answers to the word', { concurrency: true }, () => {
  for (const { name, steps } of cases) {
    test(name, async (t) => {
      const { call } = await testBroker((end) => t.after(end));
      const saved = new Map<string, string>();
      for (const { ask, token = 'root', body, headers = {}, ...expected } of steps) {
        const [method = '', path] = ask.split(' ');
        const used = token === null ? null : token.replace(/\{(\w+)\}/, (_, key: string) => saved.get(key) ?? '');
        // Node's client refuses to send LIST itself; the server sees LINK either way.
        const verb = method === 'LIST' ? 'LINK' : method;
        const reply = await call(verb, `/v1/${path}`, { token: used, headers, body });
        check(ask, reply, expected);
        if (expected.save !== undefined) saved.set(expected.save, (reply.body['auth'] as Made).client_token);
      }
    });
  }
});

interface Made {
  readonly client_token: string;
}

function check(ask: string, reply: Reply, { status, errors, has, replyHeaders = {} }: Omit<Step, 'ask'>): void {
  assert.equal(reply.status, status, `${ask}: ${JSON.stringify(reply.body)}`);
  if (errors !== undefined) assert.deepEqual(reply.body.errors, errors, ask);
  if (has !== undefined) assert.partialDeepStrictEqual(reply.body, has, ask);
  for (const [header, value] of Object.entries(replyHeaders)) assert.equal(reply.headers[header], value, ask);
}
