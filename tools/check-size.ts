// The file-size rule: a source file of more than 800 lines hides more than one secret and fails the check.
import { globSync, readFileSync } from 'node:fs';

const limit = 800;
const tooLong = globSync('{src,test,tools,bench,examples,ui}/**/*.{ts,tsx}')
  .filter((file) => !file.includes('/generated/'))
  .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length }))
  .filter(({ lines }) => lines > limit);

for (const { file, lines } of tooLong) console.error(`${file}: ${lines} lines, the limit is ${limit}`);
process.exitCode = tooLong.length > 0 ? 1 : 0;
