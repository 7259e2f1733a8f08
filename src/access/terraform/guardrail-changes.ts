// What a plan of Terraform changes of guard rails. They bind accounts of which the plan may know nothing else, so that no
// comparison of who may do what would tell.
import { changeDetails } from '../details.ts';
import { resourceKey, type OrganizationPolicyResource, type SeenAccount, type SeenResource } from '../resources.ts';

type Policy = SeenResource & OrganizationPolicyResource;

export interface GuardrailChanges {
  /** For people, as the lines about access are. */
  readonly lines: readonly string[];
  /** Whether something is bound by less than before. */
  readonly gain: boolean;
}

function policiesOf(accounts: readonly SeenAccount[]): Map<string, Policy> {
  return new Map(
    accounts
      .flatMap(({ resources }) => resources)
      .filter((it): it is Policy => it.kind === 'organization-policy')
      .map((it) => [resourceKey(it), it]),
  );
}

const fate = (had: Policy | undefined, will: Policy | undefined): string =>
  had === undefined ? ' is made' : will === undefined ? ' is removed' : '';

/** Compares the guard rails before a plan with those after it. */
export function guardrailChanges(before: readonly SeenAccount[], after: readonly SeenAccount[]): GuardrailChanges {
  const [old, fresh] = [policiesOf(before), policiesOf(after)];
  const changes = [...new Set([...old.keys(), ...fresh.keys()])].sort().map((key) => {
    const [had, will] = [old.get(key), fresh.get(key)];
    const details = changeDetails(had, will, () => undefined).filter(({ text }) => !text.startsWith('tag '));
    return { name: (will ?? had)!.name, fate: fate(had, will), details };
  });
  const told = changes.filter(({ details }) => details.length > 0);
  return {
    lines: told.flatMap(({ name, fate: what, details }) => [
      `  guard rail ${name}${what}`,
      ...details.map(({ sign, text }) => `    ${sign} ${text}`),
    ]),
    gain: told.some(({ details }) => details.some(({ sign, text }) => sign === '-' && /^(?:deny|binds) /.test(text))),
  };
}
