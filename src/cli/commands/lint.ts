// `stint lint`: what is wrong with policy documents and definitions. Reads files only, never AWS.
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { systemClock } from '../../base/index.ts';
import { compileDefinition, judgeTerraformPlan, lintDefinition } from '../../access/index.ts';
import type { LintKind } from '../../policy/index.ts';
import type { Io } from '../command.ts';
import { addDefinitionOptions, loadChosen, type DefinitionOptions } from '../definition.ts';
import { cliFailure } from '../failures.ts';
import { isPolicyText, kinds, lintPolicyFile } from '../lint/policy-file.ts';
import { printLine, say } from '../output.ts';
import { levels, tellReport, type LintReport, type ReportedFinding, type ReportSeverity } from '../lint/report.ts';

interface Options extends DefinitionOptions {
  readonly terraformPlan?: readonly string[];
  readonly kind?: LintKind;
  readonly resourceType?: string;
  readonly partition?: string;
  readonly level: ReportSeverity;
  readonly json?: true;
}

type FileReport = {
  readonly kind: string;
  readonly findings: readonly ReportedFinding[];
  readonly text?: string | undefined;
  /** Who gains and who loses what by a plan of Terraform. */
  readonly access?: readonly string[] | undefined;
};

function readText(io: Io, file: string): string {
  try {
    return readFileSync(resolve(io.cwd, file), 'utf8');
  } catch (cause) {
    throw cliFailure('file-unreadable', `cannot read \`${file}\``, {
      hint: 'name a file that is there and yours to read',
      cause,
    });
  }
}

function isDefinition(file: string, text: string): boolean {
  if (/\.(?:[cm]?[jt]s|ya?ml)$/.test(file)) return true;
  return basename(file).startsWith('stint.config.') || !isPolicyText(text);
}

/** `file:line:column` in its parts. */
function placed(place: string): { readonly file: string; readonly line: number; readonly column: number } {
  const [, file = place, line = '1', column = '1'] = /^(.*):(\d+):(\d+)$/.exec(place) ?? [];
  return { file, line: Number(line), column: Number(column) };
}

const pathText = (path: readonly (string | number)[]): string =>
  path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');

async function lintDefinitionFile(io: Io, options: Options): Promise<FileReport & { readonly file: string }> {
  const { definition, file, place } = await loadChosen(io, options);
  const found = await lintDefinition(compileDefinition(definition, systemClock.now()), definition);
  const findings = found.map(({ path, ...finding }): ReportedFinding => ({
    ...finding,
    ...placed(place(path)),
    path: pathText(path),
  }));
  return { file, kind: 'definition', findings, text: readText(io, file) };
}

/** A plan of Terraform: what it makes and changes, judged, and what it means told. */
async function lintTerraformPlan(io: Io, file: string, options: Options): Promise<FileReport> {
  const text = readText(io, file);
  const { findings, judged, access } = await judgeTerraformPlan(file, text);
  if (options.json !== true) {
    for (const line of access.length === 0 ? [] : ['access', ...access]) printLine(io, line);
    say(io, `${file}: ${judged} of IAM made or changed`);
  }
  return { kind: 'terraform plan', findings: findings.map((finding) => ({ file, ...finding })), access };
}

async function lintFile(io: Io, file: string, options: Options): Promise<FileReport> {
  const text = readText(io, file);
  if (options.kind === undefined && isDefinition(file, text))
    return lintDefinitionFile(io, { ...options, config: file });
  return { ...(await lintPolicyFile(file, text, options)), text };
}

async function lint(io: Io, files: readonly string[], options: Options): Promise<void> {
  const reports: (FileReport & { readonly file: string })[] = [];
  const plans = options.terraformPlan ?? [];
  for (const file of plans) reports.push({ ...(await lintTerraformPlan(io, file, options)), file });
  if (files.length === 0 && plans.length === 0) reports.push(await lintDefinitionFile(io, options));
  for (const file of files) reports.push({ ...(await lintFile(io, file, options)), file });
  const report: LintReport = {
    files: reports.map(({ file, kind, access }) => ({ file, kind, ...(access === undefined ? {} : { access }) })),
    findings: reports.flatMap(({ findings }) => findings),
    texts: new Map(reports.flatMap(({ file, text }) => (text === undefined ? [] : [[file, text] as const]))),
  };
  tellReport(io, report, { json: options.json === true, level: options.level });
}

export function register(program: Command, io: Io): void {
  const command = program.command('lint [files...]').description('find what is wrong with policies and definitions');
  addDefinitionOptions(command)
    .addOption(
      new Option('--kind <kind>', 'what the policies are used as (default: by their elements)').choices([...kinds]),
    )
    .option('--resource-type <type>', 'what carries a resource policy, as `AWS::S3::Bucket`')
    .option('--partition <partition>', 'refuse ARNs of any other partition')
    .addOption(new Option('--level <level>', 'the least that is shown').choices([...levels]).default('warning'))
    .option('--terraform-plan <file...>', 'a plan as `terraform show -json PLAN` prints it: what it makes and changes')
    .option('--json', 'machine output')
    .addHelpText(
      'after',
      '\nExit code 1: there is an error. docs/lint.md tells every check.\n\nExamples:\n  stint lint policy.json --kind scp\n  stint lint stint.config.yaml --level suggestion --json\n  terraform show -json plan.bin > plan.json && stint lint --terraform-plan plan.json',
    )
    .action((files: readonly string[], options: Options) => lint(io, files, options));
}
