// A definition as a YAML file that people go on with: short things on one line, remarks as comments where they belong.
import { Document, isCollection, isMap, isScalar, isSeq, visit, type Node } from 'yaml';
import type { Imported, Note } from './found.ts';

/** Longest text of an entry that is kept on one line. */
const lineRoom = 100;

function shortEnough(node: Node): boolean {
  const text = JSON.stringify(node.toJSON());
  return text.length <= lineRoom;
}

/** Comments may hold any text; a line break would end one. */
const comment = (text: string): string => ` ${text.replaceAll(/\s+/g, ' ')}`;

function addNotes(document: Document, notes: readonly Note[]): void {
  for (const [path, texts] of Map.groupBy(notes, ({ path }) => JSON.stringify(path))) {
    const node = parentPair(document, JSON.parse(path) as (string | number)[]);
    if (node === undefined) continue;
    const lines = [...new Set(texts.map(({ text }) => text))].map(comment);
    node.commentBefore = [node.commentBefore, ...lines].filter((it) => it !== undefined).join('\n');
  }
}

/** The key that a comment stands before. */
function parentPair(
  document: Document,
  path: readonly (string | number)[],
): { commentBefore?: string | null } | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1));
  return isScalar(pair?.key) ? pair.key : undefined;
}

/** Top level and entries are blocks; what lies deeper and is short is put on one line. */
function layOut(document: Document): void {
  visit(document, {
    Collection: (_, node, ancestors) => {
      const depth = ancestors.filter(isCollection).length;
      const empty = node.items.length === 0;
      const list = isSeq(node) && node.items.every((item) => isScalar(item));
      if (!empty && ((depth < 2 && !list) || !shortEnough(node) || node.commentBefore)) return undefined;
      if (isSeq(node) || isMap(node)) node.flow = true;
      return visit.SKIP;
    },
  });
}

export interface YamlHeader {
  /** Lines before everything else. */
  readonly lines: readonly string[];
}

/** The YAML text of what was imported. Findings stand at its head, so that the file tells them as well. */
export function definitionYaml({ definition, notes, findings, left }: Imported, header: YamlHeader): string {
  const document = new Document(definition, { aliasDuplicateObjects: false });
  addNotes(document, notes);
  layOut(document);
  const told = findings.map(({ severity, code, account, resource, message }) => {
    const place = [account, resource].filter((it) => it !== undefined).join(' ');
    return `${severity} ${code}${place === '' ? '' : ` ${place}`}: ${message}`;
  });
  const counts = left.map(({ why, count }) => `left out: ${count} ${why}`);
  document.commentBefore = [...header.lines, ...counts, ...told].map(comment).join('\n');
  return document.toString({ lineWidth: 0, flowCollectionPadding: true, singleQuote: true });
}
