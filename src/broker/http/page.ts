// The web page below `/ui/`: the files that the build made, from a table of their names that is read once.
// What the page does goes through the API under `/v1/`, with the token of whoever looks at it.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { brokerFailure } from '../failures.ts';

/** What the page's server is asked, of a request whose path is the page's. */
export interface PageAsked {
  readonly method: string;
  /** As it came: neither decoded nor cleaned. */
  readonly path: string;
  readonly acceptEncoding: string;
}

export interface PageReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

export interface Page {
  /** @throws Failure `not-found`, `page-not-built`, `unsupported-operation`. */
  answer(asked: PageAsked): Promise<PageReply>;
}

interface PageFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly plain: Uint8Array;
  readonly gzipped: Uint8Array;
}

// SECURITY: the page holds a token. It runs its own files only, speaks to its own server only, and no other page
// can frame it, guess at its files' types or learn where its reader came from.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Headers of every answer below `/ui`, also of refusals. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** True for `/`, `/ui` and what is below it. */
export function isPagePath(path: string): boolean {
  return path === '/' || path === '/ui' || path.startsWith('/ui/');
}

/** The page of a folder that the build made; its files are read at the first request. */
export function openPage(folder: string): Page {
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined;
  return {
    answer: async ({ method, path, acceptEncoding }) => {
      if (method !== 'GET' && method !== 'HEAD') throw brokerFailure('unsupported-operation', '');
      if (path === '/' || path === '/ui') return redirect('/ui/');
      // A folder that cannot be read is looked at again: it may be built meanwhile.
      files ??= readFiles(folder).catch((error: unknown) => {
        files = undefined;
        throw error;
      });
      const file = (await files).get(path);
      if (file === undefined)
        throw brokerFailure('not-found', 'the web page has no such file', { hint: 'the web page is at `/ui/`' });
      return replyOf(file, acceptEncoding);
    },
  };
}

function redirect(to: string): PageReply {
  return { status: 307, headers: { Location: to }, body: undefined };
}

function replyOf({ headers, plain, gzipped }: PageFile, acceptEncoding: string): PageReply {
  const zipped = acceptsGzip(acceptEncoding);
  const encoding = zipped ? { 'Content-Encoding': 'gzip' } : undefined;
  return { status: 200, headers: { ...headers, ...encoding }, body: zipped ? gzipped : plain };
}

function acceptsGzip(header: string): boolean {
  const [, weight] = /(?:^|,)\s*gzip\s*(?:;\s*q\s*=\s*([\d.]+)\s*)?(?:,|$)/i.exec(header) ?? [undefined, '0'];
  return weight === undefined || Number(weight) > 0;
}

// SECURITY: only what was listed is ever served, so that no path of a request reaches the file system.
async function readFiles(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw notBuilt(error);
  });
  const shown = names.filter((name) => /^[\w-]+\.(?:html|js|css)$/.test(name));
  if (!shown.includes('index.html')) throw notBuilt();
  const files = await Promise.all(
    shown.map(async (name) => [name === 'index.html' ? '/ui/' : `/ui/${name}`, await readOne(folder, name)] as const),
  );
  return new Map(files);
}

async function readOne(folder: string, name: string): Promise<PageFile> {
  const plain = await readFile(join(folder, name));
  const headers = {
    'Content-Type': types[name.slice(name.lastIndexOf('.') + 1)]!,
    // Names of all files but the first hold a hash of what is in them.
    'Cache-Control': name === 'index.html' ? 'no-store' : 'public, max-age=31536000, immutable',
    Vary: 'Accept-Encoding',
  };
  return { headers, plain, gzipped: await promisify(gzip)(plain, { level: 9 }) };
}

function notBuilt(cause?: unknown): Error {
  return brokerFailure('page-not-built', 'the web page is not built: `npm run build` makes it', {
    hint: 'run `npm run build` where Stint is, and load the page again',
    cause,
  });
}
