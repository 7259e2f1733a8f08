// `stint init`: writes a definition. From live accounts, from Terraform, or a first one to go on from.
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { systemClock, systemRandom } from '../../base/index.ts';
import { openAccounts, organizationRole } from '../../aws/index.ts';
import {
  accessFailure,
  definitionYaml,
  findingLines,
  foundInAws,
  foundInTerraform,
  importFound,
  variableFindings,
  type AccountLabel,
  type Finding,
  type Imported,
  type TerraformInput,
} from '../../access/index.ts';
import type { Io } from '../command.ts';
import { loadChosen, sleep } from '../definition.ts';
import { cliFailure } from '../failures.ts';
import { printData, printJson, say } from '../output.ts';

interface Options {
  readonly fromAws?: true;
  readonly fromTerraform?: readonly string[];
  readonly source?: string;
  readonly config: string;
  readonly name?: string;
  readonly account?: readonly string[];
  readonly force?: true;
  readonly json?: true;
}

/** `222222222222`, `dev`, or `222222222222=dev:test` for a name and stage of one's own. */
function accountLabel(text: string): AccountLabel {
  const [, id, name, stage] = /^([\w.-]+)(?:=([A-Za-z][\w-]{0,63}))?(?::([\w-]+))?$/.exec(text) ?? [];
  if (id === undefined) {
    throw cliFailure('usage', `\`${text}\` names no account`, {
      hint: 'write `222222222222`, or `222222222222=dev:dev` to name it and its stage',
    });
  }
  return { id, name, stage };
}

function readInput(io: Io, file: string): TerraformInput {
  try {
    return { file, text: readFileSync(resolve(io.cwd, file), 'utf8') };
  } catch (cause) {
    throw accessFailure('terraform-unreadable', `\`${file}\` cannot be read`, {
      hint: 'give the output of `terraform show -json`',
      cause,
    });
  }
}

/** Findings about the text of a configuration: what Terraform refuses never comes into a state or plan. */
function sourceFindings(io: Io, folder: string | undefined): Finding[] {
  if (folder === undefined) return [];
  const path = resolve(io.cwd, folder);
  const names = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.tf')) : [];
  if (names.length === 0) {
    throw accessFailure('terraform-unreadable', `\`${folder}\` holds no configuration of Terraform`, {
      hint: 'name the folder of the `.tf` files',
    });
  }
  return variableFindings(names.sort().map((name) => readInput(io, join(folder, name))));
}

async function importChosen(io: Io, options: Options): Promise<Imported> {
  const labels = (options.account ?? []).map(accountLabel);
  if (options.fromTerraform !== undefined) {
    const source = sourceFindings(io, options.source);
    const inputs = options.fromTerraform.map((file) => readInput(io, file));
    const imported = importFound(foundInTerraform(inputs, options.name ?? 'default', labels), systemClock.now());
    return { ...imported, findings: [...source, ...imported.findings] };
  }
  const accounts = openAccounts({
    env: io.env,
    clock: systemClock,
    random: systemRandom,
    sleep,
    signal: io.signal,
    entryRoles: [organizationRole],
  });
  return importFound(await foundInAws(accounts, options.name, labels), systemClock.now());
}

/** A definition of one account, for a start without anything to take over. */
const starter: Imported = {
  definition: {
    version: 1,
    accounts: {
      central: { id: '111111111111', stage: 'central', central: true },
      dev: { id: '222222222222', stage: 'dev' },
    },
    stages: ['central', 'dev'],
    groups: { developers: {} },
    people: { alice: { groups: ['developers'] } },
    roles: { reader: { in: ['dev'], trust: [{ group: 'developers' }], managed: ['ReadOnlyAccess'] } },
  },
  notes: [
    {
      path: ['accounts'],
      text: 'Put your account ids here. `organization: o-…` fences every trust that crosses accounts.',
    },
    { path: ['roles'], text: 'Who may become what, and where.' },
  ],
  findings: [],
  left: [],
};

/** Written beside its place, judged there as every definition is, and only then put in place. */
async function writeDefinition(io: Io, options: Options, text: string): Promise<void> {
  const target = resolve(io.cwd, options.config);
  if (existsSync(target) && options.force !== true) {
    throw accessFailure('definition-exists', `\`${options.config}\` exists already`, {
      hint: 'name another with `--config FILE`, or give `--force`',
    });
  }
  const draft = join(dirname(target), `.${basename(target)}.new${extname(target)}`);
  try {
    writeFileSync(draft, text);
  } catch (cause) {
    throw accessFailure('definition-unwritable', `\`${options.config}\` cannot be written`, {
      hint: 'name a file in a folder that exists and you may write',
      cause,
    });
  }
  try {
    await loadChosen(io, { config: draft });
    renameSync(draft, target);
  } finally {
    rmSync(draft, { force: true });
  }
}

function headerLines(options: Options): string[] {
  const from =
    options.fromTerraform === undefined
      ? 'live accounts'
      : options.fromTerraform.map((file) => basename(file)).join(', ');
  if (options.fromAws === undefined && options.fromTerraform === undefined) {
    return ['A Stint definition. `stint plan` shows what it would make, `stint apply` makes it.'];
  }
  return [
    `Made by \`stint init\` from ${from}. What Stint did not make is watched until it is taken over by name:`,
    '`stint import ACCOUNT/KIND/NAME`. `stint plan` tells what is only watched.',
    'AWS keeps no variables, outputs, lendables and modes, no reasons of single entries of a list, and nothing about a group but',
    'what it carries and `protect`: write those anew (docs/access.md, "Read back").',
  ];
}

const sizeOf = (definition: Readonly<Record<string, unknown>>, part: string): number =>
  Object.keys((definition[part] as object | undefined) ?? {}).length;

function printSummary(io: Io, options: Options, { definition, findings, left }: Imported): void {
  const parts = ['accounts', 'roles', 'policies', 'groups', 'people'].map(
    (part) => [part, sizeOf(definition, part)] as const,
  );
  if (options.json === true) {
    printJson(io, { version: 1, file: options.config, ...Object.fromEntries(parts), findings, left });
    return;
  }
  for (const line of findingLines(findings)) say(io, line);
  for (const { why, count } of left) say(io, `left out: ${count} ${why}`);
  printData(io, `${options.config}: ${parts.map(([part, count]) => `${count} ${part}`).join(', ')}`);
  say(io, 'next: read it, then `stint plan`');
}

async function init(io: Io, options: Options): Promise<void> {
  if (options.fromAws === true && options.fromTerraform !== undefined) {
    throw cliFailure('usage', '`--from-aws` and `--from-terraform` cannot be given together', {
      hint: 'run `stint init` once for each, into two files',
    });
  }
  if (options.source !== undefined && options.fromTerraform === undefined) {
    throw cliFailure('usage', '`--source` goes with `--from-terraform`', {
      hint: '`stint init --help` shows how it is used',
    });
  }
  if (!/\.(?:ya?ml|json)$/.test(options.config)) {
    throw cliFailure('usage', `\`${options.config}\` is no file that can be written`, {
      hint: 'name a `.yaml` or `.json` file',
    });
  }
  const fresh = options.fromAws === undefined && options.fromTerraform === undefined;
  const imported = fresh ? starter : await importChosen(io, options);
  const text = options.config.endsWith('.json')
    ? `${JSON.stringify(imported.definition, null, 2)}\n`
    : definitionYaml(imported, { lines: headerLines(options) });
  await writeDefinition(io, options, text);
  printSummary(io, options, imported);
}

export function register(program: Command, io: Io): void {
  program
    .command('init')
    .description('write a definition: a first one, or one of what is there')
    .option('--from-aws', 'of what live accounts hold')
    .option(
      '--from-terraform <file...>',
      'of what `terraform show -json` prints of a state or plan; several files make one definition',
    )
    .option(
      '--source <dir>',
      'with --from-terraform: the folder of the configuration, to find variables that are not declared',
    )
    .addOption(
      new Option(
        '--account <account...>',
        'of live accounts only these, by name or id; `ID=NAME:STAGE` gives one its name and stage',
      ),
    )
    .option('--config <file>', 'where the definition is written', 'stint.config.yaml')
    .option(
      '--name <name>',
      'name of the definition, by which its things are marked (default: that of the one definition found there, else `default`)',
    )
    .option('--force', 'write over a file that exists')
    .option('--json', 'machine output')
    .addHelpText(
      'after',
      '\nExamples:\n  stint init --from-aws\n  terraform show -json > state.json && stint init --from-terraform state.json',
    )
    .action((options: Options) => init(io, options));
}
