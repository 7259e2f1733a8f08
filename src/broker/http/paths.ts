// The path of a request: what it names below `/v1/`, and where a sloppy one is sent.
import { posix } from 'node:path';
import { brokerFailure } from '../failures.ts';

const longestPath = 900;
/** What most paths are: nothing in them to decode or to look at closer. */
const simple = /^\/v1\/[\w-]+(?:\/[\w-]+)*$/;

/** As Go's router does: where a path with empty, `.` or `..` segments should have gone; undefined when it is clean. */
export function cleanTarget(url: string): string | undefined {
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  if (!path.startsWith('/v1/') || !/\/\/|\/\.{1,2}(?:\/|$)/.test(path)) return undefined;
  return `${posix.normalize(path)}${end < 0 ? '' : url.slice(end)}`;
}

/**
 * The path below `/v1/`, or that of `/metrics`; undefined for everything else and for paths that cannot be a key.
 * @throws Failure `bad-request` for one that is relative once decoded, or is not printable.
 */
export function decodePath(raw: string): string | undefined {
  if (raw.length <= longestPath && simple.test(raw)) return raw.slice(4);
  if (raw === '/metrics') return 'sys/metrics';
  if (!raw.startsWith('/v1/')) return undefined;
  const path = decoded(raw.slice(4)).replace(/^\/+|\/+$/g, '');
  const segments = path.split('/');
  if (segments.includes('..') || segments.includes('.')) {
    throw brokerFailure('bad-request', 'relative paths not supported');
  }
  if (/\p{Cc}/u.test(path)) throw brokerFailure('bad-request', '');
  const plain = /^[\x20-\x7e]+$/.test(path) && path.length <= longestPath;
  return plain && !segments.includes('') ? path : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw brokerFailure('bad-request', '', { cause: error });
  }
}
