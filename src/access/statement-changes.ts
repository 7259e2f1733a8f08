// What differs between two policy documents, statement by statement, and inside a statement: which actions, resources,
// principals and conditions came and went. By meaning: order, case and the form of lists are no difference. Pure.
import { isObject } from '../base/index.ts';
import { canonicalDocument, principalTexts, statementText, type ResolvePrincipal } from './documents.ts';
import type { Document, Statement } from './resources.ts';

export interface Part {
  readonly sign: '+' | '-' | '~';
  readonly text: string;
  /** Of a value that became another (`~`): both, as the text has them at its end, `FROM -> TO`. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** A value of something, before and after. */
export const changedValue = (what: string, from: string, to: string): Part => ({
  sign: '~',
  text: `${what} ${from} -> ${to}`,
  from,
  to,
});

/** A statement that is there before and after, and what in it is not the same. */
export interface StatementChange {
  /** Which: `statement ReadBuckets of inline policy stint`. */
  readonly statement: string;
  readonly parts: readonly Part[];
}

/** A line for people. A statement that changed has two, one lost and one gained, with the same `inside`. */
export interface Detail extends Part {
  readonly inside?: StatementChange | undefined;
}

/** The items that an element of a statement lists. */
interface Element {
  /** What stands before them for people. */
  readonly word: string;
  /** Texts for people, by their canonical form. */
  readonly items: ReadonlyMap<string, string>;
}

interface Known {
  readonly statement: Statement;
  /** Its place in its document, from 1. */
  readonly position: number;
  /** What it says, by element; a condition is one for each key of each operator. Undefined for what cannot be read. */
  readonly elements: ReadonlyMap<string, Element> | undefined;
}

const listOf = (value: unknown): readonly string[] => [value ?? []].flat().map(String);

/** Items as they were written, by their canonical form, which may have another case. */
function items(own: unknown, canonical: unknown): ReadonlyMap<string, string> {
  const spelt = new Map(listOf(own).map((text) => [text.toLowerCase(), text]));
  return new Map(listOf(canonical).map((text) => [text, spelt.get(text.toLowerCase()) ?? text]));
}

/** What stands for everything else keeps IAM's name for it. */
const words = { Action: '', NotAction: 'NotAction ', Resource: 'on ', NotResource: 'NotResource ' } as const;

function principalElements(source: Readonly<Record<string, unknown>>, { Effect }: Statement): [string, Element][] {
  const trust = source['Resource'] === undefined && source['NotResource'] === undefined;
  const verb = Effect === 'Allow' ? 'trust ' : 'never trust ';
  return (['Principal', 'NotPrincipal'] as const)
    .filter((name) => source[name] !== undefined)
    .map((name) => {
      const word = name === 'NotPrincipal' ? 'NotPrincipal ' : trust ? verb : 'principal ';
      return [name, { word, items: new Map(principalTexts(source[name]).map((text) => [text, text])) }];
    });
}

/** Operators and keys keep the case in which they were written. */
function conditionElements(own: Statement['Condition'], canonical: unknown): [string, Element][] {
  const spelt = new Map(
    Object.values(own ?? {}).flatMap((keys) => Object.keys(keys).map((key) => [key.toLowerCase(), key])),
  );
  return Object.entries(isObject(canonical) ? canonical : {}).flatMap(([operator, keys]) =>
    Object.entries(isObject(keys) ? keys : {}).map(([key, values]): [string, Element] => [
      `Condition ${operator} ${key}`,
      { word: `if ${spelt.get(key.toLowerCase()) ?? key} ${operator} `, items: items(undefined, values) },
    ]),
  );
}

/** What a statement says, from the canonical form of a document that holds nothing else. */
function elementsOf(statement: Statement, canonical: string): Known['elements'] {
  if (!canonical.startsWith('{')) return undefined;
  const { Statement: found } = JSON.parse(canonical) as { Statement?: unknown[] };
  const source = found?.[0];
  if (!isObject(source)) return undefined;
  const lists = Object.entries(words)
    .filter(([name]) => source[name] !== undefined)
    .map(([name, word]): [string, Element] => [
      name,
      { word, items: items(statement[name as 'Action'], source[name]) },
    ]);
  return new Map([
    ...principalElements(source, statement),
    ...lists,
    ...conditionElements(statement.Condition, source['Condition']),
  ]);
}

function known(document: Document, resolve: ResolvePrincipal): Map<string, Known> {
  return new Map(
    document.Statement.map((statement, index) => {
      const canonical = canonicalDocument({ ...document, Statement: [statement] }, resolve);
      return [canonical, { statement, position: index + 1, elements: elementsOf(statement, canonical) }] as const;
    }),
  );
}

/** The items of one side that the other has not. */
function missing(sign: Part['sign'], own: Element | undefined, other: Element | undefined): Part[] {
  const texts = [...(own?.items ?? [])].filter(([key]) => other?.items.has(key) !== true).map(([, text]) => text);
  return texts.length === 0 ? [] : [{ sign, text: `${own!.word}${texts.join(', ')}` }];
}

const sidOf = ({ statement }: Known): string => statement.Sid || '(none)';

/** What of one statement is not in the other; undefined where that is more than parts. */
function partsOf(before: Known, after: Known): Part[] | undefined {
  const [old, fresh] = [before.elements, after.elements];
  if (old === undefined || fresh === undefined || before.statement.Effect !== after.statement.Effect) return undefined;
  const renamed: Part[] = sidOf(before) === sidOf(after) ? [] : [changedValue('Sid', sidOf(before), sidOf(after))];
  return [
    ...renamed,
    ...[...new Set([...old.keys(), ...fresh.keys()])].flatMap((name) => [
      ...missing('-', old.get(name), fresh.get(name)),
      ...missing('+', fresh.get(name), old.get(name)),
    ]),
  ];
}

/** A little of what a statement keeps, to know it by. */
function gist(before: Known, after: Known): string {
  const effect = after.statement.Effect.toLowerCase();
  if (after.elements?.has('Principal') === true && !after.elements.has('Resource')) return '';
  for (const name of ['Action', 'NotAction', 'Resource', 'NotResource']) {
    const { word = '', items = new Map<string, string>() } = after.elements?.get(name) ?? {};
    const kept = [...items].filter(([key]) => before.elements?.get(name)?.items.has(key)).map(([, text]) => text);
    if (kept.length > 0) return ` (${effect} ${word}${kept.slice(0, 2).join(', ')}${kept.length > 2 ? ', …' : ''})`;
  }
  return ` (${effect})`;
}

function titleOf(before: Known, after: Known, place: string): string {
  const { Sid } = after.statement;
  return `statement ${Sid ? Sid : `${after.position}${gist(before, after)}`}${place}`;
}

interface Pair {
  readonly before: Known;
  readonly after: Known;
  readonly inside: StatementChange;
}

const lengthOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0);

/** Two statements are one that changed where most of what they say stays: the parts take clearly fewer letters. */
const mostTold = 0.75;

function paired(before: Known, after: Known, place: string): (Pair & { readonly saved: number }) | undefined {
  const parts = partsOf(before, after);
  if (parts === undefined || parts.length === 0) return undefined;
  const whole = lengthOf([statementText(before.statement), statementText(after.statement)]);
  const told = lengthOf(parts.map(({ text }) => text));
  if (told > whole * mostTold) return undefined;
  return { before, after, inside: { statement: titleOf(before, after, place), parts }, saved: whole - told };
}

/** Statements that became each other: first those of one Sid, then those that have most in common, then by place. */
function pairsOf(lost: readonly Known[], gained: readonly Known[], place: string): Pair[] {
  const all = lost.flatMap((before) =>
    gained.flatMap((after) => {
      const pair = paired(before, after, place);
      const named = Boolean(before.statement.Sid) && before.statement.Sid === after.statement.Sid;
      return pair === undefined ? [] : [{ ...pair, named }];
    }),
  );
  all.sort(
    (a, b) =>
      Number(b.named) - Number(a.named) ||
      b.saved - a.saved ||
      Math.abs(a.before.position - a.after.position) - Math.abs(b.before.position - b.after.position),
  );
  const used = new Set<Known>();
  return all.filter(({ before, after }) => {
    if (used.has(before) || used.has(after)) return false;
    used.add(before).add(after);
    return true;
  });
}

/** So many statements on either side are compared each with each; IAM's size quotas allow few more. */
const mostCompared = 60;

/** The statements that came, went and changed. `place` says where they are: ` of inline policy stint`. */
export function documentDetails(
  before: Document | undefined,
  after: Document | undefined,
  resolve: ResolvePrincipal,
  place = '',
): Detail[] {
  if (before === after) return [];
  const whole = (sign: Part['sign'], document: Document): Detail[] =>
    document.Statement.map((it) => ({ sign, text: statementText(it) }));
  if (before === undefined) return distinct(whole('+', after!));
  if (after === undefined) return distinct(whole('-', before));
  const version: Detail[] =
    before.Version === after.Version ? [] : [changedValue(`policy version${place}`, before.Version, after.Version)];
  const old = known({ ...before, Version: after.Version }, resolve);
  const fresh = known(after, resolve);
  const lost = [...old].filter(([key]) => !fresh.has(key)).map(([, it]) => it);
  const gained = [...fresh].filter(([key]) => !old.has(key)).map(([, it]) => it);
  const pairs = lost.length * gained.length > mostCompared ** 2 ? [] : pairsOf(lost, gained, place);
  const insides = new Map(
    pairs.flatMap(
      ({ before: one, after: other, inside }) =>
        [
          [one, inside],
          [other, inside],
        ] as const,
    ),
  );
  const line =
    (sign: Part['sign']) =>
    (it: Known): Detail => {
      const inside = insides.get(it);
      return { sign, text: statementText(it.statement), ...(inside === undefined ? {} : { inside }) };
    };
  return [...version, ...lost.map(line('-')), ...gained.map(line('+'))];
}

/** One statement repeats none. */
function distinct(details: readonly Detail[]): Detail[] {
  return [...new Map(details.map((it) => [it.text, it])).values()];
}

/** The lines as people read them first: of a statement that changed only what in it did. */
export function briefDetails(details: readonly Detail[]): readonly (Part & { readonly parts?: readonly Part[] })[] {
  return details.flatMap(({ sign, text, inside }) => {
    if (inside === undefined) return [{ sign, text }];
    return sign === '-' ? [] : [{ sign: '~' as const, text: inside.statement, parts: inside.parts }];
  });
}
