// Writes to stdout without opening its stream, which costs 4 ms; the stream takes over when the pipe is full.

export function writeOut(text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    written = process.getBuiltinModule('node:fs').writeSync(1, bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Whoever asked has gone: there is nobody left to tell.
    if (code === 'EPIPE') return;
    if (code !== 'EAGAIN') throw error;
  }
  if (written < bytes.length) process.stdout.write(bytes.subarray(written));
}
