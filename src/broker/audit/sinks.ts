// From the options of a device to the sink behind it.
import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { brokerFailure } from '../failures.ts';
import type { DeviceOptions } from './options.ts';
import { FileSink } from './file-sink.ts';
import { discardSink, streamSink, type AuditSink } from './sink.ts';
import { SocketSink } from './socket-sink.ts';

export interface SinkPlaces {
  readonly stdout: NodeJS.WritableStream;
  /** Folder of the store: no caller may have files of it written to. */
  readonly storage: string;
}

export function sinkOf({ target, prefix }: DeviceOptions, { stdout }: SinkPlaces): AuditSink {
  if (target.type === 'stdout') return streamSink(stdout);
  if (target.type === 'discard') return discardSink;
  if (target.type === 'file') return new FileSink({ path: target.path, mode: target.mode, prefix });
  return new SocketSink({ address: target.address, type: target.socketType, timeoutMillis: target.timeoutMillis });
}

/** What two devices must not share: their chains would break each other. Undefined where any number may write. */
export function placeOf({ target }: DeviceOptions): string | undefined {
  return target.type === 'file' ? resolve(target.path) : undefined;
}

/** @throws Failure `audit-invalid` when the device would write into the server's own files. */
export function checkPlace(options: DeviceOptions, { storage }: SinkPlaces): void {
  const place = placeOf(options);
  if (place === undefined) return;
  // SECURITY: a caller who may enable audit must not be able to damage the store, nor by way of a link.
  const inside = relative(realPath(storage), realPath(place));
  if (!inside.startsWith('..') && !isAbsolute(inside)) {
    throw brokerFailure('audit-invalid', `the file \`${place}\` lies in the storage folder`, {
      hint: 'give a file elsewhere, for example below `/var/log`',
    });
  }
}

/** Where a path leads; what is not there yet lies where its folder leads. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path));
  }
}

/** The system's reason in the words Vault's clients know. */
export function openingFailed({ target }: DeviceOptions, error: unknown): Error {
  const { code = '', message, syscall = 'open', path = '' } = error as NodeJS.ErrnoException;
  if (target.type !== 'file') return brokerFailure('audit-invalid', `audit backend failed test message: ${message}`);
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    EPERM: 'operation not permitted',
    EISDIR: 'is a directory',
    ENOTDIR: 'not a directory',
    EROFS: 'read-only file system',
    ENOSPC: 'no space left on device',
    ENXIO: 'no such device or address',
  };
  return brokerFailure(
    'audit-invalid',
    `sanity check failed; unable to open ${JSON.stringify(target.path)} for writing: ${syscall} ${path || target.path}: ${words[code] ?? message}`,
    { hint: 'name a file that the server may write; its folder is made when missing', cause: error },
  );
}
