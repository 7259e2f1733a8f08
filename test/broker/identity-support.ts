// What the tests of identity/… share.
import assert from 'node:assert/strict';
import { testBroker, type Reply, type TestBroker } from './support.ts';

type Caller = TestBroker['call'];
export type Data = Readonly<Record<string, unknown>>;

/** Status and first error of an answer. */
export const errors = ({ status, body }: Reply): unknown => [status, body.errors[0]];

/** The accessor of an auth method. */
export async function accessorOf(call: Caller, method: string): Promise<string> {
  const { data } = (await call('GET', '/v1/sys/auth')).body;
  return (data[method] as { accessor: string }).accessor;
}

/** Makes an entity, an alias or a group; its id. */
export async function make(call: Caller, path: string, body: object): Promise<string> {
  const reply = await call('POST', `/v1/identity/${path}`, { body });
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return String(reply.body.data['id']);
}

/** A server of its own, and short ways to its identity/… */
export async function world(after: (end: () => Promise<void> | void) => void) {
  const { call } = await testBroker(after);
  const post = (path: string, body: object): Promise<Reply> => call('POST', `/v1/identity/${path}`, { body });
  const get = async (path: string): Promise<Data> => (await call('GET', `/v1/identity/${path}`)).body.data;
  const list = async (path: string): Promise<unknown> =>
    (await call('LIST', `/v1/identity/${path}`)).body.data?.['keys'];
  return { call, post, get, list };
}
