// The examples on moto, an AWS that nobody here wrote: planned, applied, planned again to nothing, read back, changed by
// hand and put right. What moto does not do is not judged here: it enforces no policy, so that nobody is refused, its
// history of events cannot be asked, so that drift has no author, and it makes up the ids of organisations and of the
// accounts in them, so that the definition takes over the one and accounts are named to be read back.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { test } from 'node:test';
import { AttachRolePolicyCommand } from '@aws-sdk/client-iam';
import { startMoto } from './moto.ts';
import { root, skipUnless, stint, temporaryFolder } from './support.ts';

interface Example {
  /** File below `examples/`. */
  readonly file: string;
  /** The organisation that the example names. */
  readonly organization: string;
  readonly added: number;
  readonly units: readonly string[];
  /** A role that is changed by hand: `ACCOUNT/ROLE`. */
  readonly drifts: string;
}

const examples: readonly Example[] = [
  {
    file: 'tutorial/stint.config.ts',
    organization: 'o-stintlocal',
    added: 11,
    units: [],
    drifts: 'dev/app',
  },
  {
    file: 'github-eks/stint.config.ts',
    organization: 'o-stintlocal',
    added: 15,
    units: [],
    drifts: 'prod/deploy',
  },
  {
    file: 'company/stint.config.yaml',
    organization: 'o-examplecorp',
    added: 228,
    units: ['Workloads', 'Workloads/Prod'],
    drifts: 'shop-prod/reader',
  },
];

interface Account {
  readonly name: string;
  readonly id: string;
  readonly stage: string;
}

/** The accounts that the text of an example names; an id may stand in a variable or constant. */
function accountsIn(text: string): Account[] {
  const ids = new Map([...text.matchAll(/(\w+)(?:: \{ default: | = )'(\d{12})'/g)].map(([, name, id]) => [name, id!]));
  return [...text.matchAll(/^ +([a-z-]+): \{ id: (?:'(\d{12})'|'\$\{var\.(\w+)\}'|(\w+)), stage: '?([a-z]+)/gm)].map(
    ([, name, id, variable, constant, stage]) => ({
      name: name!,
      id: id ?? ids.get(variable ?? constant!)!,
      stage: stage!,
    }),
  );
}

const nothing = /^Plan: 0 to add, 0 to change, 0 to destroy$/m;

for (const { file, organization, added, units, drifts } of examples) {
  test(`${file} on moto`, { skip: skipUnless('moto_server') }, async (t) => {
    const text = readFileSync(join(root, 'examples', file), 'utf8');
    const accounts = accountsIn(text);
    const central = accounts[0]!.id;
    const moto = await startMoto(
      t,
      central,
      accounts.map(({ id }) => id),
      units,
    );
    const cwd = temporaryFolder(t);
    const config = `example${extname(file)}`;
    writeFileSync(join(cwd, config), text.replaceAll(organization, moto.organization));
    const run = async (code: number, ...args: readonly string[]): Promise<string> => {
      const done = await stint(args, moto.env, cwd);
      assert.equal(done.code, code, `stint ${args.join(' ')}\n${done.stdout}\n${done.stderr}`);
      return `${done.stdout}\n${done.stderr}`;
    };
    const plan = await run(3, 'plan', '--detailed-exitcode', '--config', config);
    assert.match(plan, new RegExp(`^Plan: ${added} to add, 0 to change, 0 to destroy$`, 'm'));
    const applied = await run(0, 'apply', '--yes', '--config', config);
    assert.match(applied, new RegExp(`^Applied: ${added} added, 0 changed, 0 destroyed\\.$`, 'm'));
    assert.match(await run(0, 'plan', '--detailed-exitcode', '--config', config), nothing);

    const labels = accounts.map(({ id, name, stage }) => `${id}=${name}:${stage}`);
    await run(0, 'init', '--from-aws', '--config', 'back.yaml', '--account', ...labels);
    assert.match(await run(0, 'plan', '--detailed-exitcode', '--config', 'back.yaml'), nothing);

    const [account, RoleName] = drifts.split('/');
    const iam = await moto.iam(accounts.find(({ name }) => name === account)!.id);
    const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
    await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
    const drift = await run(3, 'drift', '--config', config);
    assert.match(drift, new RegExp(`^${account}/role/${RoleName} was changed\\n {4}\\+ AdministratorAccess\\n`));
    assert.match(drift, /^ {4}by whom is not known/m);
    await run(0, 'drift', '--revert', '--yes', '--config', config);
    assert.match(await run(0, 'plan', '--detailed-exitcode', '--config', config), nothing);
  });
}
