// Outputs: texts in which `${role.NAME.ACCOUNT.arn}` and the like become what AWS will call the thing.
// ARNs are computed, not looked up: that costs no call and cannot name something else.
import { nearestName } from '../base/index.ts';
import { iamArn, type Partition } from '../aws/index.ts';
import { personArn, policyArn, roleArn } from './arns.ts';
import type { Definition } from './model.ts';
import { ownedPath } from './ownership.ts';
import type { Problem } from './problems.ts';
import { centralAccount, selectAccounts } from './selectors.ts';

const reference = /\$\{(\w+)\.([^}]+)\}/g;

interface Scope {
  readonly definition: Definition;
  readonly partition: Partition;
  readonly path: string;
}

/** Every reference that a definition offers, with its value. */
function offered({ definition, partition, path }: Scope): Map<string, string> {
  const values = new Map<string, string>();
  const ids = (account: string): string => definition.accounts[account]!.id;
  for (const [name, { id }] of Object.entries(definition.accounts)) values.set(`account.${name}.id`, id);
  for (const [key, role] of Object.entries(definition.roles ?? {})) {
    const name = role.name ?? key;
    const profile = role.instanceProfile === true ? name : role.instanceProfile;
    for (const account of selectAccounts(definition, role.in)) {
      values.set(`role.${key}.${account}.arn`, roleArn(definition, key, account));
      values.set(`role.${key}.${account}.name`, name);
      if (profile === undefined) continue;
      values.set(
        `instanceProfile.${profile}.${account}.arn`,
        iamArn(partition, ids(account), 'instance-profile', profile),
      );
      values.set(`instanceProfile.${profile}.${account}.name`, profile);
    }
    for (const account of selectAccounts(definition, role.in)) {
      for (const policy of role.policies ?? []) {
        values.set(`policy.${policy}.${account}.arn`, policyArn(definition, ids(account), policy));
      }
    }
  }
  const central = centralAccount(definition);
  if (central === undefined) return values;
  for (const name of Object.keys(definition.people ?? {})) {
    values.set(`person.${name}.arn`, personArn(definition, name));
    values.set(`person.${name}.name`, name);
  }
  for (const name of Object.keys(definition.groups ?? {})) {
    values.set(`group.${name}.arn`, iamArn(partition, ids(central), 'group', name, path));
    values.set(`group.${name}.name`, name);
  }
  for (const carrier of [...Object.values(definition.people ?? {}), ...Object.values(definition.groups ?? {})]) {
    for (const policy of carrier.policies ?? []) {
      values.set(`policy.${policy}.${central}.arn`, policyArn(definition, ids(central), policy));
    }
  }
  return values;
}

function scopeOf(definition: Definition): Scope {
  const partition = definition.partition ?? 'aws';
  return { definition, partition, path: ownedPath(definition.name ?? 'default') };
}

/** The outputs of a definition by name. References must have been checked (`outputProblems`). */
export function resolveOutputs(definition: Definition): Record<string, string> {
  const values = offered(scopeOf(definition));
  return Object.fromEntries(
    Object.entries(definition.outputs ?? {}).map(([name, text]) => [
      name,
      text.replaceAll(reference, (whole) => values.get(whole.slice(2, -1)) ?? whole),
    ]),
  );
}

/** References in outputs that name nothing. */
export function outputProblems(definition: Definition): Problem[] {
  const values = offered(scopeOf(definition));
  return Object.entries(definition.outputs ?? {}).flatMap(([name, text]) =>
    [...text.matchAll(reference)]
      .map(([whole]) => whole)
      .filter((whole) => !values.has(whole.slice(2, -1)))
      .map((whole): Problem => {
        const near = nearestName(whole.slice(2, -1), values.keys());
        return {
          path: ['outputs', name],
          message: `\`${whole}\` names nothing in this definition`,
          hint:
            near === undefined
              ? 'write `${role.NAME.ACCOUNT.arn}`, `${instanceProfile.NAME.ACCOUNT.arn}`, `${person.NAME.arn}` or `${account.NAME.id}`'
              : `did you mean \`\${${near}}\`?`,
        };
      }),
  );
}
