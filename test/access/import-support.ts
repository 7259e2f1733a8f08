// What the tests of import share: Terraform files by name, accounts as data, and what a plan would have left to do.
import { readFileSync } from 'node:fs';
import { compileDefinition, foundInTerraform, importFound, type Imported } from '../../src/access/index.ts';
import type { Found } from '../../src/access/import/found.ts';
import { definitionSchema } from '../../src/access/model.ts';
import { planChanges } from '../../src/access/plan.ts';
import type { SeenResource, Statement } from '../../src/access/resources.ts';

export const cases = new URL('../cases/access/terraform/', import.meta.url);
export const textOf = (file: string): string => readFileSync(new URL(file, cases), 'utf8');

/** Every state and plan of the cases that names its accounts. */
export const files = [
  'part-1/state.json',
  'part-1/raw.tfstate.json',
  'part-2/state.json',
  'part-2/plan.json',
  'part-2/twice.plan.json',
  'estate/state.json',
  'estate/plan.json',
  'estate/raw.tfstate.json',
  'estate/change.plan.json',
  'organization/plan.json',
  'organization/state.json',
  'organization/change.plan.json',
];

export function imported(...names: readonly string[]): { made: Imported; found: Found } {
  const { found, findings } = foundInTerraform(
    names.map((file) => ({ file, text: textOf(file) })),
    'default',
    [],
  );
  return { made: importFound({ found, findings }, 0), found };
}

interface Made {
  readonly accounts: Readonly<Record<string, { id: string; stage: string }>>;
  readonly roles?: Readonly<Record<string, { in: unknown; trust: readonly object[]; mode?: string }>>;
}

export const partsOf = ({ made }: { made: Imported }): Made => made.definition as unknown as Made;

/** What a plan against the very accounts that were imported has to do, and to say in error. */
export function leftToDo({ made, found }: { made: Imported; found: Found }): readonly string[] {
  const { variables = {}, ...rest } = made.definition as { variables?: Record<string, { default: string }> };
  const text = JSON.stringify(rest).replaceAll(/\$\{var\.(\w+)\}/g, (_, name: string) => variables[name]!.default);
  const wanted = compileDefinition(definitionSchema.parse(JSON.parse(text)), 0);
  const doubled = new Set<string>();
  const seen = found.accounts.map(({ id, name, stage, resources, organization }) => ({
    id,
    name,
    stage,
    ...(organization === undefined ? {} : { organization }),
    resources: resources.filter(({ kind, name: own }) => {
      const key = `${id} ${kind}/${own}`;
      return doubled.has(key) ? false : doubled.add(key);
    }),
  }));
  const plan = planChanges(wanted, seen);
  return [
    ...plan.changes.map(({ id, action }) => `${action} ${id}`),
    ...plan.findings
      .filter(({ code }) => ['foreign-resource', 'misplaced'].includes(code))
      .map(({ account, resource, message }) => `${account} ${resource} ${message}`),
  ];
}

export const role = (name: string, ...Statement: readonly Statement[]): SeenResource => ({
  kind: 'role',
  name,
  path: '/',
  trust: { Version: '2012-10-17', Statement },
  sessionSeconds: 3600,
  description: '',
  attached: [],
  inline: {},
  tags: {},
});

export const lambda: Statement = {
  Effect: 'Allow',
  Principal: { Service: 'lambda.amazonaws.com' },
  Action: 'sts:AssumeRole',
};

export function foundOf(devRoles: readonly SeenResource[]): Found {
  const account = (id: string, name: string, resources: readonly SeenResource[]): Found['accounts'][number] => ({
    id,
    name,
    stage: name,
    resources,
    logins: new Set(),
    partly: new Map(),
  });
  return {
    name: 'default',
    partition: 'aws',
    organization: 'o-stintlocal',
    central: 'central',
    accounts: [
      account('111111111111', 'central', []),
      account('222222222222', 'dev', [role('ci', lambda), ...devRoles]),
      account('444444444444', 'prod', [role('ci', lambda)]),
    ],
    variables: {},
    addresses: new Map(),
  };
}
