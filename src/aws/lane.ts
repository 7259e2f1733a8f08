// Pacing and retries under every call of one account: a budget for each of its APIs, and the class of each refusal.
import type { Clock, Random } from '../base/index.ts';
import { accountPace, Bucket, type Rates, type Sleep } from './budget.ts';
import { classifyError, retryDelay } from './retry.ts';

export interface LaneTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly signal?: AbortSignal | undefined;
  readonly rates: Rates;
}

/** How fast an API of an account may be called at present. */
export interface Budget {
  readonly account: string;
  /** `iam read`, `iam write`, `iam bulk`. */
  readonly api: string;
  /** Calls a second. */
  readonly rate: number;
  /** Whether AWS has throttled, and the rate is still below where it began. */
  readonly slowed: boolean;
}

/** ARNs of what a run has made, in all accounts: trust policies name things of other accounts. */
export type MadeArns = Set<string>;

const bulkReads = /^(?:GetAccountAuthorizationDetails|LookupEvents|Simulate|GenerateServiceLast|GetServiceLast)/;
const reads = /^(?:Get|List|Describe)/;

const classOf = (operation: string): keyof Rates =>
  bulkReads.test(operation) ? 'bulk' : reads.test(operation) ? 'read' : 'write';

/** What the SDK calls the errors that IAM and STS model: the code on the wire lacks the last word. */
const modelled = new Set([
  'ConcurrentModification',
  'DeleteConflict',
  'EntityAlreadyExists',
  'EntityTemporarilyUnmodifiable',
  'InvalidInput',
  'InvalidUserType',
  'LimitExceeded',
  'MalformedPolicyDocument',
  'NoSuchEntity',
  'PasswordPolicyViolation',
  'PolicyEvaluation',
  'PolicyNotAttachable',
  'ServiceFailure',
  'ServiceNotSupported',
  'UnmodifiableEntity',
]);

interface Command {
  readonly input: object;
  readonly schema?: readonly unknown[];
}

type Send = (command: Command, ...rest: readonly unknown[]) => Promise<unknown>;

/** The SDK's commands carry the schema of their operation: its third member is the name. */
function nameOf(schema: readonly unknown[] | undefined): string {
  const name = schema?.[2];
  return typeof name === 'string' ? name : '';
}

export class Lane {
  readonly #account: string;
  readonly #tools: LaneTools;
  readonly #arns: MadeArns;
  readonly #made = new Set<string>();
  readonly #emptied = new Set<string>();
  readonly #buckets = new Map<string, Bucket>();

  constructor(account: string, tools: LaneTools, arns: MadeArns) {
    this.#account = account;
    this.#tools = tools;
    this.#arns = arns;
  }

  /** The budgets that have been used so far. */
  budgets(): Budget[] {
    return [...this.#buckets].map(([api, { rate, slowed }]) => ({ account: this.#account, api, rate, slowed }));
  }

  /** The client, with the lane under every call. `service` is its name in budgets. */
  guard<Client extends object>(client: Client, service: string): Client {
    const { send: unbound } = client as { readonly send: Send };
    const send: Send = unbound.bind(client);
    return Object.create(client, {
      send: {
        value: (command: Command, ...rest: readonly unknown[]) =>
          this.#run(service, command, () => send(command, ...rest.filter((it) => it !== undefined))),
      },
    }) as Client;
  }

  #bucket(service: string, operation: string): Bucket {
    const kind = classOf(operation);
    const api = `${service} ${kind}`;
    let bucket = this.#buckets.get(api);
    if (bucket === undefined) {
      const { rates, clock, sleep } = this.#tools;
      bucket = new Bucket(rates[kind], clock, sleep, accountPace);
      this.#buckets.set(api, bucket);
    }
    return bucket;
  }

  async #run(service: string, { input, schema }: Command, call: () => Promise<unknown>): Promise<unknown> {
    const { clock, random, sleep, signal } = this.#tools;
    const memory = {
      made: { has: (text: string) => this.#made.has(text) || this.#arns.has(text) },
      emptied: this.#emptied,
    };
    const operation = nameOf(schema);
    const bucket = this.#bucket(service, operation);
    const begun = clock.now();
    for (let attempt = 1; ; attempt++) {
      await bucket.take(signal);
      try {
        const result = await call();
        bucket.succeeded();
        this.#remember(operation, input, result as object);
        return result;
      } catch (error) {
        if (error instanceof Error && modelled.has(error.name)) error.name += 'Exception';
        // Made by a run that was killed a moment ago, or by this one when the answer was lost.
        if ((error as Error).name === 'EntityAlreadyExistsException') this.#remember(operation, input, {});
        const kind = classifyError(error, operation, input, memory);
        if (kind === 'throttling') bucket.throttled();
        const delay = retryDelay(kind, attempt, clock.now() - begun, random);
        if (delay === undefined || signal?.aborted === true) throw error;
        await sleep(delay, signal);
      }
    }
  }

  #remember(operation: string, input: object, result: object): void {
    const names = Object.entries(input)
      .filter(([key, value]) => typeof value === 'string' && /(?:Name|Arn)$/.test(key))
      .map(([, value]) => value as string);
    if (/^(?:Create|Add|Attach)/.test(operation)) {
      for (const name of names) this.#made.add(name);
      for (const arn of arnsOf(result)) this.#arns.add(arn);
    }
    if (/^(?:Delete|Detach|Remove|Deactivate)/.test(operation)) for (const name of names) this.#emptied.add(name);
  }
}

/** `{Role: {Arn}}`, `{OpenIDConnectProviderArn}` and the like. */
function arnsOf(result: object): string[] {
  return Object.entries(result).flatMap(([key, value]): string[] => {
    if (typeof value === 'string') return key.endsWith('Arn') ? [value] : [];
    const arn = (value as { Arn?: unknown } | undefined)?.Arn;
    return typeof arn === 'string' ? [arn] : [];
  });
}
