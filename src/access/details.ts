// What a change means to people: a line for every managed policy, statement, trust and setting gained or lost.
import { formatDuration } from '../base/index.ts';
import type { ResolvePrincipal } from './documents.ts';
import type { Document, PasswordSettings, Resource } from './resources.ts';
import { keysTag } from './ownership.ts';
import { metadataDigest } from './provider-steps.ts';
import { changedValue, documentDetails, type Detail } from './statement-changes.ts';
import { tagChanges } from './tag-steps.ts';

export type { Detail } from './statement-changes.ts';

/** A detail with long lists cut: `a, b, c and 7 more`. */
export function shortened(text: string): string {
  return text.replaceAll(/(?:[^\s,]+, ){4,}[^\s,]+/g, (list) => {
    const items = list.split(', ');
    return `${items.slice(0, 3).join(', ')} and ${items.length - 3} more`;
  });
}

function shortPolicy(arn: string): string {
  return arn.replace(/^arn:[^:]+:iam::aws:policy\//, '').replace(/^arn:[^:]+:iam::\d{12}:policy\//, 'policy ');
}

function listDetails(before: readonly string[], after: readonly string[], say: (item: string) => string): Detail[] {
  return [
    ...before.filter((it) => !after.includes(it)).map((it): Detail => ({ sign: '-', text: say(it) })),
    ...after.filter((it) => !before.includes(it)).map((it): Detail => ({ sign: '+', text: say(it) })),
  ];
}

function inlineDetails(
  before: Readonly<Record<string, Document>>,
  after: Readonly<Record<string, Document>>,
  resolve: ResolvePrincipal,
): Detail[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  // IAM takes `constructor` and `__proto__` for names like any other.
  const [old, fresh] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...names].flatMap((name) =>
    documentDetails(old.get(name), fresh.get(name), resolve, ` of inline policy ${name}`),
  );
}

function valueDetail(what: string, before: string | undefined, after: string | undefined): Detail[] {
  if (before === after) return [];
  if (before === undefined) return [{ sign: '+', text: `${what} ${after}` }];
  if (after === undefined) return [{ sign: '-', text: `${what} ${before}` }];
  return [changedValue(what, before, after)];
}

const settingWords: Readonly<Record<keyof PasswordSettings, string>> = {
  MinimumPasswordLength: 'minimum length',
  RequireUppercaseCharacters: 'upper case',
  RequireLowercaseCharacters: 'lower case',
  RequireNumbers: 'digits',
  RequireSymbols: 'symbols',
  AllowUsersToChangePassword: 'users may change it',
  HardExpiry: 'hard expiry',
  MaxPasswordAge: 'days until it expires',
  PasswordReusePrevention: 'last ones not reused',
};

function settingDetails(before: PasswordSettings | undefined, after: PasswordSettings | undefined): Detail[] {
  const shown = (value: number | boolean | undefined): string | undefined =>
    value === undefined ? undefined : value === true ? 'yes' : value === false ? 'no' : String(value);
  return (Object.keys(settingWords) as (keyof PasswordSettings)[]).flatMap((key) =>
    valueDetail(settingWords[key], shown(before?.[key]), shown(after?.[key])),
  );
}

function tagDetails(before: Resource | undefined, after: Resource | undefined): Detail[] {
  if (before === undefined || after === undefined || !('tags' in before) || !('tags' in after)) return [];
  const { set, stale } = tagChanges(after.tags, before.tags);
  const told = [...stale, ...Object.keys(set)].flatMap((key): { key: string; details: Detail[] } => {
    const value = set[key];
    if (value === undefined) return { key, details: [{ sign: '-', text: `tag ${key}` }] };
    const details: Detail[] = Object.hasOwn(before.tags, key)
      ? valueDetail(`tag ${key}`, before.tags[key], value)
      : [{ sign: '+', text: `tag ${key}=${value}` }];
    return { key, details };
  });
  // The list of keys follows from the tags, and is told only where it alone is new.
  const own = told.filter(({ key }) => key !== keysTag);
  return (own.length > 0 ? own : told).flatMap(({ details }) => details);
}

type Of<Kind extends Resource['kind']> = Extract<Resource, { readonly kind: Kind }> | undefined;

function carrierDetails(
  before: Of<'role' | 'user' | 'group'>,
  after: Of<'role' | 'user' | 'group'>,
  resolve: ResolvePrincipal,
): Detail[] {
  return [
    ...listDetails(before?.attached ?? [], after?.attached ?? [], shortPolicy),
    ...inlineDetails(before?.inline ?? {}, after?.inline ?? {}, resolve),
  ];
}

function boundaryDetails(before: Of<'role' | 'user'>, after: Of<'role' | 'user'>): Detail[] {
  const shown = (arn: string | undefined): string | undefined => (arn === undefined ? undefined : shortPolicy(arn));
  return valueDetail('boundary', shown(before?.boundary), shown(after?.boundary));
}

function roleDetails(before: Of<'role'>, after: Of<'role'>, resolve: ResolvePrincipal): Detail[] {
  const session = (role: Of<'role'>): string | undefined =>
    role === undefined ? undefined : formatDuration(role.sessionSeconds);
  return [
    ...documentDetails(before?.trust, after?.trust, resolve, ' of its trust'),
    ...carrierDetails(before, after, resolve),
    ...boundaryDetails(before, after),
    ...valueDetail('session up to', session(before), session(after)),
    ...valueDetail('description', before?.description || undefined, after?.description || undefined),
  ];
}

function oidcDetails(before: Of<'oidc-provider'>, after: Of<'oidc-provider'>): Detail[] {
  const chosen = (after?.thumbprints ?? []).length > 0;
  return [
    ...listDetails(before?.clientIds ?? [], after?.clientIds ?? [], (id) => `audience ${id}`),
    ...(chosen ? listDetails(before?.thumbprints ?? [], after!.thumbprints, (it) => `thumbprint ${it}`) : []),
  ];
}

function samlDetails(before: Of<'saml-provider'>, after: Of<'saml-provider'>): Detail[] {
  const digest = (it: Of<'saml-provider'>): string | undefined => it && metadataDigest(it.metadata).slice(0, 12);
  return valueDetail('metadata', digest(before), digest(after));
}

function targetText(target: string): string {
  if (target === 'root') return 'binds the whole organisation';
  return target.startsWith('ou/') ? `binds unit ${target.slice(3)}` : `binds account ${target}`;
}

function guardrailDetails(
  before: Of<'organization-policy'>,
  after: Of<'organization-policy'>,
  resolve: ResolvePrincipal,
): Detail[] {
  return [
    ...documentDetails(before?.document, after?.document, resolve),
    ...listDetails(before?.targets ?? [], after?.targets ?? [], targetText),
    ...valueDetail('description', before?.description || undefined, after?.description || undefined),
  ];
}

/** Lines that tell what is gained and lost from `before` to `after`; either may be absent, both of one kind. */
export function changeDetails(
  before: Resource | undefined,
  after: Resource | undefined,
  resolve: ResolvePrincipal,
): Detail[] {
  const kind = (after ?? before)?.kind;
  const tags = tagDetails(before, after);
  switch (kind) {
    case 'role':
      return [...roleDetails(before as Of<'role'>, after as Of<'role'>, resolve), ...tags];
    case 'user': {
      const [old, fresh] = [before as Of<'user'>, after as Of<'user'>];
      const groups = listDetails(old?.groups ?? [], fresh?.groups ?? [], (group) => `member of ${group}`);
      const place = (it: Of<'user'>): string | undefined => it && `${it.path}${it.name}`;
      const moved = old && fresh ? valueDetail('is at', place(old), place(fresh)) : [];
      return [...moved, ...groups, ...carrierDetails(old, fresh, resolve), ...boundaryDetails(old, fresh), ...tags];
    }
    case 'group':
      return carrierDetails(before as Of<'group'>, after as Of<'group'>, resolve);
    case 'policy':
      return documentDetails((before as Of<'policy'>)?.document, (after as Of<'policy'>)?.document, resolve);
    case 'instance-profile': {
      const role = (it: Of<'instance-profile'>): string | undefined => it?.role;
      return [
        ...valueDetail('holds role', role(before as Of<'instance-profile'>), role(after as Of<'instance-profile'>)),
        ...tags,
      ];
    }
    case 'oidc-provider':
      return [...oidcDetails(before as Of<'oidc-provider'>, after as Of<'oidc-provider'>), ...tags];
    case 'saml-provider':
      return [...samlDetails(before as Of<'saml-provider'>, after as Of<'saml-provider'>), ...tags];
    case 'organization-policy': {
      const [old, fresh] = [before as Of<'organization-policy'>, after as Of<'organization-policy'>];
      return [...guardrailDetails(old, fresh, resolve), ...tags];
    }
    case 'password-policy':
      return settingDetails((before as Of<'password-policy'>)?.settings, (after as Of<'password-policy'>)?.settings);
  }
  return [];
}

/** Whether two password policies are one. */
export function sameSettings(a: PasswordSettings, b: PasswordSettings): boolean {
  return settingDetails(a, b).length === 0;
}
