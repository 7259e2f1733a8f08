// Writes docs/errors.md, the page of error codes, from the tables of the rooms. With `--check` it
// writes nothing and fails when the page is not fresh.
import { readFileSync, writeFileSync } from 'node:fs';
import { accessFailure } from '../src/access/failures.ts';
import { failure as assumeFailure } from '../src/assume/failures.ts';
import { awsFailure } from '../src/aws/failures.ts';
import { brokerFailure } from '../src/broker/failures.ts';
import { cloudVerbFailure } from '../src/cli/commands/cloud/failures.ts';
import { cliFailure } from '../src/cli/failures.ts';
import { cloudFailure } from '../src/cloud/failures.ts';
import { policyFailure } from '../src/policy/failures.ts';

const areas = {
  'Policy documents': [policyFailure],
  'Calling AWS': [awsFailure],
  'Define: access as code': [accessFailure],
  Assume: [assumeFailure],
  'Lend: the server': [brokerFailure],
  'Rehearse: the embedded AWS': [cloudFailure, cloudVerbFailure],
  'The command line': [cliFailure],
} as const;

const file = 'docs/errors.md';

function sentence(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1).replace(/\.$/, '')}`;
}

function page(): string {
  const parts = Object.entries(areas).map(([title, tables]) => {
    const kinds = tables.flatMap((table) => Object.entries(table.kinds));
    const rows = kinds.map(([code, { status, when }]) => `| \`${code}\` | ${status} | ${sentence(when)} |`);
    return [`## ${title}`, '', '| Code | Status | When |', '|---|---|---|', ...rows, ''].join('\n');
  });
  return [
    '# Error codes',
    '',
    'Every failure prints `error[code]: what happened`, then `hint: what to do`; a server answers it with the status.',
    'Refusals of the embedded AWS carry AWS’s own codes and are not listed. `internal` is a defect of Stint: report it.',
    'This page is generated from the source: `npm run generate:docs`.',
    '',
    ...parts,
  ].join('\n');
}

if (!process.argv.includes('--check')) writeFileSync(file, page());
else if (readFileSync(file, 'utf8') !== page()) {
  console.error(`${file} is not fresh: run \`npm run generate:docs\``);
  process.exitCode = 1;
}
