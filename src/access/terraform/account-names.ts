// What those who wrote a configuration call its accounts.
import type { TerraformFile } from './read.ts';
import { labelOf } from './resource.ts';

/** Where a state names no provider: a module that has resources in one account only is often called after it. */
function moduleNames(files: readonly TerraformFile[]): [string, string][] {
  const pairs = files.flatMap((file) =>
    file.after.flatMap(({ module, values }) => {
      const id = /^arn:[^:]+:[^:]*:[^:]*:(\d{12}):/.exec(typeof values['arn'] === 'string' ? values['arn'] : '')?.[1];
      const name = /^module\.([\w-]+)/.exec(module)?.[1];
      return id === undefined || name === undefined ? [] : [[id, name] as const];
    }),
  );
  return [...Map.groupBy(pairs, ([id]) => id)].flatMap(([id, list]) => {
    const names = [...new Set(list.map(([, name]) => name))];
    const own = names.filter((name) => pairs.every((pair) => pair[1] !== name || pair[0] === id));
    return names.length === 1 && own.length === 1 ? [[id, own[0]!] as [string, string]] : [];
  });
}

const idOf = (arn: unknown): string | undefined =>
  /^arn:[^:]+:[^:]*:[^:]*:(\d{12}):/.exec(typeof arn === 'string' ? arn : '')?.[1];

/** Exports of Stint begin every name with that of the account: `aws_iam_role.dev__reader`. */
function labelNames(files: readonly TerraformFile[]): [string, string][] {
  const pairs = files.flatMap((file) =>
    file.after.flatMap((resource) => {
      const id = idOf(resource.values['arn']);
      return resource.mode === 'data' || id === undefined ? [] : [[id, labelOf(resource)] as const];
    }),
  );
  return [...Map.groupBy(pairs, ([id]) => id)].flatMap(([id, list]) => {
    const [name, ...others] = [...new Set(list.map(([, name]) => name))];
    const alone = others.length === 0 && name !== undefined && pairs.every((it) => it[1] !== name || it[0] === id);
    return alone ? [[id, name] as [string, string]] : [];
  });
}

/** Names of accounts from provider aliases: `aws.dev` is called `dev` by those who wrote it. */
export function accountNames(files: readonly TerraformFile[]): Map<string, string> {
  const pairs = files.flatMap((file) => {
    const named = [...file.configuration.accounts].map(([key, id]) => [id, key] as const);
    const shown = file.after.flatMap(({ provider, values }) => {
      const id = /^arn:[^:]+:[^:]*:[^:]*:(\d{12}):/.exec(typeof values['arn'] === 'string' ? values['arn'] : '')?.[1];
      return id === undefined || provider === undefined ? [] : [[id, provider] as const];
    });
    return [...named, ...shown];
  });
  const aliases = pairs.flatMap(([id, key]) => {
    const alias = /\.([\w-]+)$/.exec(key)?.[1];
    return alias === undefined ? [] : [[id, alias] as const];
  });
  return new Map([...labelNames(files), ...moduleNames(files), ...aliases]);
}
