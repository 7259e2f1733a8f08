// A change of access as people read it: short however many accounts it touches, exact where it counts. The whole lists
// are in the JSON.
import type { Catalog } from '../catalog/catalog.ts';
import type { AccessChange, AccessDiff, ChangedPrincipal, TrustChange } from './diff.ts';
import { foldActions } from './fold.ts';
import type { Grant } from './grants.ts';
import { accessKinds, appliesTo, kindOf, kindWords } from './kinds.ts';
import type { TrustShift } from './trust-diff.ts';

const most = 3;

/** `dev, test and 18 more`. */
function shortList(items: readonly string[]): string {
  if (items.length <= most + 1) return items.join(', ');
  return `${items.slice(0, most - 1).join(', ')} and ${items.length - most + 1} more`;
}

const plural = { person: 'people', group: 'groups', role: 'roles', workload: 'workloads' } as const;

/** `role reader in dev, test and 18 more`, `new roles a, b and 5 more in dev`. */
function principalsText(principals: readonly ChangedPrincipal[]): string {
  const { kind, state } = principals[0]!;
  const names = [...new Set(principals.map(({ name }) => name))];
  const accounts = [...new Set(principals.map(({ account }) => account))];
  const word = names.length > 1 ? plural[kind] : kind;
  const what = state === 'new' ? `new ${word}` : state === 'gone' ? `removed ${word}` : word;
  return `${what} ${shortList(names)} in ${shortList(accounts)}`;
}

const counted = (count: number): string => count.toLocaleString('en-US');

function suffixOf({ resources, except, conditions, otherwise }: Grant, sign: '+' | '-'): string {
  const places = resources.length === 1 && resources[0] === '*' ? '' : ` on ${shortList(resources)}`;
  const without = except.length === 0 ? '' : ` except ${shortList(except)}`;
  const change = otherwise === undefined ? '' : ` (${sign === '+' ? 'formerly' : 'now'} ${sideText(otherwise)})`;
  return `${places}${without}${conditions.map((it) => `, ${it}`).join('')}${change}`;
}

const sideText = (conditions: readonly string[]): string =>
  conditions.length === 0 ? 'without condition' : conditions.join(', ');

interface Line {
  readonly text: string;
  /** Position in `accessKinds`; losses come after all gains. */
  readonly gravity: number;
}

const width = Math.max(...Object.values(kindWords).map(({ length }) => length));

/** Lines for grants of one sign. What a policy gives by many patterns is told by its name, with how many of each kind. */
function grantLines(catalog: Catalog, grants: readonly Grant[], sign: '+' | '-'): Line[] {
  const bundles = Map.groupBy(grants, (grant) => JSON.stringify([suffixOf(grant, sign), grant.policies]));
  return [...bundles.values()].flatMap((bundle): Line[] => {
    const folded = bundle.map((grant) => {
      const fitting = grant.resources.map((resource) => appliesTo(catalog, resource));
      const isAlike = (action: string): boolean =>
        kindOf(catalog, action) === grant.kind && fitting.some((fits) => fits(action));
      return { grant, texts: foldActions(catalog, grant.actions, grant.patterns, isAlike) };
    });
    const gravity = (kind: Grant['kind']): number =>
      accessKinds.indexOf(kind) + (sign === '+' ? 0 : accessKinds.length);
    const isAll = folded.length > 1 && folded.every(({ texts }) => texts.length === 1 && texts[0]!.text === '*');
    const { policies, kind } = bundle[0]!;
    if (isAll || (policies.length === 1 && folded.some(({ texts }) => texts.length > most + 1))) {
      const counts = bundle.map((grant) => `${counted(grant.actions.length)} ${kindWords[grant.kind]}`);
      const what = isAll ? 'everything' : policies[0]!;
      return [{ text: `${sign} ${what}${suffixOf(bundle[0]!, sign)}: ${counts.join(', ')}`, gravity: gravity(kind) }];
    }
    return folded.map(({ grant, texts }) => {
      const actions = texts.map(({ text, count }) => (count > 1 ? `${text} (${counted(count)})` : text));
      const rest = grant.actions.length - texts.slice(0, most).reduce((sum, { count }) => sum + count, 0);
      const shown =
        texts.length <= most + 1 ? actions.join(', ') : `${actions.slice(0, most).join(', ')} and ${rest} more`;
      return {
        text: `${sign} ${kindWords[grant.kind].padEnd(width)}  ${shown}${suffixOf(grant, sign)}`,
        gravity: gravity(grant.kind),
      };
    });
  });
}

function shiftText({ principal, conditions, formerly }: TrustShift, sign: '+' | '-'): string {
  const suffix = conditions.map((it) => `, ${it}`).join('');
  if (sign === '+') {
    const was = formerly === undefined ? '' : ` (formerly ${sideText(formerly)})`;
    return `+ ${principal} may become it${suffix}${was}`;
  }
  const is = formerly === undefined ? '' : ` (now ${sideText(formerly)})`;
  return `- ${principal} may no longer become it${suffix}${is}`;
}

function trustBlock({ roles, widened, narrowed }: TrustChange): string[] {
  return [
    `  trust of ${principalsText(roles)}`,
    ...widened.map((shift) => `    ${shiftText(shift, '+')}`),
    ...narrowed.map((shift) => `    ${shiftText(shift, '-')}`),
  ];
}

/** By `account group`: the lines of the groups that change, which are not told again of who joins or leaves them. */
function groupLines(catalog: Catalog, changes: readonly AccessChange[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = changes.flatMap(({ principals, gains, loses }) =>
    principals
      .filter(({ kind }) => kind === 'group')
      .map(({ account, name }) => {
        const lines = [...grantLines(catalog, gains, '+'), ...grantLines(catalog, loses, '-')];
        return [`${account} ${name}`, new Set(lines.map(({ text }) => text))] as const;
      }),
  );
  return new Map(found);
}

/** Every line with all for whom it is so, then the lines that are so for the same ones together. */
function grantBlocks(
  catalog: Catalog,
  changes: readonly AccessChange[],
): { readonly lines: string[]; readonly gravity: number }[] {
  const byLine = new Map<string, { readonly line: Line; readonly principals: ChangedPrincipal[] }>();
  const ofGroups = groupLines(catalog, changes);
  const add = (line: Line, principal: ChangedPrincipal): void => {
    const key = `${principal.kind} ${principal.state} ${line.text}`;
    const held = byLine.get(key) ?? { line, principals: [] };
    byLine.set(key, held);
    if (!held.principals.includes(principal)) held.principals.push(principal);
  };
  for (const { principals, gains, loses } of changes) {
    const lines = [...grantLines(catalog, gains, '+'), ...grantLines(catalog, loses, '-')];
    for (const principal of principals) {
      const { account, joins = [], leaves = [] } = principal;
      for (const line of lines) {
        const group = [...joins, ...leaves].find((name) => ofGroups.get(`${account} ${name}`)?.has(line.text) === true);
        const verb = line.text.startsWith('+') ? '+ what its new group' : '- what its former group';
        add(
          group === undefined
            ? line
            : { text: `${verb} ${group} ${line.text.startsWith('+') ? 'gains' : 'loses'}`, gravity: line.gravity },
          principal,
        );
      }
    }
  }
  const blocks = Map.groupBy(byLine.values(), ({ principals }) =>
    principals
      .map(({ kind, arn }) => `${kind} ${arn}`)
      .toSorted()
      .join('\n'),
  );
  return [...blocks.values()]
    .map((block) => {
      const lines = block.map(({ line }) => line).toSorted((a, b) => a.gravity - b.gravity);
      return {
        lines: [`  ${principalsText(block[0]!.principals)}`, ...lines.map(({ text }) => `    ${text}`)],
        gravity: lines[0]!.gravity,
      };
    })
    .toSorted((a, b) => a.gravity - b.gravity);
}

// More than a few screens is read by nobody; the rest is counted.
const mostBlocks = 60;

/** Lines for people, the gravest first; empty when nothing changes. */
export function accessDiffLines(catalog: Catalog, { changes, trust }: AccessDiff): string[] {
  const widens = ({ widened }: TrustChange): boolean => widened.length > 0;
  const blocks = [
    ...trust.filter(widens).map(trustBlock),
    ...grantBlocks(catalog, changes).map(({ lines }) => lines),
    ...trust.filter((it) => !widens(it)).map(trustBlock),
  ];
  const rest = blocks.length - mostBlocks;
  return [...blocks.slice(0, mostBlocks).flat(), ...(rest > 0 ? [`  and ${rest} more: \`--json\` has them all`] : [])];
}

/** Whether anybody gains anything: actions, or a way into a role. */
export function isGain({ changes, trust }: AccessDiff): boolean {
  return changes.some(({ gains }) => gains.length > 0) || trust.some(({ widened }) => widened.length > 0);
}
