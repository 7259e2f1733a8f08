// How an answer of the server looks: a table for people, JSON or YAML for programs, or one field alone.
import { formatDuration } from '../../base/index.ts';
import type { ServerReply } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { printData, printJson, say } from '../output.ts';
import type { ReplyOptions } from './options.ts';

type Values = Readonly<Record<string, unknown>>;

/** Prints an answer as the options and VAULT_FORMAT say. @throws Failure `field-missing`. */
export async function printReply(io: Io, { body }: ServerReply, options: ReplyOptions): Promise<void> {
  for (const warning of (body['warnings'] as string[] | null | undefined) ?? []) say(io, `warning: ${warning}`);
  if (options.field !== undefined) return printField(io, rowsOf(body), options.field);
  await printValue(io, body, rowsOf(body), options);
}

/** As `printValue`, or one field of `value` alone. @throws Failure `field-missing`. */
export async function printFields(io: Io, value: Values, rows: Values, options: ReplyOptions): Promise<void> {
  if (options.field !== undefined) return printField(io, value, options.field);
  await printValue(io, value, rows, options);
}

/** Prints `value` as JSON or YAML, or `rows` as a table. */
export async function printValue(io: Io, value: unknown, rows: Values, options: ReplyOptions): Promise<void> {
  const format = formatOf(io, options);
  if (format === 'json') return printJson(io, value);
  if (format === 'yaml') return printData(io, (await import('yaml')).stringify(value).trimEnd());
  printTable(io, rows);
}

function formatOf(io: Io, { json, format }: ReplyOptions): string {
  const wanted = json === true ? 'json' : (format ?? io.env['VAULT_FORMAT'] ?? 'table');
  if (['table', 'json', 'yaml'].includes(wanted)) return wanted;
  throw cliFailure('invalid-option', `the format \`${wanted}\` of VAULT_FORMAT is not known`, {
    hint: 'use table, json or yaml',
  });
}

/** A field as Vault's tools print it: as it is, and with a line feed on a terminal only. */
export function printField(io: Io, rows: Values, name: string): void {
  const value = Object.hasOwn(rows, name) ? rows[name] : undefined;
  if (value === undefined) {
    throw cliFailure('field-missing', `the answer has no field \`${name}\``, {
      hint: `its fields are: ${Object.keys(rows).join(', ')}`,
    });
  }
  io.stdout.write(`${textOf(value)}${io.stdout.isTTY ? '\n' : ''}`);
}

/** The rows of an answer, with the names Vault's tools give them. */
function rowsOf(body: Values): Values {
  const wrapped = body['wrap_info'] as Values | null | undefined;
  if (wrapped) return wrapRows(wrapped);
  const auth = body['auth'] as Values | null | undefined;
  if (auth) return authRows(auth);
  return { ...leaseRows(body), ...(body['data'] as Values | null) };
}

function leaseRows(body: Values): Values {
  if (!body['lease_id']) return {};
  return {
    lease_id: body['lease_id'],
    lease_duration: formatDuration(Number(body['lease_duration'])),
    lease_renewable: body['renewable'],
  };
}

function wrapRows(info: Values): Values {
  return {
    wrapping_token: info['token'],
    wrapping_accessor: info['accessor'],
    wrapping_token_ttl: formatDuration(Number(info['ttl'])),
    wrapping_token_creation_time: info['creation_time'],
    wrapping_token_creation_path: info['creation_path'],
    ...(info['wrapped_accessor'] ? { wrapped_accessor: info['wrapped_accessor'] } : {}),
  };
}

function authRows(auth: Values): Values {
  const meta = Object.entries((auth['metadata'] as Values | null) ?? {});
  return {
    token: auth['client_token'],
    token_accessor: auth['accessor'],
    token_duration: formatDuration(Number(auth['lease_duration'])),
    token_renewable: auth['renewable'],
    token_policies: auth['token_policies'],
    identity_policies: auth['identity_policies'] ?? [],
    policies: auth['policies'],
    ...Object.fromEntries(meta.map(([name, value]) => [`token_meta_${name}`, value])),
  };
}

export function printTable(io: Io, values: Values): void {
  const shown = Object.entries(values).filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([key]) => key.length));
  for (const [key, value] of shown) printData(io, `${key.padEnd(width)}  ${textOf(value)}`.trimEnd());
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
