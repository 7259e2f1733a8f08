// Lets this process become another program, as `exec` of a shell does: its parent, its terminal, its signals and its end
// are then the program's own, and nothing of Node stays. execve that fails ends Node at once, so it is asked for only
// where nothing can fail that can be looked at before; for everything else there is exec.ts.
const fs = process.getBuiltinModule('node:fs');

/** A file's beginning holds what the kernel looks at. */
const headerSize = 4096;
/** Arguments and variables together; Linux takes a quarter of the stack, 2 MiB as a rule, and other systems 1 MiB. */
const longestArguments = 500_000;

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The file that a shell would run for `command`. */
export function programFile(command: string, path: string | undefined): string | undefined {
  if (command.includes('/')) return isProgram(command) ? command : undefined;
  const folders = (path ?? '/usr/local/bin:/usr/bin:/bin').split(':');
  return folders.map((folder) => `${folder === '' ? '.' : folder}/${command}`).find(isProgram);
}

function headerOf(file: string): Buffer {
  const handle = fs.openSync(file, 'r');
  try {
    const header = Buffer.alloc(headerSize);
    return header.subarray(0, fs.readSync(handle, header));
  } finally {
    fs.closeSync(handle);
  }
}

/** ELF's numbers of the machines that Node calls so. */
const machines: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };
const programHeaders = { interpreter: 3 };

/**
 * The program that runs a program: of a script the one in its first line, of a binary its loader. An empty text for a
 * binary without one, undefined for a file that is neither, or for another machine.
 * https://refspecs.linuxfoundation.org/elf/elf.pdf
 */
export function runnerOf(header: Buffer): string | undefined {
  const text = header.toString('latin1');
  if (text.startsWith('#!')) return /^#![ \t]*([^\s]+)/.exec(text.slice(0, text.indexOf('\n')))?.[1];
  // 64 bits, little-endian.
  if (!text.startsWith('\x7fELF\x02\x01') || header.readUInt16LE(18) !== machines[process.arch]) return undefined;
  const [start, size, count] = [Number(header.readBigUInt64LE(32)), header.readUInt16LE(54), header.readUInt16LE(56)];
  if (start + size * count > header.length) return undefined;
  for (let entry = start; entry < start + size * count; entry += size) {
    if (header.readUInt32LE(entry) !== programHeaders.interpreter) continue;
    const [offset, length] = [Number(header.readBigUInt64LE(entry + 8)), Number(header.readBigUInt64LE(entry + 32))];
    return offset + length > header.length ? undefined : text.slice(offset, offset + length - 1);
  }
  return '';
}

/** True when the kernel will take the file, as far as that can be known. */
function isSure(file: string, args: readonly string[], env: Readonly<Record<string, string>>): boolean {
  const words = [...args, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  if (words.reduce((sum, word) => sum + Buffer.byteLength(word) + 9, 0) > longestArguments) return false;
  const runner = runnerOf(headerOf(file));
  if (runner === undefined) return false;
  return runner === '' || (isProgram(runner) && !headerOf(runner).toString('latin1').startsWith('#!'));
}

/** Becomes the command, or returns when this cannot be done for sure. */
export function becomeCommand(command: string, args: readonly string[], env: Readonly<Record<string, string>>): void {
  if (process.platform !== 'linux' || typeof process.execve !== 'function') return;
  try {
    const file = programFile(command, env['PATH']);
    if (file === undefined || !isSure(file, [command, ...args], env)) return;
    // Node ignores these two, and what is ignored stays so in the program. What has a handler is set back by the kernel.
    for (const name of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(name, () => undefined);
    process.execve(file, [command, ...args], env);
  } catch {
    // A file that changed or went away meanwhile.
  }
}
