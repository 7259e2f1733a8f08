// A person at a terminal with a server of their own: runs command lines of `stint` in this process.
import type { TestContext } from 'node:test';
import type { BrokerOptions } from '../../src/broker/broker.ts';
import { temporaryFolder, testBroker, type TestBroker } from '../broker/support.ts';
import { runStint } from './support.ts';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** What was printed as error, if anything was. */
  readonly failure: { readonly code: string; readonly message: string; readonly hint: string | undefined } | undefined;
}

export interface Terminal {
  /** Runs a line, or its words; `stdin` is what is piped in. */
  readonly stint: (line: string | readonly string[], stdin?: string) => Promise<Ran>;
  readonly broker: TestBroker;
  /** Home and working folder. */
  readonly home: string;
  /** Further environment, changed at will. */
  readonly env: Record<string, string>;
}

/** A terminal at which nobody has logged in yet. */
export async function terminal(t: TestContext, options: Partial<BrokerOptions> = {}): Promise<Terminal> {
  const broker = await testBroker((end) => t.after(end), options);
  const home = temporaryFolder((remove) => t.after(remove));
  const env: Record<string, string> = { HOME: home, STINT_ADDR: broker.broker.address };
  const stint: Terminal['stint'] = async (line, stdin = '') => {
    const words = typeof line === 'string' ? line.split(' ') : line;
    const { code, stdout: out, stderr: err } = await runStint(words, { cwd: home, env, stdin });
    const found = /^error\[([\w-]+)\]: (.*)(?:\nhint: (.*))?/m.exec(err);
    const failure = found === null ? undefined : { code: found[1]!, message: found[2]!, hint: found[3] };
    return { code, out, err, failure };
  };
  return { stint, broker, home, env };
}
