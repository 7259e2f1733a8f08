// The changes of a plan as people read them: account by account, or, where accounts change alike, once for all of them;
// or, as drift, told as what happened in AWS.
import { shortened } from './details.ts';
import { deletedTag } from './soft-delete.ts';
import { briefDetails, type Part } from './statement-changes.ts';
import type { Change } from './plan.ts';

const signs = { add: '+', change: '~', destroy: '-' } as const;
const kindWords: Readonly<Record<string, string>> = {
  'instance-profile': 'instance profile',
  'password-policy': '',
  'oidc-provider': 'OIDC provider',
  'saml-provider': 'SAML provider',
  'organization-policy': 'guard rail',
};
const plurals: Readonly<Record<string, string>> = { policy: 'policies', 'password-policy': '' };

/** One change with everything about it. */
export function changeLines(change: Change): string[] {
  const kind = kindWords[change.kind] ?? change.kind;
  const title = `  ${signs[change.action]} ${kind === '' ? change.name : `${kind} ${change.name}`}`;
  // What goes, goes whole: its parts are not news.
  if (change.action === 'destroy') return [title];
  return [
    title,
    ...change.details.map(({ sign, text }) => `      ${change.action === 'add' ? '' : `${sign} `}${text}`),
  ];
}

// Who is let in, what is allowed and who is a member is told by the access below, in fewer words.
const toldBelow = /^(?:trust |never trust |allow |deny |member of |description )/;

type Label = (accounts: readonly string[]) => string;

const accountsOf = (same: readonly Change[]): string[] => same.map(({ account }) => account);

/** What there is to say of something new beside the access that it makes, and where, if not everywhere. */
function settings(same: readonly Change[], label: Label): string {
  const found = new Map<string, string[]>();
  for (const { details, account, accountId } of same) {
    for (const { text } of details) {
      if (toldBelow.test(text)) continue;
      const key = text.replaceAll(accountId, '{account}');
      found.set(key, [...(found.get(key) ?? []), account]);
    }
  }
  return [...found]
    .map(([text, accounts]) => (accounts.length === same.length ? text : `${text} in ${label(accounts)}`))
    .join(', ');
}

function titleOf(kind: string, names: readonly string[]): string {
  const word = kindWords[kind] ?? kind;
  const title = names.length === 1 ? word : (plurals[kind] ?? `${word}s`);
  return `${title === '' ? '' : `${title} `}${names.join(', ')}`;
}

const nameKey = ({ kind, name }: Change): string => `${kind} ${name}`;

/** Things that come, or go: a line for those of one kind that do so in the same accounts, with the same settings. */
function namesLines(changes: readonly Change[], label: Label): string[] {
  const things = [...Map.groupBy(changes, nameKey).values()].map((same) => ({
    kind: same[0]!.kind,
    name: same[0]!.name,
    sign: signs[same[0]!.action],
    accounts: accountsOf(same),
    said: same[0]!.action === 'add' ? settings(same, label) : '',
  }));
  const alike = Map.groupBy(things, ({ kind, accounts, said }) => JSON.stringify([kind, accounts, said]));
  return [...alike.values()].map((some) => {
    const { kind, sign, accounts, said } = some[0]!;
    const title = titleOf(
      kind,
      some.map(({ name }) => name),
    );
    return `  ${sign} ${title} in ${label(accounts)}${said === '' ? '' : `: ${said}`}`;
  });
}

/** So many details of a change are told before the rest is counted. */
const mostDetails = 12;

/** A line for each detail; of a statement that changed only what in it did, further in. */
function briefLines(details: Change['details'], indent: string): string[] {
  return briefDetails(details).flatMap(({ sign, text, parts = [] }) => [
    `${indent}${sign} ${text}`,
    ...parts.map((part) => `${indent}    ${part.sign} ${part.text}`),
  ]);
}

/** A change with what it is, told once for the accounts in which it is the same. */
function changedLines(changes: readonly Change[], label: Label): string[] {
  const alike = Map.groupBy(changes, (it) =>
    JSON.stringify([nameKey(it), it.details]).replaceAll(it.accountId, '{account}'),
  );
  return [...alike.values()].flatMap((same) => {
    const first = same[0]!;
    const details = same.length === 1 ? first.details : withAccount(first);
    const lines = briefLines(details, '      ').map(shortened);
    const rest = lines.length - mostDetails;
    return [
      `  ~ ${titleOf(first.kind, [first.name])} in ${label(accountsOf(same))}`,
      ...(rest <= 1
        ? lines
        : [...lines.slice(0, mostDetails), `      and ${rest} more: \`stint explain ${first.id}\``]),
    ];
  });
}

function withAccount({ details, accountId }: Change): Change['details'] {
  return JSON.parse(JSON.stringify(details).replaceAll(accountId, '{account}')) as Change['details'];
}

/** The changes with equal ones told once, whatever account they are in. */
export function foldedChanges(changes: readonly Change[], label: Label): string[] {
  if (changes.length === 0) return [];
  const of = (action: Change['action']): Change[] => changes.filter((it) => it.action === action);
  return [
    'changes',
    ...namesLines(of('add'), label),
    ...changedLines(of('change'), label),
    ...namesLines(of('destroy'), label),
    '',
  ];
}

const happened = { add: 'is gone', change: 'was changed', destroy: 'is not in the definition' } as const;

/** What an apply would add was taken away in AWS. */
const flipped = { '+': '-', '-': '+', '~': '~' } as const;

function happenedTo({ action, details }: Change): string {
  const waits = details.some(({ sign, text }) => sign === '-' && text === `tag ${deletedTag}`);
  return waits ? 'was taken out by another run, and waits for its end' : happened[action];
}

/** A line the other way round: what the definition says comes first, what AWS has last. */
function flip<Line extends Part>(line: Line): Line {
  const { sign, text, from, to } = line;
  if (from === undefined || to === undefined) return { ...line, sign: flipped[sign] };
  const what = text.slice(0, -`${from} -> ${to}`.length);
  return { ...line, text: `${what}${to} -> ${from}`, from: to, to: from };
}

/**
 * A change as what happened in AWS since the definition was applied: what in it is otherwise, of a changed statement
 * only what in it is, with `full` both statements whole.
 */
export function driftLines(change: Change, full: boolean): string[] {
  const details = change.details.map((it) => ({
    ...flip(it),
    ...(it.inside === undefined ? {} : { inside: { ...it.inside, parts: it.inside.parts.map(flip) } }),
  }));
  const told = full ? details.map(({ sign, text }) => ({ sign, text })) : details;
  const title = `${change.id} ${happenedTo(change)}`;
  return change.action === 'change' ? [title, ...briefLines(told, '    ')] : [title];
}
