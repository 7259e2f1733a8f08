// The STS endpoint that a mount's calls go to: the first of several that answers GetCallerIdentity. The
// choice is kept until the chosen one does not answer a call; a dead one costs a call nothing where another lives.
import type { STSClient } from '@aws-sdk/client-sts';
import { stsSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import { awsText } from './aws-errors.ts';
import type { Target } from './endpoints.ts';

/** The part of a client that calls need. */
export type StsSender = Pick<STSClient, 'send'>;

export class StsChoice {
  readonly #targets: readonly [Target, ...Target[]];
  /** `tries`: how often the SDK makes a call, undefined for what is configured. */
  readonly #make: (target: Target, tries?: number) => Promise<STSClient>;
  readonly #clients = new Map<Target, Promise<STSClient>>();
  #chosen: Promise<Target> | undefined;

  constructor(targets: readonly [Target, ...Target[]], make: (target: Target, tries?: number) => Promise<STSClient>) {
    this.#targets = targets;
    this.#make = make;
  }

  /** What callers use like a client of their own. */
  readonly sender: StsSender = {
    send: ((command: Parameters<STSClient['send']>[0]) => this.#send((sts) => sts.send(command))) as STSClient['send'],
  };

  // At the chosen endpoint, and once more at the next that answers when that one does not.
  async #send<T>(call: (sts: STSClient) => Promise<T>): Promise<T> {
    const target = await this.target();
    try {
      return await call(await this.#client(target));
    } catch (error) {
      if (this.#targets.length === 1 || hasAnswered(error)) throw error;
      // Whoever comes first chooses anew, the others use what that one found.
      if ((await this.#chosen) === target) this.#chosen = undefined;
      return call(await this.#client(await this.target()));
    }
  }

  /** Lets go of connections. */
  destroy(): void {
    for (const client of this.#clients.values()) void client.then((made) => made.destroy()).catch(() => undefined);
    this.#clients.clear();
  }

  /** The endpoint that calls go to now. @throws Failure when none of several answers. */
  target(): Promise<Target> {
    const [only] = this.#targets;
    if (this.#targets.length === 1) return Promise.resolve(only);
    this.#chosen ??= this.#firstAlive().catch((error: unknown) => {
      this.#chosen = undefined;
      throw error;
    });
    return this.#chosen;
  }

  // All are asked at once, so that a dead one delays the choice by its own time-out at most.
  async #firstAlive(): Promise<Target> {
    const asked = this.#targets.map((target) => ({ target, answer: this.#ask(target) }));
    const problems: string[] = [];
    for (const { target, answer } of asked) {
      const problem = await answer;
      if (problem === undefined) return target;
      problems.push(`${target.endpoint || 'the default endpoint'}: ${problem}`);
    }
    throw brokerFailure('bad-request', 'could not obtain sts client', {
      hint: `no STS endpoint of config/root answers: ${problems.join('; ')}`,
    });
  }

  /** Why the endpoint cannot be used; undefined when it can. */
  async #ask(target: Target): Promise<string | undefined> {
    const { GetCallerIdentityCommand } = await stsSdk();
    const sts = await this.#make(target, 1);
    try {
      await sts.send(new GetCallerIdentityCommand({}));
      return undefined;
    } catch (error) {
      return awsText(error)?.split('\n')[0] ?? 'no answer';
    } finally {
      sts.destroy();
    }
  }

  #client(target: Target): Promise<STSClient> {
    const known = this.#clients.get(target);
    if (known !== undefined) return known;
    const made = this.#make(target);
    this.#clients.set(target, made);
    return made;
  }
}

/** A refusal is an answer, and the other endpoints would give it too; a failing endpoint is none. */
function hasAnswered(error: unknown): boolean {
  const { httpStatusCode: status = 0 } = (error as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
  return status > 0 && status < 500;
}
