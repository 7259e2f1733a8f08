// A change of access so that one person can read it, however many accounts it is in: what is the same over accounts is
// told once, who may become what in a line, and of a long list of rights the gravest, with the rest counted.
import type { Catalog } from '../catalog/catalog.ts';
import type { AccessChange, AccessDiff, ChangedPrincipal } from './diff.ts';
import { counted, gravityOf, grantLines, kindColumn, shortList, suffixOf, type GrantLine } from './grant-lines.ts';
import type { Grant } from './grants.ts';
import { accessKinds, kindWords, type AccessKind } from './kinds.ts';
import { toldRoles, trustLines } from './trust-brief.ts';

export interface BriefOptions {
  /** Words for a set of accounts: `all of prod (5 accounts)`. */
  readonly label: (accounts: readonly string[]) => string;
  /** Name of an account, by its id. */
  readonly nameOf: (id: string) => string;
  /** What is told elsewhere already: then it is not told again. */
  readonly isTold?: ((principal: ChangedPrincipal, grant: Grant, sign: '+' | '-') => boolean) | undefined;
}

const plural = { person: 'people', group: 'groups', role: 'roles', workload: 'workloads' } as const;

// Tagging is a way to write and listing one to read, to somebody who asks what is at stake.
const classes = { tagging: 'write', list: 'read' } as const;
const classOf = (kind: AccessKind): AccessKind => (kind === 'tagging' || kind === 'list' ? classes[kind] : kind);

/** Of each kind, so many lines are told before the rest is counted; one more is told rather than counted. */
const mostLines: Readonly<Partial<Record<AccessKind, number>>> = { permissions: 3, data: 2, unknown: 2 };

/** `+ write  57 more actions of dynamodb, ec2 and 9 more`. */
function restLine(lines: readonly GrantLine[], sign: '+' | '-'): string {
  const { kind } = lines[0]!;
  const actions = [...new Set(lines.flatMap(({ grants }) => grants.flatMap((grant) => grant.actions)))];
  const services = [...new Set(actions.map((action) => action.split(':', 1)[0]!))].toSorted();
  const count = `${counted(actions.length)} more action${actions.length === 1 ? '' : 's'}`;
  return `${sign} ${kindColumn(kind)}  ${count} of ${shortList(services)}`;
}

/** `in region eu-west-1`, `except arn:…`: what a line says beside the actions; empty when it says nothing. */
const partOf = (grant: Grant, sign: '+' | '-'): string => suffixOf(grant, sign).replace(/^,? /, '');

/** A policy that gives much, in one line with all that it gives under other conditions or in other places. */
function policyLine(lines: readonly GrantLine[], sign: '+' | '-'): GrantLine {
  const grants = lines.flatMap((line) => line.grants);
  const first = lines.find((line) => line.grants.length > 1) ?? lines[0]!;
  if (lines.length === 1) return first;
  const kinds = Map.groupBy(grants, ({ kind }) => kind);
  const counts = accessKinds.flatMap((kind) => {
    const count = new Set((kinds.get(kind) ?? []).flatMap(({ actions }) => actions)).size;
    return count === 0 ? [] : [`${counted(count)} ${kindWords[kind]}`];
  });
  const parts = [...new Set(lines.map((line) => partOf(line.grants[0]!, sign)))].filter((part) => part !== '');
  const shown = parts.length > 3 ? [...parts.slice(0, 2), `${parts.length - 2} more ways`] : parts;
  const text = `${sign} ${nameOfWhole(first)}: ${counts.join(', ')}${shown.map((part) => `; partly ${part}`).join('')}`;
  return { text, kind: first.kind, gravity: Math.min(...lines.map(({ gravity }) => gravity)), grants };
}

/** Name of the policy, as the line of it has it. */
const nameOfWhole = ({ text, grants }: GrantLine): string =>
  /^. everything\b/.test(text) ? 'everything' : grants[0]!.policies[0]!;

/** One line for each policy that gives much; what is left. */
function byPolicy(lines: readonly GrantLine[], sign: '+' | '-'): GrantLine[] {
  const only = ({ grants }: GrantLine): string | undefined =>
    grants.every(({ policies }) => policies.length === 1) ? grants[0]!.policies[0] : undefined;
  const whole = new Set(lines.filter(({ grants }) => grants.length > 1).map((line) => only(line)));
  const alike = Map.groupBy(lines, (line) => {
    const policy = only(line);
    return policy !== undefined && whole.has(policy) ? policy : line;
  });
  return [...alike.values()].map((same) => policyLine(same, sign));
}

/** The lines of one sign, the gravest first, the many of one kind counted. */
function foldedLines(catalog: Catalog, grants: readonly Grant[], sign: '+' | '-'): string[] {
  const lines = byPolicy(grantLines(catalog, grants, sign, { classOf }), sign).toSorted(
    (a, b) => a.gravity - b.gravity,
  );
  const kinds = Map.groupBy(
    lines.filter((line) => line.grants.length === 1),
    ({ kind }) => kind,
  );
  return [
    ...lines.filter((line) => line.grants.length > 1),
    ...[...kinds.values()].flatMap((alike) => {
      const most = mostLines[alike[0]!.kind] ?? 1;
      const shown = alike.length <= most + 1 ? alike : alike.slice(0, most);
      const rest = alike.slice(shown.length);
      return [
        ...shown,
        ...(rest.length === 0 ? [] : [{ text: restLine(rest, sign), gravity: gravityOf(rest[0]!.kind, sign) }]),
      ];
    }),
  ]
    .toSorted((a, b) => a.gravity - b.gravity)
    .map(({ text }) => text);
}

/** `role reader`, `new people alice, bob`. */
function whoText(principals: readonly ChangedPrincipal[]): string {
  const { kind, state } = principals[0]!;
  const names = [...new Set(principals.map(({ name }) => name))];
  const word = names.length > 1 ? plural[kind] : kind;
  return `${state === 'new' ? 'new ' : state === 'gone' ? 'removed ' : ''}${word} ${names.join(', ')}`;
}

/** `role reader in dev, test`; names that are in other accounts than others are told apart. */
function placesText(principals: readonly ChangedPrincipal[], label: BriefOptions['label']): string {
  const byName = Map.groupBy(principals, ({ name }) => name);
  const byPlaces = Map.groupBy(byName.values(), (alike) => alike.map(({ account }) => account).join('\n'));
  return [...byPlaces.values()]
    .map((names) => `${whoText(names.flat())} in ${label(names[0]!.map(({ account }) => account))}`)
    .join('; ');
}

interface Block {
  readonly lines: readonly string[];
  readonly gravity: number;
}

const assuming = new Set(['sts:AssumeRole', 'sts:SetSourceIdentity', 'sts:TagSession']);

const onlyAssumes = ({ actions }: Grant): boolean => actions.every((action) => assuming.has(action));

/** Whether it is the right to become roles of which the lines of trust say who may become them. */
function isTrustTold(grant: Grant, account: string, roles: ReadonlySet<string>): boolean {
  return onlyAssumes(grant) && grant.resources.every((arn) => roles.has(arn.replace('{account}', account)));
}

/** By `account group`: those that come or go whole. What they give is told of them, not of each member. */
function wholeGroups(changes: readonly AccessChange[]): ReadonlyMap<string, ChangedPrincipal['state']> {
  const groups = changes.flatMap(({ principals }) => principals.filter(({ kind }) => kind === 'group'));
  return new Map(groups.map(({ account, name, state }) => [`${account} ${name}`, state]));
}

const accountOfArn = (arn: string): string => arn.split(':')[4] ?? '';

/** The grant with the person's own name put aside, so that what all have for themselves is told once. */
function impersonal(grant: Grant, { kind, name }: ChangedPrincipal): Grant {
  const own = `/${name}`;
  if (kind !== 'person' || !grant.resources.some((arn) => arn.endsWith(own))) return grant;
  const put = (arn: string): string => (arn.endsWith(own) ? `${arn.slice(0, -own.length)}/{name}` : arn);
  return { ...grant, resources: grant.resources.map(put) };
}

/** Equal grants have equal numbers. One of AWS's policies may be 100 KiB of grants, the same for thousands of roles. */
class GrantNumbers {
  readonly #byGrant = new Map<Grant, number>();
  readonly #byText = new Map<string, number>();

  of(grant: Grant): number {
    const known = this.#byGrant.get(grant);
    if (known !== undefined) return known;
    const text = JSON.stringify(grant);
    const number = this.#byText.get(text) ?? this.#byText.size;
    this.#byText.set(text, number);
    this.#byGrant.set(grant, number);
    return number;
  }
}

const memberText = (verb: string, groups: readonly string[] | undefined): string =>
  groups === undefined ? '' : ` ${verb} ${groups.join(', ')}`;

/** Changes with the same lines left to tell are one block. */
function blocksOf(catalog: Catalog, { changes, trust }: AccessDiff, options: BriefOptions): Block[] {
  const groups = wholeGroups(changes);
  const roles = toldRoles(trust);
  const found = changes.flatMap(({ principals, gains, loses }) =>
    principals.map((principal) => {
      const { account, arn, joins = [], leaves = [], byGroups } = principal;
      const isWhole =
        byGroups === true &&
        joins.every((name) => groups.get(`${account} ${name}`) === 'new') &&
        leaves.every((name) => groups.get(`${account} ${name}`) === 'gone');
      const left = (grants: readonly Grant[], sign: '+' | '-'): Grant[] =>
        grants
          .filter(
            (grant) =>
              !(isWhole && !onlyAssumes(grant)) &&
              options.isTold?.(principal, grant, sign) !== true &&
              !isTrustTold(grant, accountOfArn(arn), roles[sign]),
          )
          .map((grant) => impersonal(grant, principal));
      return { principal, gains: left(gains, '+'), loses: left(loses, '-') };
    }),
  );
  const isLeft = ({ gains, loses }: (typeof found)[number]): boolean => gains.length + loses.length > 0;
  const members = found.filter((it) => !isLeft(it)).map(({ principal }) => principal);
  const numbers = new GrantNumbers();
  const numbered = (grants: readonly Grant[]): number[] => grants.map((grant) => numbers.of(grant));
  const alike = Map.groupBy(found.filter(isLeft), ({ principal: { kind, state, joins, leaves }, gains, loses }) =>
    JSON.stringify([kind, state, joins, leaves, numbered(gains), numbered(loses)]),
  );
  const blocks = [...alike.values()].map((same): Block => {
    const { principal, gains, loses } = same[0]!;
    const told = [...foldedLines(catalog, gains, '+'), ...foldedLines(catalog, loses, '-')];
    const member = `${memberText('joins', principal.joins)}${memberText('leaves', principal.leaves)}`;
    const principals = same.map((it) => it.principal);
    const gravity = Math.min(
      ...gains.map(({ kind }) => gravityOf(kind, '+')),
      ...loses.map(({ kind }) => gravityOf(kind, '-')),
    );
    const head = `  ${placesText(principals, options.label)}${member}`;
    return { lines: [head, ...told.map((text) => `    ${text}`)], gravity };
  });
  return [...blocks, ...memberBlocks(members)];
}

/** People of whom nothing is left to tell but the groups that they join and leave: a line for all of a state. */
function memberBlocks(people: readonly ChangedPrincipal[]): Block[] {
  const moved = people.filter(({ joins, leaves }) => (joins ?? leaves) !== undefined);
  return [...Map.groupBy(moved, ({ state }) => state).values()].map((some) => {
    const each = some.map(
      ({ name, joins, leaves }) => `${name}${memberText('joins', joins)}${memberText('leaves', leaves)}`,
    );
    return { lines: [`  ${whoText([some[0]!]).replace(some[0]!.name, each.join('; '))}`], gravity: Infinity };
  });
}

/** Lines for people, who may become what first, then the gravest rights; empty when nothing changes. */
export function accessBriefLines(catalog: Catalog, diff: AccessDiff, options: BriefOptions): string[] {
  const blocks = blocksOf(catalog, diff, options).toSorted((a, b) => a.gravity - b.gravity);
  return [...trustLines(diff.trust, options), ...blocks.flatMap(({ lines }) => lines)];
}
