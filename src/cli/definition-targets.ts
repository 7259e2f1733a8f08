// The roles of an access definition as targets of `stint assume`: `account/role`. A bundle of its own, because
// reading a definition loads far more than a profile needs.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemClock } from '../base/index.ts';
import { compileDefinition, loadDefinition, type LoadedDefinition, type WantedAccount } from '../access/index.ts';
import type { DefinedTarget, Environment, TargetSource } from '../assume/index.ts';
import { iamArn } from '../aws/index.ts';

export interface DefinitionPlace {
  readonly cwd: string;
  readonly env: Environment;
  /** `--config FILE`; without it the folder holds the definition. */
  readonly config: string | undefined;
  /** The library that `import … from 'stint'` means inside a TypeScript definition. */
  readonly library: URL;
}

type Role = Extract<WantedAccount['resources'][number], { kind: 'role' }>;
type TrustStatement = Role['trust']['Statement'][number];

/** The statements that let people or roles in, not AWS services. */
function doors({ trust }: Role): readonly TrustStatement[] {
  return trust.Statement.filter(
    ({ Effect, Principal }) => Effect === 'Allow' && typeof Principal === 'object' && Principal['AWS'] !== undefined,
  );
}

function demandsMfa({ Condition = {} }: TrustStatement): boolean {
  return Object.values(Condition).some((keys) =>
    Object.keys(keys).some((key) => /^aws:MultiFactorAuth(?:Present|Age)$/i.test(key)),
  );
}

/** The shortest age of an MFA sign-in that a door demands, in seconds. */
function mfaMaxAge(entries: readonly TrustStatement[]): number | undefined {
  const ages = entries
    .map(({ Condition }) => Number(Condition?.['NumericLessThanEquals']?.['aws:MultiFactorAuthAge']))
    .filter((age) => !Number.isNaN(age));
  return ages.length === 0 ? undefined : Math.min(...ages);
}

/** Whether a door demands the caller's user name as source identity; the others take it too. */
function demandsIdentity(entries: readonly TrustStatement[]): boolean {
  return entries.some(({ Condition }) => Condition?.['StringEquals']?.['sts:SourceIdentity'] === '${aws:username}');
}

/** The external id that every door asks for, if it is one and the same. */
function externalIdOf(entries: readonly TrustStatement[]): string | undefined {
  const ids = entries.map(({ Condition }) => Condition?.['StringEquals']?.['sts:ExternalId']);
  return typeof ids[0] === 'string' && ids.every((id) => id === ids[0]) ? ids[0] : undefined;
}

/**
 * The files that a definition is made of. Undefined for a module that takes in anything else than the library and
 * modules beside it: what that reads cannot be told from outside.
 */
function sourceFiles(file: string, known: readonly string[] = []): readonly string[] | undefined {
  if (known.includes(file)) return known;
  const files = [...known, file];
  if (/\.(?:ya?ml|json)$/.test(file)) return files;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : 'import()';
  const named = [...text.matchAll(/\bfrom\s*(['"])([^'"]+)\1|\bimport\s*(['"])([^'"]+)\3/g)].map(
    (found) => found[2] ?? found[4]!,
  );
  // Any other way to take something in: `import()`, `require`, `process`, a fetch.
  if (/\bimport\s*[(.]|\b(?:require|process|fetch|globalThis)\b/.test(text)) return undefined;
  let all: readonly string[] | undefined = files;
  for (const name of named.filter((each) => each !== 'stint')) {
    if (!name.startsWith('.')) return undefined;
    all = all && sourceFiles(resolve(dirname(file), name), all);
  }
  return all;
}

/** `file:line:column` of the entry that a role was made of. */
function placeOf({ definition, place }: LoadedDefinition, { name }: Role): string {
  const entries = Object.entries(definition.roles ?? {});
  const [key = name] = entries.find(([each, entry]) => (entry.name ?? each) === name) ?? [];
  return place(['roles', key]);
}

/** Loads the definition and lists the roles that somebody may become. @throws the failures of the room `access`. */
export async function definitionTargets(place: DefinitionPlace): Promise<TargetSource> {
  const loaded = await loadDefinition({
    cwd: place.cwd,
    config: place.config,
    variables: { env: place.env },
    library: place.library,
  });
  const { definition, file } = loaded;
  const { accounts, partition, expiring } = compileDefinition(definition, systemClock.now());
  const targets = accounts.flatMap(({ id, name: account, stage, resources }) =>
    resources.flatMap((resource): DefinedTarget[] => {
      if (resource.kind !== 'role') return [];
      const entries = doors(resource);
      if (entries.length === 0) return [];
      return [
        {
          name: `${account}/${resource.name}`,
          stage,
          roleArn: iamArn(partition, id, 'role', resource.name, resource.path),
          mfa: entries.every(demandsMfa),
          mfaMaxAge: mfaMaxAge(entries),
          callerIdentity: demandsIdentity(entries),
          externalId: externalIdOf(entries),
          place: () => placeOf(loaded, resource),
        },
      ];
    }),
  );
  const byName = new Map(targets.map((target) => [target.name, target]));
  // A role may have another name in AWS than in the definition; both are understood.
  const nameInAws = (typed: string): string => {
    const [account, role = ''] = typed.split('/');
    return `${account}/${definition.roles?.[role]?.name ?? role}`;
  };
  return {
    label: file,
    find: async (name) => byName.get(name) ?? byName.get(nameInAws(name)),
    list: async () => targets,
    decidedBy: () => {
      const files = sourceFiles(resolve(place.cwd, file));
      if (files === undefined) return undefined;
      // What ends next may be a role, or what lets somebody in.
      const next = expiring?.[0];
      return { files, cwd: place.cwd, ...(next === undefined ? {} : { until: Date.parse(next.when) }) };
    },
  };
}
