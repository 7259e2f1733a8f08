// `stint operator snapshot save|restore FILE`: copies of everything a server keeps, streamed, so that they
// may be larger than memory.
import { createHash } from 'node:crypto';
import { createReadStream, openSync, renameSync, rmSync, fstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { isFailure } from '../../base/index.ts';
import { downloadBytes, uploadBytes, type Connection } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { say } from '../output.ts';
import { addConnection, addReply, examples, type ReplyOptions } from './options.ts';
import { printReply, printValue } from './reply.ts';

const path = 'sys/storage/raft/snapshot';

/** Adds `snapshot save` and `snapshot restore`; also below `raft`, where Vault has them. */
export function registerSnapshots(operator: Command, io: Io): void {
  const raft = operator
    .command('raft', { hidden: true })
    .description('where Vault has its snapshots')
    .addHelpText(
      'after',
      examples('stint operator raft snapshot save backup.snap', 'stint operator raft snapshot restore backup.snap'),
    );
  for (const parent of [operator, raft]) {
    const snapshot = parent
      .command('snapshot')
      .description('save and restore everything the server keeps')
      .addHelpText(
        'after',
        examples('stint operator snapshot save backup.snap', 'stint operator snapshot restore backup.snap'),
      );
    registerSave(snapshot, io);
    registerRestore(snapshot, io);
  }
}

function registerSave(snapshot: Command, io: Io): void {
  addReply(snapshot.command('save'))
    .description('write a copy of everything, encrypted as the server stores it, while the server goes on')
    .argument('<file>')
    .addHelpText(
      'after',
      examples(
        'stint operator snapshot save backup.snap',
        'stint operator snapshot save --json /backup/$(date +%F).snap',
      ),
    )
    .action(async (file: string, options: ReplyOptions) => {
      const target = resolve(io.cwd, file);
      const saved = await save(io, target, options);
      await printValue(io, saved, saved, options);
      say(io, 'whoever has this file and enough unseal keys has everything: keep them apart');
    });
}

interface Saved {
  readonly [name: string]: unknown;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

// Under another name until it is whole and on the disk, so that a cut download is never taken for a copy.
async function save(io: Io, target: string, options: Connection): Promise<Saved> {
  const partial = `${target}.part`;
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const file = await open(partial, 'w', 0o600);
    try {
      for await (const chunk of downloadBytes(io, path, options)) {
        hash.update(chunk);
        bytes += chunk.length;
        await file.write(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    renameSync(partial, target);
    await syncFolder(dirname(target));
  } catch (error) {
    rmSync(partial, { force: true });
    if (isFailure(error)) throw error;
    throw cliFailure(
      'file-unwritable',
      `the snapshot cannot be written to \`${target}\` (${(error as NodeJS.ErrnoException).code ?? 'cut off'})`,
      {
        hint: 'check the folder and its free space, and save again; nothing is left of this try',
        cause: error,
      },
    );
  }
  return { file: target, bytes, sha256: hash.digest('hex') };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function registerRestore(snapshot: Command, io: Io): void {
  addConnection(snapshot.command('restore'))
    .description('put a saved copy in the place of everything; leases of the present stay known')
    .argument('<file>')
    .option('-f, --force', 'also one of another server, or of former unseal keys: it opens with the keys of its time')
    .option('--json', 'print the whole answer as JSON')
    .addHelpText(
      'after',
      examples('stint operator snapshot restore backup.snap', 'stint operator snapshot restore -force old.snap'),
    )
    .action(async (file: string, { force, ...options }: ReplyOptions & { readonly force?: true }) => {
      const { bytes, size } = openFile(resolve(io.cwd, file), file);
      const reply = await uploadBytes(io, force === true ? `${path}-force` : path, bytes, size, options);
      await printReply(io, reply, options);
    });
}

/** The file, opened, so that nobody exchanges it between asking for its size and reading it. */
function openFile(source: string, shown: string): { readonly bytes: NodeJS.ReadableStream; readonly size: number } {
  try {
    const fd = openSync(source, 'r');
    return { bytes: createReadStream(source, { fd }), size: fstatSync(fd).size };
  } catch (error) {
    throw cliFailure('file-unreadable', `the file \`${shown}\` cannot be read`, {
      hint: 'check the path, and that you may read it',
      cause: error,
    });
  }
}
