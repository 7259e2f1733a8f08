// The `stint cloud` verbs that ask or move a running embedded AWS.
import { renderTrace, type Trace } from '../../../policy/index.ts';
import type { Io } from '../../command.ts';
import { printData, printJson, say } from '../../output.ts';
import { control, type Values } from './control-client.ts';
import { cloudVerbFailure } from './failures.ts';

interface ClockView {
  readonly now: string;
  readonly frozen: boolean;
}

export async function advance(io: Io, duration: string | undefined, values: Values): Promise<void> {
  if ((duration === undefined) === (values['to'] === undefined)) {
    throw cloudVerbFailure('missing-argument', 'either a duration or `--to` is needed', {
      hint: 'write `stint cloud advance 30m` or `stint cloud advance --to 2027-01-01T00:00:00Z`',
    });
  }
  const move = duration === undefined ? { set: values['to'] } : { advance: duration };
  printClock(io, values, await control<ClockView>(io, values, 'POST', 'clock', move));
}

export async function freeze(io: Io, values: Values): Promise<void> {
  printClock(io, values, await control<ClockView>(io, values, 'POST', 'clock', { freeze: values['off'] !== true }));
}

function printClock(io: Io, values: Values, clock: ClockView): void {
  if (values['json'] === true) return printJson(io, clock);
  printData(io, clock.now);
  say(io, clock.frozen ? 'the clock is frozen' : 'the clock runs');
}

/** `iam=2s` and the like; without any, what the delays are. */
export async function propagation(io: Io, delays: readonly string[], values: Values): Promise<void> {
  const body = delays.length === 0 ? undefined : Object.fromEntries(delays.map(delayOf));
  const view = await control<Record<string, string | number>>(
    io,
    values,
    body === undefined ? 'GET' : 'POST',
    'propagation',
    body,
  );
  if (values['json'] === true) return printJson(io, view);
  const { waiting, ...kinds } = view;
  for (const [kind, delay] of Object.entries(kinds)) printData(io, `${kind}=${delay}`);
  say(io, `changes that authorization does not see yet: ${waiting}`);
}

function delayOf(text: string): readonly [kind: string, delay: string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw cloudVerbFailure('missing-argument', `\`${text}\` names no delay`, {
    hint: 'write `stint cloud propagation iam=2s`',
  });
}

export async function reset(io: Io, values: Values): Promise<void> {
  await control(io, values, 'POST', 'reset');
  say(io, 'the embedded AWS is in its start state; the same credentials are valid');
}

interface EventView {
  readonly seq: number;
  readonly time: string;
  readonly account: string;
  readonly service: string;
  readonly operation: string;
  readonly principalArn: string | null;
  readonly decision: string | null;
  readonly errorCode: string | null;
  readonly explainId: string | null;
  readonly visibleAt: string | null;
}

export async function events(io: Io, values: Values): Promise<void> {
  const query = new URLSearchParams();
  for (const name of ['after', 'limit']) {
    const value = values[name];
    if (typeof value === 'number') query.set(name, String(value));
  }
  const route = `events?${query.toString()}`;
  const page = await control<{ events: readonly EventView[]; next: number }>(io, values, 'GET', route);
  if (values['json'] === true) return printJson(io, page);
  for (const event of page.events) printData(io, eventLine(event));
  say(io, `continue with --after ${page.next}`);
}

function eventLine(event: EventView): string {
  const outcome = event.errorCode ?? 'ok';
  const explain = event.explainId === null ? '' : `  explain ${event.explainId}`;
  const who = event.principalArn ?? 'unsigned';
  const visible = event.visibleAt === null ? '' : `  visible ${event.visibleAt}`;
  return `${event.seq}  ${event.time}  ${event.service}:${event.operation}  ${who}  ${outcome}${explain}${visible}`;
}

export async function explain(io: Io, id: string, values: Values): Promise<void> {
  const trace = await control<Trace>(io, values, 'GET', `explain/${encodeURIComponent(id)}`);
  if (values['json'] === true) return printJson(io, trace);
  printData(io, renderTrace(trace));
}

export async function status(io: Io, values: Values): Promise<void> {
  const health = await control<{ version: string; enforce: string; now: string }>(io, values, 'GET', 'health');
  if (values['json'] === true) return printJson(io, health);
  printData(io, `running, version ${health.version}, enforcement ${health.enforce}, clock ${health.now}`);
}

export async function stop(io: Io, values: Values): Promise<void> {
  await control(io, values, 'POST', 'stop');
  say(io, 'the embedded AWS is stopping');
}
