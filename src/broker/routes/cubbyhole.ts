// cubbyhole/…: what the calling token keeps for itself, with Vault's shapes.
import type { Json } from '../../base/index.ts';
import { done, enveloped, param, tokenOf, type Answer, type Call, type Served } from '../call.ts';
import type { Cubbyholes, Kept } from '../cubbyholes.ts';
import { brokerFailure } from '../failures.ts';
import type { Handlers } from '../pipeline.ts';
import { isWrappingToken } from '../wrapping.ts';

const mountType = 'cubbyhole';

const deprecated =
  "Reading from 'cubbyhole/response' is deprecated. Please use sys/wrapping/unwrap to unwrap responses, as it provides additional security checks and other benefits.";

export function cubbyholeHandlers(cubbyholes: Cubbyholes): Pick<Handlers, 'cubbyhole' | 'cubbyholeList'> {
  const list = async (call: Call, folder: string): Promise<Answer> => {
    const keys = await cubbyholes.list(tokenOf(call), folder);
    if (keys.length === 0) throw brokerFailure('not-found', '');
    return enveloped(call, { data: { keys }, mountType });
  };
  // The fields are the caller's own: none is read, none is unknown.
  const item: Served = {
    summary: 'What the token that asks keeps for itself.',
    fields: {},
    exists: async (call) => (await cubbyholes.get(tokenOf(call), param(call, 'path'))) !== undefined,
    handle: async (call) => {
      const [token, path] = [tokenOf(call), param(call, 'path')];
      if (call.operation === 'list') return list(call, `${path}/`);
      if (call.operation === 'read') return read(call, await cubbyholes.get(token, path));
      if (call.operation === 'delete') await cubbyholes.delete(token, path);
      else await cubbyholes.put(token, path, written(call));
      return done();
    },
  };
  return {
    cubbyhole: item,
    cubbyholeList: { summary: 'Names of what the token keeps.', fields: {}, handle: (call) => list(call, '') },
  };
}

function written({ body }: Call): Kept {
  if (Object.keys(body).length > 0) return body as Readonly<Record<string, Json>>;
  throw brokerFailure('bad-request', 'missing data fields');
}

function read(call: Call, data: Kept | undefined): Answer {
  if (data === undefined) throw brokerFailure('not-found', '');
  const warnings = call.path === 'cubbyhole/response' && isWrappingToken(tokenOf(call)) ? [deprecated] : [];
  return enveloped(call, { data, warnings, mountType });
}
