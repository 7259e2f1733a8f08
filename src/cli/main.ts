// The entry of `stint`: refuses a Node that is too old, then runs the command line of this process.
import { processIo } from './process-io.ts';
import { run } from './program.ts';

const minimumNode = [24, 12] as const;

function checkNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return undefined;
  return `error[node-version]: stint needs Node ${minimumNode.join('.')} or newer; this is ${version}\nhint: install it, or run \`npm install node@24\` beside stint\n`;
}

const tooOld = checkNode(process.versions.node);
if (tooOld !== undefined) {
  process.stderr.write(tooOld);
  process.exitCode = 1;
} else {
  await run(process.argv.slice(2), processIo());
}
