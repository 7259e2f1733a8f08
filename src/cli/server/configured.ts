// `stint server --config`: the server as its configuration file says.
import { systemRandom } from '../../base/index.ts';
import type { Io } from '../command.ts';
import { printData, say } from '../output.ts';
import { readConfig } from './config-file.ts';
import { jsonLogger } from './json-logger.ts';
import { textLogger } from './logger.ts';
import { brokerOptions } from './options.ts';
import { runForeground } from './run.ts';

/** Runs the server of a configuration file. @throws Failure `config-invalid`, `file-unreadable` and those of the server. */
export async function runConfigured(io: Io, file: string, json: boolean): Promise<void> {
  const config = readConfig(file, io.cwd);
  const { level, format } = config.log;
  const open = format === 'json' ? jsonLogger : textLogger;
  const logger = open(level, io.stderr, () => new Date());
  await runForeground({
    io,
    logger,
    options: brokerOptions(config, systemRandom),
    ready: ({ address }) => {
      if (json) printData(io, JSON.stringify({ ready: true, address }));
      else {
        say(io, `serving at ${address}, web page at ${address}/ui/`);
        if ('shamir' in config.seal) say(io, `when it is sealed: STINT_ADDR=${address} stint operator unseal`);
      }
      logger.log({ level: 'info', event: 'server.ready', address });
    },
    reload: () => logger.setLevel(readConfig(file, io.cwd).log.level),
  });
}
