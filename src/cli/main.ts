// The entry of `stint`: refuses a Node that is too old, answers what can be answered at once, then loads what runs the
// command line of this process.
import { runWithHot } from './load-hot.ts';
import { cliModule } from './place.ts';
import { processIo, workingFolder } from './process-io.ts';
import { answerQuickly } from './quick.ts';

/** The verbs that hot.ts knows a short way for. */
const hotVerbs: readonly string[] = ['assume', 'credentials', 'ls', 'shell'];
const minimumNode = [24, 12] as const;

function checkNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return undefined;
  return `error[node-version]: stint needs Node ${minimumNode.join('.')} or newer; this is ${version}\nhint: install it, or run \`npm install node@24\` beside stint\n`;
}

async function runLine(argv: readonly string[]): Promise<void> {
  if (answerQuickly(argv, process.env, workingFolder())) return;
  const verb = hotVerbs.find((each) => each === argv[0]);
  if (verb !== undefined && (await runWithHot(verb, ({ runHot }, io) => runHot(argv, io)))) return;
  const { run } = (await import(cliModule('program').href)) as typeof import('./program.ts');
  await run(argv, processIo());
}

const tooOld = checkNode(process.versions.node);
if (tooOld !== undefined) {
  process.stderr.write(tooOld);
  process.exitCode = 1;
} else {
  await runLine(process.argv.slice(2));
}
