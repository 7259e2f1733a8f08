// `stint diff OLD NEW`: what the difference of two definitions, plans or policies means. Exits with 3 when somebody
// gains access.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../../base/index.ts';
import {
  compileDefinition,
  definedDetails,
  diffLive,
  isPlanFile,
  policyFileDetails,
  readPlanFile,
  readPolicyFile,
  accessText,
  type AccountRef,
  type Finding,
  type Wanted,
} from '../../access/index.ts';
import {
  accessDiff,
  Directory,
  diffJson,
  isGain,
  loadCatalog,
  type AccessDiff,
  type AuthorizationDetails,
  type PolicyJson,
} from '../../policy/index.ts';
import { sayFindings } from '../access-questions.ts';
import type { Io } from '../command.ts';
import { addDefinitionOptions, loadChosen, openDefined, type DefinitionOptions } from '../definition.ts';
import { cliFailure } from '../failures.ts';
import { printJson, printLine } from '../output.ts';

interface Options extends DefinitionOptions {
  readonly full?: true;
  readonly json?: true;
}

/** The name under which the policies of both files stand, so that they are compared with one another. */
const carrier = 'policy';

interface Side {
  readonly details: AuthorizationDetails;
  readonly accounts: readonly AccountRef[];
}

/** One side: a plan file, a policy document, or a definition. */
async function sideOf(io: Io, text: string, options: Options): Promise<Side> {
  const wanted = await wantedOf(io, text, options);
  if (!('Statement' in wanted)) return { details: await definedDetails(wanted), accounts: wanted.accounts };
  return { details: policyFileDetails(carrier, [{ name: 'policy', document: wanted }]), accounts: [] };
}

/** What a file wants: a policy document, or a definition, compiled now or when its plan was made. */
async function wantedOf(io: Io, text: string, options: Options): Promise<Wanted | PolicyJson> {
  const file = resolve(io.cwd, text);
  const isSource = /\.(?:ts|ya?ml)$/.test(file);
  const policy = isSource ? undefined : readPolicyFile(file);
  if (policy?.document !== undefined) return policy.document;
  if (!isSource && isPlanFile(file)) return readPlanFile(file).wanted;
  const { definition } = await loadChosen(io, { ...options, config: text });
  return compileDefinition(definition, systemClock.now());
}

interface Compared {
  readonly diff: AccessDiff;
  readonly accounts: readonly AccountRef[];
  readonly findings: readonly Finding[];
}

/** What it would mean to carry out `text`, given what AWS holds. */
async function fromLive(io: Io, text: string, options: Options): Promise<Compared> {
  const wanted = await wantedOf(io, text, options);
  if ('Statement' in wanted) {
    throw cliFailure('value-invalid', 'a policy document alone cannot be compared with `live`', {
      hint: 'give a definition or a plan file',
    });
  }
  return { ...(await diffLive(wanted, openDefined(io, wanted))), accounts: wanted.accounts };
}

async function compared(io: Io, oldText: string, newText: string, options: Options): Promise<Compared> {
  if (newText === 'live') {
    throw cliFailure('value-invalid', '`live` can only be the old side', {
      hint: '`stint drift` tells what was changed in AWS',
    });
  }
  if (oldText === 'live') return fromLive(io, newText, options);
  const [old, fresh] = [await sideOf(io, oldText, options), await sideOf(io, newText, options)];
  const was = new Directory(old.details);
  const diff = accessDiff(await loadCatalog(), was, was.changedTo(fresh.details));
  return { diff, accounts: fresh.accounts, findings: [] };
}

async function run(io: Io, oldText: string, newText: string, options: Options): Promise<void> {
  const { diff, accounts, findings } = await compared(io, oldText, newText, options);
  if (options.json === true) printJson(io, { version: 1, gain: isGain(diff), ...diffJson(diff), findings });
  else {
    const lines = accessText(await loadCatalog(), diff, accounts, options.full);
    for (const line of lines.length === 0 ? ['No change of access.'] : lines) printLine(io, line);
    sayFindings(io, findings);
  }
  if (isGain(diff)) io.exit(3);
}

export function register(program: Command, io: Io): void {
  const command = program
    .command('diff')
    .description('what the difference of two definitions, plans or policies means. Exits with 3 when access is gained')
    .argument('<old>', 'a definition, a plan file, a policy document, or `live` for what AWS holds')
    .argument('<new>', 'likewise');
  addDefinitionOptions(command)
    .option('--full', 'tell every account and every line, equal ones too')
    .option('--json', 'machine output')
    .addHelpText(
      'after',
      '\nExamples:\n  stint diff old/stint.config.yaml stint.config.yaml\n  stint diff policy-before.json policy-after.json --json',
    )
    .action((before: string, after: string, options: Options) => run(io, before, after, options));
}
