// The rooms of src/, with ui/, and who may enter them: every edge between two rooms is tried on the lint rules that hold it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

const entered: Readonly<Record<string, readonly string[]>> = {
  base: [],
  policy: ['base'],
  aws: ['base'],
  access: ['base', 'policy', 'aws'],
  assume: ['base', 'aws'],
  broker: ['base', 'policy', 'aws', 'access'],
  cloud: ['base', 'policy'],
  cli: ['base', 'policy', 'aws', 'access', 'assume', 'broker', 'cloud'],
};
const rooms = Object.keys(entered);
// `cloud` takes the types of the AWS SDK and runs none of it.
const sdkRooms = ['aws', 'access', 'broker', 'cli'];

interface Probe {
  readonly file: string;
  readonly text: string;
  readonly allowed: boolean;
}

/** What one room might import, from its own folder and from one below it. */
function probesOf(room: string): Probe[] {
  const others = rooms.filter((other) => other !== room);
  const edges = others.flatMap((other) => {
    const allowed = entered[room]!.includes(other);
    return ['', 'below/'].flatMap((below) => {
      const path = `${below === '' ? '../' : '../../'}${other}`;
      return [
        { name: `${below}${other}`, text: `import { a } from '${path}/index.ts';\nexport const b = a;\n`, allowed },
        { name: `${below}${other}-type`, text: `export type { A } from '${path}/index.ts';\n`, allowed },
        { name: `${below}${other}-awaited`, text: `export const b = import('${path}/index.ts');\n`, allowed },
        { name: `${below}${other}-file`, text: `export { a } from '${path}/inner.ts';\n`, allowed: false },
        { name: `${below}${other}-deep`, text: `export { a } from '${path}/deep/index.ts';\n`, allowed: false },
      ];
    });
  });
  const sdk = "import { IAM } from '@aws-sdk/client-iam';\nexport const b = IAM;\n";
  const sdkType = "export type { IAM } from '@aws-sdk/client-iam';\n";
  const outside = [
    { name: 'own', text: "export { a } from './below/other.ts';\n", allowed: true },
    { name: 'sdk', text: sdk, allowed: sdkRooms.includes(room) },
    {
      name: 'sdk-awaited',
      text: "export const b = import('@aws-sdk/client-iam');\n",
      allowed: sdkRooms.includes(room),
    },
    { name: 'sdk-type', text: sdkType, allowed: [...sdkRooms, 'cloud'].includes(room) },
    {
      name: 'io',
      text: "import { readFileSync } from 'node:fs';\nexport const b = readFileSync;\n",
      allowed: !['base', 'policy'].includes(room),
    },
  ];
  return [...edges, ...outside].map(({ name, text, allowed }) => ({
    file: `src/${room}/${name}.ts`,
    text,
    allowed,
  }));
}

/** What the web page might import: types of the wire, and nothing else of the server. */
function pageProbes(): Probe[] {
  const others = [
    ...rooms.map((room) => `src/${room}/index.ts`),
    'src/index.ts',
    'src/broker/model.ts',
    'src/broker/http/server.ts',
    'src/broker/http/paths.ts',
    'src/broker/routes/table.ts',
    'test/broker/support.ts',
    'tools/page.ts',
  ];
  const texts = [
    ...others.map((path) => ({ text: `export type { A } from '../../${path}';\n`, allowed: false })),
    { text: "export { a } from '../../src/broker/http/wire.ts';\n", allowed: false },
    { text: "import { readFileSync } from 'node:fs';\nexport const b = readFileSync;\n", allowed: false },
    { text: "export type { A } from '../../src/broker/http/wire.ts';\n", allowed: true },
    { text: "export { a } from '../view/other.ts';\n", allowed: true },
  ];
  return texts.map(({ text, allowed }, at) => ({ file: `ui/parts/page-${at}.tsx`, text, allowed }));
}

/** Files in which the rule on imports speaks up. */
async function refusedFiles(folder: string): Promise<Set<string>> {
  const oxlint = join(root, 'node_modules/.bin/oxlint');
  const report = await new Promise<string>((resolve) => {
    // It ends with 1 where it found something.
    execFile(oxlint, ['--format', 'json', 'src', 'ui'], { cwd: folder, maxBuffer: 1 << 26 }, (_, out) => resolve(out));
  });
  const { diagnostics } = JSON.parse(report) as { diagnostics: { code: string; filename: string }[] };
  return new Set(
    diagnostics.filter(({ code }) => code.includes('no-restricted-imports')).map(({ filename }) => filename),
  );
}

test('every edge between two rooms that is not allowed is refused by lint, and no other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-rooms-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  const probes = [...rooms.flatMap(probesOf), ...pageProbes()];
  for (const { file, text } of probes) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const refused = await refusedFiles(folder);
  const wrong = probes.filter(({ file, allowed }) => refused.has(file) === allowed);
  assert.deepEqual(
    wrong.map(({ file, allowed }) => `${file} ${allowed ? 'is refused' : 'passes'}`),
    [],
  );
});

test('every folder of src is a room', () => {
  assert.deepEqual(globSync('*/', { cwd: join(root, 'src') }).sort(), [...rooms].sort());
});
