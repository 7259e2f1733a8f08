// Whom a role trusts: every entry must name something that is there, in a shape that AWS takes.
import type { Checker } from './checker.ts';
import type { Definition, TrustEntry } from './model.ts';
import type { Path } from './problems.ts';
import { countsIn } from './selectors.ts';
import { accountsOfRole, audiencesIn, usualAudiences } from './variation.ts';

function checkRole(checker: Checker, text: string, path: Path): void {
  const slash = text.indexOf('/');
  const account = slash < 0 ? undefined : text.slice(0, slash);
  const name = text.slice(slash + 1);
  if (account !== undefined) checker.name('account', account, path);
  checker.name('role', name, path);
  const role = checker.definition.roles?.[name];
  if (account === undefined || role === undefined || !checker.has('account', account)) return;
  const held = accountsOfRole(checker.definition, role);
  if (!held.includes(account)) {
    checker.add(path, `role \`${name}\` is not in account \`${account}\``, `it is in ${held.join(', ')}`);
  }
}

/** A name of `providers`, of the right kind; or something that is no name at all, and stands for itself. */
function checkProvider(checker: Checker, text: string, kind: 'oidc' | 'saml', path: Path): void {
  const direct = kind === 'oidc' ? text.includes('.') : text.startsWith('arn:');
  const provider = checker.definition.providers?.[text];
  if (provider === undefined) {
    if (direct) checkDirect(checker, text, kind, path);
    else checker.name('provider', text, path);
    return;
  }
  if ((provider.issuer === undefined) === (kind === 'oidc')) {
    const [is, wanted] = kind === 'oidc' ? ['SAML', 'OIDC'] : ['OIDC', 'SAML'];
    checker.add(path, `provider \`${text}\` is a ${is} provider, an ${wanted} one is wanted here`);
  }
}

function checkDirect(checker: Checker, text: string, kind: 'oidc' | 'saml', path: Path): void {
  if (kind === 'oidc' && /^(?:https:\/\/)?[A-Za-z0-9.-]+(?::\d+)?(?:\/[\w./~-]*)?$/.test(text)) return;
  if (kind === 'saml' && /^arn:aws[a-z-]*:iam::\d{12}:saml-provider\/[\w.-]+$/.test(text)) return;
  const shape =
    kind === 'oidc'
      ? 'an issuer such as `oidc.eks.eu-west-1.amazonaws.com/id/ABC`'
      : '`arn:aws:iam::ACCOUNT:saml-provider/NAME`';
  checker.add(
    path,
    `\`${text}\` is no ${kind === 'oidc' ? 'issuer' : 'SAML provider'}`,
    `write ${shape}, or a name of \`providers\``,
  );
}

const shown = 3;

function placesText(accounts: readonly string[]): string {
  const names = accounts.slice(0, shown).map((it) => `\`${it}\``);
  const more = accounts.length - names.length;
  return more === 0 ? names.join(', ') : `${names.join(', ')} and ${more} more`;
}

/** The audiences that a trust demands and its provider does not take in `account`, where the definition says which. */
export function untakenAudiences(
  definition: Definition,
  { oidc }: Pick<TrustEntry, 'oidc'>,
  account: string,
): string[] {
  const provider = definition.providers?.[oidc?.provider ?? ''];
  if (oidc === undefined || provider?.issuer === undefined) return [];
  const taken = audiencesIn(definition, provider, account);
  return [oidc.audience ?? usualAudiences].flat().filter((it) => !taken.includes(it));
}

/**
 * The audience that a trust demands must be one that its provider takes, where the definition says which; `accounts`
 * are those in which the trust counts.
 */
function checkAudience(checker: Checker, entry: TrustEntry, accounts: readonly string[], path: Path): void {
  const { definition } = checker;
  const name = entry.oidc?.provider ?? '';
  const untaken = accounts.flatMap((account) =>
    untakenAudiences(definition, entry, account).map((audience) => ({ account, audience })),
  );
  for (const [audience, list] of Map.groupBy(untaken, (it) => it.audience)) {
    const alike = definition.providers?.[name]?.per === undefined;
    const where = alike ? '' : ` in ${placesText(list.map(({ account }) => account))}`;
    const hint = alike
      ? `add it to \`providers.${name}.audiences\``
      : `add it to \`audiences\` of \`providers.${name}\` there, or narrow the entry with \`only\``;
    const message = `provider \`${name}\` does not take audience \`${audience}\`${where}`;
    checker.add([...path, 'oidc', 'audience'], message, hint);
  }
}

const shapes = {
  cluster: /^arn:aws[a-z-]*:eks:[a-z0-9-]+:\d{12}:cluster\/[A-Za-z0-9][\w-]{0,99}$/,
  anchor: /^arn:aws[a-z-]*:rolesanywhere:[a-z0-9-]+:\d{12}:trust-anchor\/[\w-]+$/,
  service: /^[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?$/,
} as const;

function checkShapes(checker: Checker, entry: TrustEntry, path: Path): void {
  if (entry.service !== undefined && !shapes.service.test(entry.service)) {
    checker.add([...path, 'service'], `\`${entry.service}\` is no AWS service`, 'write it like `ec2.amazonaws.com`');
  }
  if (entry.pod !== undefined && !shapes.cluster.test(entry.pod.cluster)) {
    const hint = 'write `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`';
    checker.add([...path, 'pod', 'cluster'], `\`${entry.pod.cluster}\` is no ARN of an EKS cluster`, hint);
  }
  if (entry.certificate !== undefined && !shapes.anchor.test(entry.certificate.anchor)) {
    const hint = 'write `arn:aws:rolesanywhere:REGION:ACCOUNT:trust-anchor/ID`';
    checker.add(
      [...path, 'certificate', 'anchor'],
      `\`${entry.certificate.anchor}\` is no ARN of a trust anchor`,
      hint,
    );
  }
}

/** Members that only people have, or only third parties. */
function checkMembers(checker: Checker, entry: TrustEntry, path: Path): void {
  const human = (entry.group ?? entry.person) !== undefined;
  for (const member of ['mfa', 'mfaMaxAge'] as const) {
    if (entry[member] === undefined || human || entry.account !== undefined) continue;
    checker.add(
      [...path, member],
      `\`${member}\` is for people: a service, role or statement has none`,
      'leave it out',
    );
  }
  if (entry.sourceIdentity !== undefined && !human) {
    checker.add([...path, 'sourceIdentity'], '`sourceIdentity` is for people of this definition', 'leave it out');
  }
}

/** Checks one entry of a role's `trust`; `accounts` are those in which the role has it. */
export function checkTrust(checker: Checker, entry: TrustEntry, path: Path, accounts: readonly string[]): void {
  if (entry.group !== undefined) checker.name('group', entry.group, [...path, 'group']);
  if (entry.person !== undefined) checker.name('person', entry.person, [...path, 'person']);
  if (entry.account !== undefined && !/^\d{12}$/.test(entry.account)) {
    checker.name('account', entry.account, [...path, 'account']);
  }
  if (entry.role !== undefined) checkRole(checker, entry.role, [...path, 'role']);
  if (entry.oidc?.provider !== undefined) {
    checkProvider(checker, entry.oidc.provider, 'oidc', [...path, 'oidc', 'provider']);
  }
  if (entry.serviceAccount !== undefined) {
    checkProvider(checker, entry.serviceAccount.issuer, 'oidc', [...path, 'serviceAccount', 'issuer']);
  }
  if (entry.statement !== undefined) checker.trustGrammar(entry.statement, [...path, 'statement']);
  if (entry.saml !== undefined) checkProvider(checker, entry.saml.provider, 'saml', [...path, 'saml', 'provider']);
  checkAudience(
    checker,
    entry,
    accounts.filter((it) => countsIn(entry, it)),
    path,
  );
  checkShapes(checker, entry, path);
  checkMembers(checker, entry, path);
  checker.narrowing(entry, path);
}
