// Counts what the SDK asks of AWS: each try of each call, with how it ended and how long it took.
import { isThrottling } from './aws-errors.ts';

/** `outcome`: `ok`, `throttled`, or the name of the error. */
export type AwsWatch = (service: string, operation: string, outcome: string, millis: number) => void;

/** What is needed of an SDK client; their types differ in the commands they know. */
interface Watched {
  readonly middlewareStack: { add(middleware: Middleware, where: object): void };
}

// The SDK's types name every command of a service; here nothing of a command is looked at but its name.
type Middleware = (
  next: (args: never) => Promise<object>,
  context: { readonly commandName?: string },
) => (args: never) => Promise<object>;

/** Tells `watch` of every call of `client` from here on. */
export function watched<C>(client: C, service: string, watch: AwsWatch | undefined): C {
  if (watch === undefined) return client;
  const middleware: Middleware = (next, { commandName = 'unknown' }) => {
    const operation = commandName.replace(/Command$/, '');
    return async (args) => {
      const began = performance.now();
      const end = (outcome: string): void => watch(service, operation, outcome, performance.now() - began);
      try {
        const result = await next(args);
        end('ok');
        return result;
      } catch (error) {
        end(outcomeOf(error));
        throw error;
      }
    };
  };
  // Inside the SDK's own repetition, so that each try counts.
  const where = { step: 'finalizeRequest', priority: 'low', name: 'stintWatch' };
  (client as unknown as Watched).middlewareStack.add(middleware, where);
  return client;
}

/** What `watch` hears of a failure. */
export function outcomeOf(error: unknown): string {
  if (isThrottling(error)) return 'throttled';
  const { name = 'Error', code } = error as { name?: string; code?: unknown };
  return typeof code === 'string' ? code : name;
}
