// `stint cloud faults`: list, order, remove.
import { parseDuration } from '../../../base/index.ts';
import type { Io } from '../../command.ts';
import { printData, printJson, say } from '../../output.ts';
import { control, type Values } from './control-client.ts';

interface FaultView {
  readonly id: string;
  readonly service: string;
  readonly operation: string;
  readonly when: string;
  readonly seen: number;
  readonly account?: string;
  readonly error?: { readonly code: string; readonly status: number };
  readonly hang?: true;
  readonly delayMs?: number;
  readonly throttle?: { readonly rate: number; readonly burst: number };
}

export async function listFaults(io: Io, values: Values): Promise<void> {
  const answer = await control<{ faults: readonly FaultView[] }>(io, values, 'GET', 'faults');
  if (values['json'] === true) return printJson(io, answer);
  if (answer.faults.length === 0) say(io, 'no faults are ordered');
  for (const fault of answer.faults) {
    const { id, service, operation, when, seen, account } = fault;
    const whose = account === undefined ? '' : ` of ${account}`;
    printData(io, `${id}  ${when} ${service}:${operation}${whose}  ${effectText(fault)}  calls seen: ${seen}`);
  }
}

function effectText({ error, delayMs, throttle }: FaultView): string {
  if (error !== undefined) return `${error.code}:${error.status}`;
  if (throttle !== undefined) return `${throttle.rate}/s, ${throttle.burst} at once`;
  return delayMs === undefined ? 'hangs' : `${delayMs} ms late`;
}

export async function addFault(io: Io, service: string, operation: string, values: Values): Promise<void> {
  const { account, nth, count, after, error, hang, delay, throttle } = values;
  const { id } = await control<{ id: string }>(io, values, 'POST', 'faults', {
    service,
    operation,
    account,
    nth,
    count,
    when: after === true ? 'after' : 'before',
    error: typeof error === 'string' ? errorOf(error) : undefined,
    hang,
    throttle: typeof throttle === 'string' ? throttleOf(throttle) : undefined,
    delayMs: typeof delay === 'string' ? Math.round(parseDuration(delay) * 1000) : undefined,
  });
  if (values['json'] === true) return printJson(io, { id });
  printData(io, id);
}

/** `5` or `5/20`: calls a second, and how many at once. */
function throttleOf(text: string): { rate: number; burst?: number } {
  const [rate, burst] = text.split('/');
  return { rate: Number(rate), ...(burst === undefined ? {} : { burst: Number(burst) }) };
}

/** `Throttling` or `Throttling:400`. */
function errorOf(text: string): { code: string; status: number } {
  const [code = '', status] = text.split(':');
  return { code, status: status === undefined ? 400 : Number(status) };
}

export async function removeFault(io: Io, id: string | undefined, values: Values): Promise<void> {
  await control(io, values, 'DELETE', id === undefined ? 'faults' : `faults/${encodeURIComponent(id)}`);
  say(io, id === undefined ? 'all faults are removed' : `\`${id}\` is removed`);
}
