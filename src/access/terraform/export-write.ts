// An export on disk. A small file beside it says what was written, so that a later export knows what is its own,
// what has gone, and what others put there.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../../base/index.ts';
import type { Wanted } from '../compile.ts';
import { accessFailure } from '../failures.ts';
import { exportRoots, type ExportOptions, type ExportRoot } from './export-files.ts';
import { textIn, textsIn } from './values.ts';

const manifestName = 'stint-export.json';
const manifestVersion = 1;

interface Manifest {
  readonly definition: string;
  readonly files: readonly string[];
  readonly addresses: readonly string[];
  readonly removed: readonly string[];
}

/** What an earlier export wrote into the folder. @throws Failure `export-folder-taken` for a file that is not ours. */
function readManifest(folder: string): Manifest | undefined {
  const file = join(folder, manifestName);
  if (!existsSync(file)) return undefined;
  try {
    const json = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    const definition = textIn(json, 'definition');
    if (isObject(json) && json['version'] === manifestVersion && definition !== undefined) {
      const lists = {
        files: textsIn(json, 'files'),
        addresses: textsIn(json, 'addresses'),
        removed: textsIn(json, 'removed'),
      };
      return { definition, ...lists };
    }
  } catch {
    // Told below, with every other file that is not ours.
  }
  throw accessFailure('export-folder-taken', `\`${file}\` is no record of an export that this Stint can read`, {
    hint: 'export into another folder',
  });
}

/** Nothing of others is overwritten, and an export of another definition is no earlier one. */
function checkFolder(folder: string, root: ExportRoot, manifest: Manifest | undefined, definition: string): void {
  if (manifest !== undefined && manifest.definition !== definition) {
    throw accessFailure(
      'export-folder-taken',
      `\`${folder}\` holds an export of the definition \`${manifest.definition}\``,
      {
        hint: 'export into another folder',
      },
    );
  }
  const taken = Object.keys(root.files).find(
    (name) => manifest?.files.includes(name) !== true && existsSync(join(folder, name)),
  );
  if (taken === undefined) return;
  throw accessFailure('export-folder-taken', `\`${join(folder, taken)}\` exists and was not written by an export`, {
    hint: 'export into an empty folder',
  });
}

function writeRoot(folder: string, root: ExportRoot, manifest: Manifest | undefined, definition: string): void {
  mkdirSync(folder, { recursive: true });
  const { addresses, removed } = root;
  const names = Object.keys(root.files);
  const record = { version: manifestVersion, definition, files: names, addresses, removed };
  const texts = { ...root.files, [manifestName]: `${JSON.stringify(record, null, 2)}\n` };
  // All are written before the first is put in place.
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, `.${name}.new`), text);
  for (const name of Object.keys(texts)) renameSync(join(folder, `.${name}.new`), join(folder, name));
  for (const name of manifest?.files ?? []) if (!names.includes(name)) rmSync(join(folder, name), { force: true });
}

export interface WrittenRoot {
  readonly folder: string;
  readonly files: readonly string[];
  readonly resources: number;
  readonly removed: readonly string[];
}

/**
 * Writes an export below `target`. Files of an earlier export are replaced, no others.
 * @throws Failure `export-folder-taken`, `export-unwritable`.
 */
export function writeExport(
  wanted: Wanted,
  target: string,
  options: Omit<ExportOptions, 'earlier'>,
): readonly WrittenRoot[] {
  const manifestOf = (root: string): Manifest | undefined => readManifest(join(target, root));
  const earlier = (root: string): readonly string[] => {
    const manifest = manifestOf(root);
    return [...new Set([...(manifest?.addresses ?? []), ...(manifest?.removed ?? [])])];
  };
  const roots = exportRoots(wanted, { ...options, earlier });
  const placed = roots.map((root) => ({ root, folder: join(target, root.folder), manifest: manifestOf(root.folder) }));
  for (const { root, folder, manifest } of placed) checkFolder(folder, root, manifest, wanted.definition);
  try {
    for (const { root, folder, manifest } of placed) writeRoot(folder, root, manifest, wanted.definition);
  } catch (cause) {
    throw accessFailure('export-unwritable', `\`${target}\` cannot be written`, {
      hint: 'name a folder that you may write',
      cause,
    });
  }
  return placed.map(({ root, folder }) => ({
    folder,
    files: Object.keys(root.files),
    resources: root.addresses.length,
    removed: root.removed,
  }));
}
