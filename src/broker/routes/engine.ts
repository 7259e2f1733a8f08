// Whatever no own route serves: hands the call to the mounted backend that has the path, lets an engine
// lend through the ledger, and makes the token of a login.
import { done, enveloped, fieldWarnings, tokenOf, type Answer, type Call, type Served } from '../call.ts';
import type { LocatedPath } from '../backends.ts';
import { builtInMounts } from '../built-in-mounts.ts';
import type { EngineAnswer, EngineCall } from '../engines/engine.ts';
import { brokerFailure } from '../failures.ts';
import { severalErrors } from '../go-errors.ts';
import type { Lending } from '../lending.ts';
import type { Logins } from '../logins.ts';
import type { Mounts } from '../mounts.ts';
import { rowOf } from '../backends.ts';

export interface EngineParts {
  readonly mounts: Mounts;
  readonly lending: Lending;
  readonly logins: Logins;
}

export function engineHandler(parts: EngineParts): Served {
  return {
    summary: 'A path of a mounted engine or auth method.',
    fields: {},
    exists: async (call) => {
      const { located } = call;
      return located?.row.exists === undefined || located.row.exists(engineCall(parts, call, located));
    },
    handle: (call) => handle(parts, call),
  };
}

async function handle(parts: EngineParts, call: Call): Promise<Answer> {
  const located = call.located ?? (await refusedPath(parts, call));
  const { mount, row } = located;
  const result = await row.handle(engineCall(parts, call, located));
  if (result.auth !== undefined) return parts.logins.answer(call, mount, result.auth);
  return answerOf(parts, call, located, result);
}

function answerOf({ lending }: EngineParts, call: Call, located: LocatedPath, result: EngineAnswer): Answer {
  const { data, lease, warnings: said = [] } = result;
  const { mount, row } = located;
  const warnings = data === undefined && said.length === 0 ? [] : [...said, ...fieldWarnings(row.fields, call)];
  if (data === undefined && warnings.length === 0) return nothing(call);
  const made = enveloped(call, { data, warnings, lease, mountType: mount.type });
  const answer = { ...made, status: result.status ?? made.status };
  return lease === undefined ? answer : { ...answer, takeBack: async () => void (await lending.end(lease.id)) };
}

function engineCall({ lending }: EngineParts, call: Call, located: LocatedPath): EngineCall {
  const { mount, folder, rest, params } = located;
  return {
    requestId: call.requestId,
    operation: call.operation,
    path: rest,
    params,
    body: call.body,
    mount,
    folder,
    remoteAddress: call.remoteAddress,
    displayName: call.token?.displayName ?? '',
    entityId: call.token?.entityId ?? '',
    findLease: (id) => lending.find(id),
    lend: (plan) => lending.grant(mount, tokenOf(call), plan),
  };
}

/** Says why no row serves the call. */
async function refusedPath({ mounts }: EngineParts, call: Call): Promise<LocatedPath> {
  const located = await mounts.locate(call.path);
  if (located === undefined) throw noRoute(call);
  return rowOf(located, call.operation === 'create' ? 'update' : call.operation);
}

function nothing(call: Call): Answer {
  if (call.operation !== 'read' && call.operation !== 'list') return done();
  throw brokerFailure('not-found', '');
}

function noRoute(call: Call): Error {
  if (builtInMounts.some(({ path }) => call.path.startsWith(`${path}/`))) {
    return brokerFailure('no-route', severalErrors('unsupported path'), {
      hint: 'this server has no such part of the API',
    });
  }
  const path = call.operation === 'list' ? `${call.path}/` : call.path;
  return brokerFailure('no-route', `no handler for route "${path}". route entry not found.`, {
    hint: /^(?:auth|stint)\//.test(call.path)
      ? 'this server has no such part of the API'
      : 'enable an engine there first: `stint secrets enable aws`',
  });
}
