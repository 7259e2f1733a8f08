// What every verb that talks to a server takes, with Vault's names.
import { Option, type Command } from 'commander';
import type { Connection } from '../broker-client.ts';

/** Options of a verb that prints an answer. */
export interface ReplyOptions extends Connection {
  readonly format?: 'table' | 'json' | 'yaml';
  readonly json?: true;
  readonly field?: string;
}

/** Adds how the server is reached. */
export function addConnection(command: Command): Command {
  return command
    .option('--address <url>', 'the server; STINT_ADDR or VAULT_ADDR unless given')
    .option('--ca-cert <file>', 'certificates to trust, PEM; VAULT_CACERT unless given')
    .option('--tls-skip-verify', 'trust any certificate: for tests only')
    .addOption(new Option('--namespace <name>', 'for clients of Vault; there is one namespace').hideHelp());
}

/** Adds how the server is reached, and how its answer is printed. */
export function addReply(command: Command): Command {
  return addConnection(command)
    .addOption(new Option('--format <format>', 'of the answer').choices(['table', 'json', 'yaml']))
    .option('--json', 'the same as --format json')
    .option('--field <name>', 'print only this field, without a line feed into a pipe');
}

/** As `addReply`, for verbs whose answer may be wrapped. */
export function addWrapped(command: Command): Command {
  return addReply(command).option('--wrap-ttl <duration>', 'wrap the answer in a token that lives so long');
}

/** The end of a help page. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** For an option that may be given several times. */
export function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
