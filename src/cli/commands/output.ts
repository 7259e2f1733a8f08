// `stint output [NAME]`: the outputs of the definition. Needs no AWS: names of things are computed.
import type { Command } from 'commander';
import { nearestName } from '../../base/index.ts';
import { accessFailure, resolveOutputs } from '../../access/index.ts';
import type { Io } from '../command.ts';
import { addDefinitionOptions, loadChosen, type DefinitionOptions } from '../definition.ts';
import { printData, printJson } from '../output.ts';

interface Options extends DefinitionOptions {
  readonly json?: true;
}

async function output(io: Io, name: string | undefined, options: Options): Promise<void> {
  const outputs = resolveOutputs((await loadChosen(io, options)).definition);
  if (name === undefined) {
    if (options.json === true) printJson(io, outputs);
    else for (const [key, value] of Object.entries(outputs)) printData(io, `${key} = ${value}`);
    return;
  }
  const value = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
  if (value === undefined) {
    const near = nearestName(name, Object.keys(outputs));
    throw accessFailure('output-unknown', `the definition has no output \`${name}\``, {
      hint: near === undefined ? `it has ${Object.keys(outputs).join(', ') || 'none'}` : `did you mean \`${near}\`?`,
    });
  }
  if (options.json === true) printJson(io, value);
  else printData(io, value);
}

export function register(program: Command, io: Io): void {
  addDefinitionOptions(program.command('output').description('print the outputs of the definition').argument('[name]'))
    .option('--json', 'machine output')
    .addHelpText('after', '\nExamples:\n  stint output\n  stint output test_role_arn')
    .action((name: string | undefined, options: Options) => output(io, name, options));
}
