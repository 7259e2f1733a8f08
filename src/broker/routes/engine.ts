// Whatever no system route serves: finds the mount, hands the call to its engine, and lets the
// engine lend through the ledger.
import { done, enveloped, tokenOf, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { Lending } from '../lending.ts';
import type { Mounts } from '../mounts.ts';
import type { Handlers } from '../pipeline.ts';

export interface EngineParts {
  readonly mounts: Mounts;
  readonly lending: Lending;
}

export function engineHandlers({ mounts, lending }: EngineParts): Pick<Handlers, 'engine'> {
  return {
    engine: async (call) => {
      const located = await mounts.locate(call.path);
      if (located === undefined) throw noRoute(call);
      const { mount, engine, folder, rest } = located;
      const token = tokenOf(call);
      const result = await engine.handle({
        operation: call.operation,
        path: rest,
        body: call.body,
        mount,
        folder,
        displayName: token.displayName,
        lend: (plan) => lending.grant(mount, token, plan),
      });
      const { data, warnings, lease } = result;
      if (data === undefined && (warnings === undefined || warnings.length === 0)) return nothing(call);
      const answer = enveloped(call, { data, warnings, lease, mountType: mount.type });
      return lease === undefined ? answer : { ...answer, takeBack: async () => void (await lending.end(lease.id)) };
    },
  };
}

function nothing(call: Call): Answer {
  if (call.operation === 'update' || call.operation === 'delete') return done();
  throw brokerFailure('not-found', '');
}

function noRoute(call: Call): Error {
  return brokerFailure('no-route', `no handler for route "${call.path}". route entry not found.`, {
    hint: /^(?:sys|auth|stint)\//.test(call.path)
      ? 'this server has no such part of the API'
      : 'enable an engine there first: `stint secrets enable aws`',
  });
}
