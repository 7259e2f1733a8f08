// A package registry on loopback that serves the packages of the lock file from `node_modules`, so
// that an install can be proved without leaving the machine.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

interface Registry extends AsyncDisposable {
  readonly url: string;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
}

// Nothing that runs; two thirds of the files.
const leftOut = ['./node_modules', '*.map', '*.ts', '*.mts', '*.cts', 'dist-types'];

/** The packed folder of an installed package, as npm lays it out: everything under `package/`. Types and sources are left out. */
function pack(folder: string): Buffer {
  const excluded = leftOut.map((pattern) => `--exclude=${pattern}`);
  // The fastest compression: the tarball lives for one install.
  const form = ['--use-compress-program=gzip -1', '--transform=s,^\\.,package,'];
  return execFileSync('tar', ['-c', ...form, ...excluded, '-C', folder, '.'], { maxBuffer: 512 * 1024 * 1024 });
}

/** Folders of every installed copy, by package name. */
function installedCopies(root: string): Map<string, string[]> {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, unknown>;
  };
  const copies = new Map<string, string[]>();
  for (const path of Object.keys(lock.packages)) {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (path === '' || !existsSync(join(root, path))) continue;
    copies.set(name, [...(copies.get(name) ?? []), join(root, path)]);
  }
  return copies;
}

/** Starts a registry that knows exactly the versions installed under `root`. */
export async function startRegistry(root: string): Promise<Registry> {
  const copies = installedCopies(root);
  const tarballs = new Map<string, Buffer>();

  const describe = (name: string, folders: readonly string[]): unknown => {
    const versions: Record<string, unknown> = {};
    for (const folder of folders) {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
      const path = `/${name}/-/${manifest.version}.tgz`;
      const content = tarballs.get(path) ?? pack(folder);
      tarballs.set(path, content);
      const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`;
      versions[manifest.version] = { ...manifest, scripts: {}, dist: { tarball: `${url}${path}`, integrity } };
    }
    return { name, 'dist-tags': { latest: Object.keys(versions)[0] }, versions };
  };

  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/');
    const tarball = tarballs.get(path);
    const folders = copies.get(path.slice(1));
    if (tarball !== undefined) response.end(tarball);
    else if (folders !== undefined) response.end(JSON.stringify(describe(path.slice(1), folders)));
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
  });
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
