// Reads the options of an audit device, with Vault's names, defaults and refusals. Pure but for the
// look at the mode of a file that is to keep it.
// Source: OpenBao internal/builtin/audit/{file,socket}/backend.go (names, defaults, texts).
import { isFailure, parseDuration } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';

export interface DeviceOptions {
  readonly raw: boolean;
  readonly hmacAccessor: boolean;
  readonly elideListResponses: boolean;
  readonly prefix: string;
  readonly target:
    | { readonly type: 'file'; readonly path: string; readonly mode: number | undefined }
    | { readonly type: 'stdout' }
    | { readonly type: 'discard' }
    | {
        readonly type: 'socket';
        readonly address: string;
        readonly socketType: 'tcp' | 'unix';
        readonly timeoutMillis: number;
      };
}

type Options = Readonly<Record<string, string>>;

/** @throws Failure `audit-invalid` in Vault's words. */
export function readDeviceOptions(type: string, options: Options): DeviceOptions {
  if (type !== 'file' && type !== 'socket') {
    throw invalid(`unknown backend type: ${JSON.stringify(type)}`, 'the types are `file` and `socket`');
  }
  const target = type === 'file' ? fileTarget(options) : socketTarget(options);
  checkFormat(options['format'] ?? 'json');
  return {
    raw: flag(options, 'log_raw', false),
    hmacAccessor: flag(options, 'hmac_accessor', true),
    elideListResponses: flag(options, 'elide_list_responses', false),
    prefix: prefixOf(options['prefix'] ?? ''),
    target,
  };
}

function fileTarget(options: Options): DeviceOptions['target'] {
  const path = options['file_path'] ?? options['path'];
  if (path === undefined || path === '') throw invalid('file_path is required', 'give the path, or `stdout`');
  if (/^stdout$/i.test(path)) return { type: 'stdout' };
  if (/^discard$/i.test(path)) return { type: 'discard' };
  return { type: 'file', path, mode: modeOf(options['mode'] ?? '0600') };
}

// SECURITY: an audit file holds text that callers choose: it is never made executable.
function modeOf(text: string): number | undefined {
  if (!/^(0o?)?[0-7]{1,7}$/.test(text)) {
    throw invalid(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`, 'write it in octal, as `0600`');
  }
  const mode = Number.parseInt(text.replace(/^0o/, ''), 8);
  if (mode === 0) return undefined;
  if ((mode & ~0o777) !== 0) throw invalid('file mode does not represent a regular file', 'write it as `0600`');
  return mode & ~0o111;
}

function socketTarget(options: Options): DeviceOptions['target'] {
  const { address, socket_type: socketType = 'tcp' } = options;
  if (address === undefined || address === '') throw invalid('address is required', 'give `HOST:PORT`, or a path');
  if (socketType !== 'tcp' && socketType !== 'unix') {
    throw invalid(`unknown network ${socketType}`, 'the socket types are `tcp` and `unix`');
  }
  if (socketType === 'tcp' && !/^.+:\d{1,5}$/.test(address)) {
    throw invalid(`address ${address}: missing port in address`, 'give `HOST:PORT`');
  }
  return { type: 'socket', address, socketType, timeoutMillis: timeoutOf(options['write_timeout'] ?? '2s') };
}

function timeoutOf(text: string): number {
  try {
    const seconds = parseDuration(text);
    if (seconds > 0 && seconds <= 60) return seconds * 1000;
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
  throw invalid(`invalid write_timeout ${JSON.stringify(text)}`, 'give a duration up to a minute, as `2s`');
}

function checkFormat(format: string): void {
  if (format === 'json') return;
  if (format === 'jsonx') {
    throw invalid(
      'jsonx formatting has been removed, consider switching to json by omitting "format" or setting it to "json"',
      'leave `format` out',
    );
  }
  throw invalid(`unknown format type ${JSON.stringify(format)}`, 'leave `format` out');
}

/** The words Go reads as a boolean. */
function flag(options: Options, name: string, unset: boolean): boolean {
  const text = options[name];
  if (text === undefined) return unset;
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw invalid(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`, `\`${name}\` is true or false`);
}

// SECURITY: a line feed would let a prefix forge lines, and `#!` with an executable file ran code in Vault (CVE-2025-6000).
function prefixOf(text: string): string {
  if (/^[\x20-\x7e]{0,64}$/.test(text) && !text.startsWith('#!')) return text;
  throw invalid('the prefix cannot be used', 'use up to 64 printable characters that do not begin with `#!`');
}

function invalid(message: string, hint: string): Error {
  return brokerFailure('audit-invalid', message, { hint });
}
