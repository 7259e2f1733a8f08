// Loaded into a server before its own code (`node --import`): kills the process with SIGKILL right after its n-th
// step, a step being a commit of its store or an answer of AWS that has taken effect and was not looked at yet.
// Between two such steps the process changes nothing but its own memory.
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { StatementSync } from 'node:sqlite';
import type { FromServer, ToServer } from './steps.ts';

let steps: string[] = [];
/** 0: only count. */
let killAt = 0;

function step(name: string): void {
  steps.push(name);
  if (steps.length === killAt) process.kill(process.pid, 'SIGKILL');
}

// oxlint-disable-next-line typescript/unbound-method -- called with the `this` of each call, below
const { run } = StatementSync.prototype;
StatementSync.prototype.run = function (...values: readonly unknown[]) {
  const done = run.apply(this, values as Parameters<typeof run>);
  if (this.sourceSQL === 'COMMIT') step('write');
  return done;
};

// Node and undici tell of the answer's head before anybody else hears of it.
subscribe('http.client.response.finish', (message) => {
  const { request } = message as { request: ClientRequest };
  step(`${request.method} ${String(request.getHeader('x-amz-target') ?? request.path)}`);
});
subscribe('undici:request:headers', (message) => {
  const { request } = message as { request: { readonly method: string; readonly path: string } };
  step(`${request.method} ${request.path}`);
});

function tell(message: FromServer): void {
  process.send?.(message);
}

process.on('message', (message: ToServer) => {
  if (message.ask === 'steps') return tell({ steps });
  steps = [];
  killAt = message.killAt;
  return tell({ steps });
});
// Nobody to talk to is no reason to stay.
process.channel?.unref();
