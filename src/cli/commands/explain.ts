// `stint explain ID`: what an id means that Stint has shown: a change of the plan, a finding of the linter, a way up, an
// error code, or a refusal of the embedded AWS.
import type { Command } from 'commander';
import { nearestName, systemClock } from '../../base/index.ts';
import {
  accessFailure,
  accessText,
  changeText,
  compileDefinition,
  makePlan,
  type Change,
  type Plan,
} from '../../access/index.ts';
import { loadCatalog, type AccessDiff, type ChangedPrincipal } from '../../policy/index.ts';
import type { Io } from '../command.ts';
import { explainedCodes } from '../explain-codes.ts';
import { addDefinitionOptions, loadChosen, openDefined, type DefinitionOptions } from '../definition.ts';
import { printData, printJson, printLine } from '../output.ts';

interface Options extends DefinitionOptions {
  readonly json?: true;
  readonly credentialsFile?: string;
}

/** A change of the plan that would be made now: what it is, its calls, and what it means. */
async function explainChange(io: Io, id: string, options: Options): Promise<void> {
  const { definition } = await loadChosen(io, options);
  const wanted = compileDefinition(definition, systemClock.now());
  const { plan } = await makePlan({ wanted, accounts: openDefined(io, wanted) });
  const change = plan.changes.find((it) => it.id === id);
  if (change === undefined) {
    const near = nearestName(
      id,
      plan.changes.map((it) => it.id),
    );
    throw accessFailure('explain-unknown', `the plan has no change \`${id}\``, {
      hint: near === undefined ? '`stint plan` shows the changes' : `did you mean \`${near}\`?`,
    });
  }
  if (options.json === true) {
    const steps = plan.steps.filter((step) => step.id.startsWith(`${id}#`));
    printJson(io, { version: 1, id, is: 'change', change, steps });
    return;
  }
  const lines = accessText(await loadCatalog(), meaningOfChange(plan, change), plan.accounts, true);
  printData(io, changeText(plan, change));
  for (const line of lines.length === 0 ? [] : ['  access', ...lines]) printLine(io, line);
}

/** What the plan means for the one principal that a change is of. */
function meaningOfChange({ meaning }: Plan, { account, name, kind }: Change): AccessDiff {
  const kinds: readonly string[] =
    { role: ['role', 'workload'], user: ['person'], group: ['group'] }[kind as string] ?? [];
  const isIt = (it: ChangedPrincipal): boolean => it.account === account && it.name === name && kinds.includes(it.kind);
  return {
    changes: (meaning?.changes ?? []).flatMap((it) => {
      const principals = it.principals.filter(isIt);
      return principals.length === 0 ? [] : [{ ...it, principals }];
    }),
    trust: (meaning?.trust ?? []).flatMap((it) => {
      const roles = it.roles.filter(isIt);
      return roles.length === 0 ? [] : [{ ...it, roles }];
    }),
  };
}

/** A refusal that the embedded AWS keeps. */
async function explainRefusal(io: Io, id: string, options: Options): Promise<void> {
  const { explain } = await import('./cloud/verbs.ts');
  const file = options.credentialsFile === undefined ? {} : { credentialsFile: options.credentialsFile };
  await explain(io, id, { ...file, ...(options.json === true ? { json: true } : {}) });
}

async function run(io: Io, id: string, options: Options): Promise<void> {
  if (id.includes('/')) return explainChange(io, id.split('#', 1)[0]!, options);
  // As people copy it: `error[plan-moved]`.
  const code = /\[([a-z0-9-]+)\]$/.exec(id)?.[1] ?? id;
  const found = (await explainedCodes(false)).get(code) ?? (await explainedCodes()).get(code);
  if (found !== undefined) {
    const [first, ...also] = found;
    if (options.json === true) printJson(io, { version: 1, ...first, ...(also.length === 0 ? {} : { also }) });
    else printData(io, found.map(({ lines }) => lines.join('\n')).join('\n'));
    return;
  }
  // Ids of refusals are 20 letters and digits; no name of ours is.
  if (/^[A-Za-z0-9_-]{20}$/.test(id)) return explainRefusal(io, id, options);
  const near = nearestName(code, (await explainedCodes()).keys());
  throw accessFailure('explain-unknown', `nothing has the id \`${id}\``, {
    hint: near === undefined ? 'give an id of a plan, a finding, an error or a refusal' : `did you mean \`${near}\`?`,
  });
}

export function register(program: Command, io: Io): void {
  const command = program
    .command('explain')
    .description('what an id means: a change of the plan, a finding, an error, or a refusal of the embedded AWS')
    .argument('<id>', 'such as `dev/role/test_role`, a code in brackets, or an explain id');
  addDefinitionOptions(command)
    .option('--credentials-file <file>', 'of the embedded AWS, for the id of a refusal')
    .option('--json', 'machine output')
    .addHelpText('after', '\nExamples:\n  stint explain dev/role/test_role\n  stint explain pass-role-star')
    .action((id: string, options: Options) => run(io, id, options));
}
