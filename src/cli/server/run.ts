// A server in the foreground: started, told ready, reloaded on SIGHUP, and stopped by a signal.
import { fileURLToPath } from 'node:url';
import { AdjustableClock, isFailure, systemRandom } from '../../base/index.ts';
import { startBroker, type Broker, type BrokerOptions } from '../../broker/index.ts';
import type { Io } from '../command.ts';
import { cliFile, isBuilt } from '../place.ts';
import type { Logger } from './logger.ts';

export interface Foreground {
  readonly io: Io;
  readonly logger: Logger;
  readonly options: Omit<BrokerOptions, 'clock' | 'random' | 'log' | 'environment' | 'stdout' | 'page'>;
  /** Tells people and programs that it is ready. */
  readonly ready: (broker: Broker) => void;
  /** What SIGHUP does beside reading certificate and audit files anew. */
  readonly reload?: () => void;
}

/** Runs until a signal; what was promised is finished then. */
export async function runForeground({ io, logger, options, ready, reload }: Foreground): Promise<void> {
  // Asked for before anybody can know that it runs: a signal right after the ready line ends it cleanly.
  const { signal } = io;
  const { log } = logger;
  const broker = await startBroker({
    ...options,
    clock: new AdjustableClock(),
    random: systemRandom,
    log,
    environment: io.env,
    stdout: io.stdout,
    page: pageFolder(),
  });
  const stopListening = io.onHangup?.(() => void reloaded(broker, logger, reload));
  ready(broker);
  await aborted(signal);
  stopListening?.();
  await broker.stop();
}

/** What `tools/page.ts` built, seen from this file's place in the sources or in a built command. */
function pageFolder(): string {
  return fileURLToPath(cliFile(isBuilt ? '../ui' : '../../dist/ui'));
}

async function reloaded(broker: Broker, { log }: Logger, reload: (() => void) | undefined): Promise<void> {
  try {
    await broker.reload();
    reload?.();
    log({ level: 'info', event: 'server.reloaded' });
  } catch (error) {
    // A mistake in a file is no reason to stop serving.
    const [code, message] = isFailure(error) ? [error.code, error.message] : ['internal', 'unknown'];
    log({ level: 'error', event: 'server.reload-failed', code, message });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
