// Loads a bundle of `dist/cli` together with what V8 made of it in an earlier run: most of what a short command takes is
// the compilation of its own functions. The code lies beside the bundle, in `code/`, for one version of Node each.
// SECURITY: whoever may write that file decides what runs, so it counts only where its owner could change the bundle as
// well, and nobody else can write it. A folder of kept sessions, which may be shared with a container, is no such place.
// Not imported: see assume/cache.ts.
const fs = process.getBuiltinModule('node:fs');

/**
 * What the text of a bundle is: a function, `function(module,exports,stintUrl,stintImport){...}` in parentheses. `import()`
 * is on trial in such a text, and warned of, so it is `stintImport()` there. `url` is the bundle's own.
 */
type RunBundle = (module: object, exports: object, url: string, load: (path: string) => Promise<unknown>) => void;

/** The first line of such a bundle is a comment with the hash of the rest; the same line begins the file with its code. */
const headSize = 24;

export interface LoadedBundle<Exports> {
  readonly exports: Exports;
  /** True when nothing had to be compiled that was compiled before. */
  readonly fromKept: boolean;
  /** Keeps what V8 has compiled by now, for later runs with the same `use`. Where that cannot be done, nothing happens. */
  readonly keep: () => void;
}

type Variables = Readonly<Record<string, string | undefined>>;

interface Found {
  readonly bytes: Buffer;
  readonly uid: number;
}

/** A regular file that only its owner may write, reached through no link. @throws what the file system throws. */
function readOwned(file: string): Found {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, S_IFMT, S_IFREG } = fs.constants;
  const handle = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const { uid, mode } = fs.fstatSync(handle);
    if ((mode & S_IFMT) !== S_IFREG || (mode & 0o022) !== 0) throw new Error(`${file} may be written by others`);
    return { bytes: fs.readFileSync(handle), uid };
  } finally {
    fs.closeSync(handle);
  }
}

/** What was kept for this very text, by somebody who could have changed the text. */
function keptCode(file: string, head: string, owner: number): Buffer | undefined {
  try {
    const { bytes, uid } = readOwned(file);
    return uid === owner && bytes.toString('latin1', 0, headSize) === head ? bytes.subarray(headSize) : undefined;
  } catch {
    return undefined;
  }
}

function remove(file: string): void {
  try {
    fs.unlinkSync(file);
  } catch {
    // It was never there.
  }
}

function writeCode(file: string, head: string, code: Buffer): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    fs.mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true, mode: 0o755 });
    const handle = fs.openSync(draft, 'wx', 0o644);
    try {
      fs.writeFileSync(handle, Buffer.concat([Buffer.from(head, 'latin1'), code]));
      // V8 knows a file that is too short by its length, but not one whose blocks never came to the disk.
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(draft, file);
  } catch {
    // A folder that is read-only, full, or none.
    remove(draft);
  }
}

/** Flags of V8 belong to its code; `NODE_DISABLE_COMPILE_CACHE` is what Node's own cache listens to. */
function mayKeep({ NODE_OPTIONS: options, NODE_DISABLE_COMPILE_CACHE: disabled }: Variables): boolean {
  return process.execArgv.length === 0 && !options && !disabled;
}

/**
 * The exports of a bundle. `use` tells apart what is done with it, since only what ran is compiled.
 * @throws what the file system throws, and what the bundle throws.
 */
export function loadCompiled<Exports>(bundle: URL, use: string, env: Variables): LoadedBundle<Exports> {
  const { fileURLToPath } = process.getBuiltinModule('node:url');
  const vm = process.getBuiltinModule('node:vm');
  const file = fileURLToPath(bundle);
  const { uid } = fs.statSync(file);
  const text = fs.readFileSync(file, 'latin1');
  const head = text.slice(0, headSize);
  const kind = `${use}.${process.version}-${process.arch}`;
  const place = fileURLToPath(new URL(`code/${kind}`, bundle));
  const cachedData = mayKeep(env) ? keptCode(place, head, uid) : undefined;
  const script = new vm.Script(text, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module = { exports: {} };
  const run = script.runInThisContext() as RunBundle;
  run(module, module.exports, bundle.href, (path) => import(new URL(path, bundle).href));
  const fromKept = cachedData !== undefined && script.cachedDataRejected === false;
  const keep = (): void => {
    if (!fromKept && mayKeep(env) && (process.getuid?.() ?? uid) === uid)
      writeCode(place, head, script.createCachedData());
  };
  return { exports: module.exports as Exports, fromKept, keep };
}
