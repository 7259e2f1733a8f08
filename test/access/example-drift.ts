// Drift of an example: something is changed behind Stint's back, told with who did it and when, taken into a copy of the
// definition, and put right.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadDefinition } from '../../src/access/index.ts';
import { lastLine, type Example } from './example-support.ts';

type Parts = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Told {
  readonly drift: readonly {
    readonly id: string;
    readonly traces: readonly { readonly who: string; readonly when: string; readonly event: string }[] | null;
  }[];
}

const library = new URL('../../src/index.ts', import.meta.url);

/** The definition with entries in place of its own, as a file beside. */
async function withEntries(example: Example, entries: Parts): Promise<string> {
  const variables = { given: {}, env: {} };
  const { definition } = await loadDefinition({ cwd: example.folder, config: example.config, variables, library });
  // An output may name what drift took away; drift says so, and it is no part of what is planned.
  const { outputs: _outputs, ...parts } = definition as unknown as Parts;
  // The password policy is one entry, all others are many.
  const sections = Object.keys(entries).map((section) => [
    section,
    section === 'passwordPolicy' ? entries[section] : { ...parts[section], ...entries[section] },
  ]);
  const file = join(example.folder, 'adopted.json');
  writeFileSync(file, JSON.stringify({ ...parts, ...Object.fromEntries(sections) }));
  return file;
}

/** Ids of what drifted, in the order of the definition's accounts. */
async function drifted(example: Example, config: string): Promise<Told['drift']> {
  const { code, stdout, stderr } = await example.stint('drift', '--json', '--config', config);
  assert.ok(code === 0 || code === 3, stderr);
  const { drift } = JSON.parse(stdout) as Told;
  assert.equal(code, drift.length === 0 ? 0 : 3);
  return drift;
}

/**
 * Judges what was changed by hand: `calls` by id of what drifted. Everything is adopted into a copy of the definition,
 * with which none of it is drift but `unsaid`, and then reverted. Answers the entries that were adopted.
 */
export async function driftIsTold(
  example: Example,
  calls: Readonly<Record<string, string>>,
  unsaid: readonly string[] = [],
): Promise<Parts> {
  const drift = await drifted(example, example.config);
  assert.deepEqual(drift.map(({ id }) => id).sort(), Object.keys(calls).sort());
  for (const { id, traces } of drift) {
    const { who, when, event } = traces![0]!;
    assert.equal(event, calls[id], id);
    assert.match(
      who,
      /^arn:aws:(?:iam::\d{12}:user\/admin|sts::\d{12}:assumed-role\/OrganizationAccountAccessRole\/\w+)$/,
    );
    assert.ok(Math.abs(Date.parse(when) - example.cloud.clock.now()) < 600_000, when);
  }
  const { stdout } = await example.withConfig('drift', '--adopt');
  assert.deepEqual(
    [...stdout.matchAll(/^# (\S+): no entry says it/gm)].map(([, id]) => id),
    unsaid,
  );
  const entries = parse(stdout) as Parts;
  const left = await drifted(example, await withEntries(example, entries));
  assert.deepEqual(
    left.map(({ id }) => id).filter((id) => calls[id] !== undefined),
    unsaid,
  );
  const reverted = await example.withConfig('drift', '--revert', '--yes');
  assert.equal(reverted.code, 0, reverted.stderr);
  assert.equal(lastLine(reverted.stderr), 'Reverted: AWS is as the definition says.');
  assert.deepEqual(await drifted(example, example.config), []);
  return entries;
}
