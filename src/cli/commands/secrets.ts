// `stint secrets …`: the engines of a server.
import type { Command } from 'commander';
import { askServer, type Connection } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import {
  closed,
  registerDisable,
  registerEnable,
  registerMountList,
  registerTune,
  type MountWords,
} from '../lend/mounts.ts';
import { addConnection, examples } from '../lend/options.ts';
import { say } from '../output.ts';

const words: MountWords = { group: 'secrets', api: 'sys/mounts', thing: 'an engine', types: 'aws', example: 'aws' };

export function register(program: Command, io: Io): void {
  const secrets = program
    .command('secrets')
    .description('engines of the server')
    .addHelpText('after', examples('stint secrets enable aws', 'stint secrets list'));
  registerEnable(secrets, io, words);
  registerDisable(secrets, io, words);
  registerMountList(secrets, io, words);
  registerTune(secrets, io, words);
  addConnection(secrets.command('move'))
    .description('move an engine with everything it keeps to another path')
    .argument('<from>')
    .argument('<to>')
    .addHelpText('after', examples('stint secrets move aws team/aws', 'stint secrets move team/aws aws'))
    .action((from: string, to: string, options: Connection) => move(io, from, to, options));
}

async function move(io: Io, from: string, to: string, options: Connection): Promise<void> {
  const { body } = await askServer(
    io,
    'POST',
    'sys/remount',
    { body: { from: closed(from), to: closed(to) } },
    options,
  );
  const id = (body['data'] as { migration_id?: string } | undefined)?.migration_id ?? String(body['migration_id']);
  for (;;) {
    const asked = await askServer(io, 'GET', `sys/remount/status/${id}`, {}, options);
    const { status } = (asked.body['data'] as { migration_info: { status: string } }).migration_info;
    if (status === 'success') return say(io, `moved ${closed(from)}/ to ${closed(to)}/`);
    if (status !== 'in-progress') {
      throw cliFailure('server-refused', `the move of \`${from}\` to \`${to}\` has failed`, {
        hint: 'the log of the server says why; `stint secrets list` shows where it is',
      });
    }
    await pause(200);
  }
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
