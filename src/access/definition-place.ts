// From what is said of a resource back to the definition: the entry that it was made of, the statement of a document,
// and the line of the file where that stands.
import type { Definition } from './model.ts';
import type { Finding } from './findings.ts';
import type { LoadedDefinition } from './load.ts';
import type { WantedDocument } from './policy-findings.ts';
import type { Path } from './problems.ts';
import type { Place } from './place.ts';
import { countsIn } from './selectors.ts';
import { memberPath, roleIn } from './variation.ts';

const idTag = 'stint:id';

/** The parts of a definition by the kinds under which findings know what is in them. */
const parts: Readonly<Record<string, keyof Definition>> = {
  role: 'roles',
  user: 'people',
  person: 'people',
  group: 'groups',
  policy: 'policies',
  provider: 'providers',
  'oidc-provider': 'providers',
  'saml-provider': 'providers',
  guardrail: 'guardrails',
  'organization-policy': 'guardrails',
};

/** The entry of the definition that a resource was made of. Of two that share a name in AWS, the later one. */
function entryPath(definition: Definition, kind: string, name: string, tags: Readonly<Record<string, string>>): Path {
  if (kind === 'password-policy') return ['passwordPolicy'];
  const part = parts[kind];
  if (part === undefined) return [];
  const own = tags[idTag]?.replace(/^[^/]*\//, '');
  if (own !== undefined) return [part, own];
  const entries = Object.entries((definition[part] ?? {}) as Readonly<Record<string, { readonly name?: string }>>);
  const named = entries.findLast(([key, entry]) => (entry.name ?? key) === name);
  // Guard rails are named after the definition and the entry.
  const made = part === 'guardrails' ? entries.find(([key]) => name.endsWith(`-${key}`)) : undefined;
  return [part, (named ?? made)?.[0] ?? name];
}

/** Positions, in a list of entries, of those that count in an account. */
function counting(entries: readonly Parameters<typeof countsIn>[0][] | undefined, account: string): number[] {
  return (entries ?? []).flatMap((entry, index) => (countsIn(entry, account) ? [index] : []));
}

/** `Action`, 0 of `$.Statement[2].Action[0]`, and the 2 before them. */
function insideOf(path: string): { readonly statement: number | undefined; readonly rest: Path } {
  const found = [...path.matchAll(/\.([A-Za-z][^.[\]]*)|\[(\d+)\]/g)].map(([, key, index]) => key ?? Number(index));
  const [, first, ...rest] = found;
  return typeof first === 'number'
    ? { statement: first, rest }
    : { statement: found.length > 0 ? 0 : undefined, rest: found.slice(1) };
}

/** From a place in a document to the place in the definition that it was compiled from. */
export function documentPath(
  definition: Definition,
  account: string,
  { resource, kind }: WantedDocument,
  path: string,
): Path {
  const entry = entryPath(definition, resource.kind, resource.name, 'tags' in resource ? resource.tags : {});
  const { statement, rest } = insideOf(path);
  if (statement === undefined || entry.length < 2) return entry;
  const [part, key] = entry as [keyof Definition, string];
  const group = definition[part] as Readonly<Record<string, unknown>> | undefined;
  const whole = group?.[key] as { readonly statements?: readonly object[]; readonly in?: unknown } | undefined;
  if (whole === undefined) return entry;
  const role = part === 'roles' ? roleIn(definition, definition.roles![key]!, account) : undefined;
  const memberOf = (member: 'trust' | 'statements'): Path =>
    role === undefined ? [member] : memberPath(definition, definition.roles![key]!, account, member);
  if (kind === 'trust') {
    const index = counting(role?.trust, account)[statement];
    return index === undefined ? entry : [...entry, ...memberOf('trust'), index];
  }
  const index = counting((role ?? whole).statements, account)[statement];
  return index === undefined ? entry : [...entry, ...memberOf('statements'), index, ...rest];
}

/** Where in the definition the cause of a finding stands. */
export function findingPath(
  definition: Definition,
  { code, resource, message, at }: Pick<Finding, 'code' | 'resource' | 'message' | 'at'>,
): Path {
  if (at !== undefined) return at;
  const off = /^default-off-(.+)$/.exec(code)?.[1];
  if (off !== undefined) return ['defaults', off.replaceAll(/-[a-z]/g, (text) => text.slice(1).toUpperCase())];
  if (code === 'not-applied') return ['lendables'];
  if (resource === undefined) return [];
  const slash = resource.indexOf('/');
  const entry = entryPath(definition, resource.slice(0, slash), resource.slice(slash + 1), {});
  const [part, key] = entry as [keyof Definition, string];
  if (entry.length < 2) return entry;
  const whole = (definition[part] as Readonly<Record<string, object>> | undefined)?.[key];
  // What the definition has no more is nowhere in it.
  if (whole === undefined) return [];
  if (code === 'expired') return [...entry, ...endedPath(whole)];
  const member = membersOf[code];
  const named = member === 'managed' ? managedPath(whole, message) : undefined;
  if (named !== undefined) return [...entry, ...named];
  return member !== undefined && member in whole ? [...entry, member] : entry;
}

interface Managed {
  readonly managed?: readonly string[];
  readonly per?: readonly Managed[];
}

/** Where in an entry the managed policy is written that a message names. */
function managedPath({ managed = [], per = [] }: Managed, message: string): Path | undefined {
  const own = managed.findIndex((name) => message.includes(`\`${name}\``));
  if (own >= 0) return ['managed', own];
  const variant = per.findIndex((it) => managedPath(it, message) !== undefined);
  return variant < 0 ? undefined : ['per', variant, ...managedPath(per[variant]!, message)!];
}

interface Ended {
  readonly expires?: string;
  readonly trust?: readonly { readonly expires?: string }[];
  readonly per?: readonly Ended[];
}

/** Where in an entry its end is written. */
function endedPath({ expires, trust = [], per = [] }: Ended): Path {
  if (expires !== undefined) return ['expires'];
  const own = trust.findIndex((it) => it.expires !== undefined);
  if (own >= 0) return ['trust', own, 'expires'];
  const variant = per.findIndex((it) => endedPath(it).length > 1 || it.expires !== undefined);
  return variant < 0 ? ['trust'] : ['per', variant, ...endedPath(per[variant]!)];
}

/** Findings that are about one member of an entry. */
const membersOf: Readonly<Record<string, string>> = {
  'boundary-not-there': 'boundary',
  'trust-cycle': 'trust',
  'bare-account-trust': 'trust',
  'trust-not-narrowed': 'trust',
  'session-long': 'session',
  'managed-policy-unknown': 'managed',
  'policy-arn-misprint': 'managed',
  'policy-missing': 'managed',
  'provider-missing': 'trust',
  'too-many-policies': 'managed',
  'too-many-tags': 'tags',
  'duplicate-name': 'name',
};

/** Tells of a loaded definition where things stand in its file. */
export interface Locator {
  finding(finding: Finding): Place | undefined;
  document(account: string, document: WantedDocument, path: string): Place | undefined;
}

export function locatorOf({ definition, placeAt }: Pick<LoadedDefinition, 'definition' | 'placeAt'>): Locator {
  const at = (path: Path): Place | undefined => (path.length === 0 ? undefined : placeAt(path));
  return {
    finding: (finding) => at(findingPath(definition, finding)),
    document: (account, document, path) => at(documentPath(definition, account, document, path)),
  };
}

/** Findings with the places of those that have none yet. */
export function located(findings: readonly Finding[], locator: Locator | undefined): readonly Finding[] {
  if (locator === undefined) return findings;
  return findings.map(({ at, ...finding }) => {
    const place = finding.place ?? locator.finding({ ...finding, at });
    return place === undefined ? finding : { ...finding, place };
  });
}
