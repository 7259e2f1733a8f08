// A change of access as people read it: short however many accounts it touches, exact where it counts. The whole lists
// are in the JSON.
import type { Catalog } from '../catalog/catalog.ts';
import type { AccessChange, AccessDiff, ChangedPrincipal, TrustChange } from './diff.ts';
import { grantLines, shortList, sideText, type GrantLine, type LineOptions } from './grant-lines.ts';
import type { TrustShift } from './trust-diff.ts';

const plural = { person: 'people', group: 'groups', role: 'roles', workload: 'workloads' } as const;

/** `role reader in dev, test and 18 more`, `new roles a, b and 5 more in dev`. */
function principalsText(principals: readonly ChangedPrincipal[], most?: number): string {
  const { kind, state } = principals[0]!;
  const names = [...new Set(principals.map(({ name }) => name))];
  const accounts = [...new Set(principals.map(({ account }) => account))];
  const word = names.length > 1 ? plural[kind] : kind;
  const what = state === 'new' ? `new ${word}` : state === 'gone' ? `removed ${word}` : word;
  return `${what} ${shortList(names, most)} in ${shortList(accounts, most)}`;
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

function trustBlock({ roles, widened, narrowed }: TrustChange, most?: number): string[] {
  return [
    `  trust of ${principalsText(roles, most)}`,
    ...widened.map((shift) => `    ${shiftText(shift, '+')}`),
    ...narrowed.map((shift) => `    ${shiftText(shift, '-')}`),
  ];
}

type Told = Pick<GrantLine, 'text' | 'gravity'>;

/** By `account group`: the lines of the groups that change, which are not told again of who joins or leaves them. */
function groupLines(
  catalog: Catalog,
  changes: readonly AccessChange[],
  options: LineOptions,
): ReadonlyMap<string, ReadonlySet<string>> {
  const found = changes.flatMap(({ principals, gains, loses }) =>
    principals
      .filter(({ kind }) => kind === 'group')
      .map(({ account, name }) => {
        const lines = [...grantLines(catalog, gains, '+', options), ...grantLines(catalog, loses, '-', options)];
        return [`${account} ${name}`, new Set(lines.map(({ text }) => text))] as const;
      }),
  );
  return new Map(found);
}

/** Every line with all for whom it is so, then the lines that are so for the same ones together. */
function grantBlocks(
  catalog: Catalog,
  changes: readonly AccessChange[],
  options: LineOptions,
): { readonly lines: string[]; readonly gravity: number }[] {
  const byLine = new Map<string, { readonly line: Told; readonly principals: ChangedPrincipal[] }>();
  const ofGroups = groupLines(catalog, changes, options);
  const add = (line: Told, principal: ChangedPrincipal): void => {
    const key = `${principal.kind} ${principal.state} ${line.text}`;
    const held = byLine.get(key) ?? { line, principals: [] };
    byLine.set(key, held);
    if (!held.principals.includes(principal)) held.principals.push(principal);
  };
  for (const { principals, gains, loses } of changes) {
    const lines = [...grantLines(catalog, gains, '+', options), ...grantLines(catalog, loses, '-', options)];
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
        lines: [`  ${principalsText(block[0]!.principals, options.most)}`, ...lines.map(({ text }) => `    ${text}`)],
        gravity: lines[0]!.gravity,
      };
    })
    .toSorted((a, b) => a.gravity - b.gravity);
}

// More than a few screens is read by nobody; the rest is counted.
const mostBlocks = 60;

/** Lines for people, the gravest first; empty when nothing changes. `full`: every list to its end. */
export function accessDiffLines(catalog: Catalog, { changes, trust }: AccessDiff, full = false): string[] {
  const options = full ? { most: Infinity } : {};
  const widens = ({ widened }: TrustChange): boolean => widened.length > 0;
  const blocks = [
    ...trust.filter(widens).map((it) => trustBlock(it, options.most)),
    ...grantBlocks(catalog, changes, options).map(({ lines }) => lines),
    ...trust.filter((it) => !widens(it)).map((it) => trustBlock(it, options.most)),
  ];
  const shown = full ? blocks.length : mostBlocks;
  const rest = blocks.length - shown;
  return [...blocks.slice(0, shown).flat(), ...(rest > 0 ? [`  and ${rest} more: \`--json\` has them all`] : [])];
}

/** Whether anybody gains anything: actions, or a way into a role. */
export function isGain({ changes, trust }: AccessDiff): boolean {
  return changes.some(({ gains }) => gains.length > 0) || trust.some(({ widened }) => widened.length > 0);
}
