// What an action is to somebody who reads a change of access: the kinds, the gravest first.
import type { Catalog } from '../catalog/catalog.ts';
import { globsOverlap } from './globs.ts';

export type AccessKind = 'permissions' | 'data' | 'write' | 'unknown' | 'tagging' | 'read' | 'list';

export const accessKinds: readonly AccessKind[] = [
  'permissions',
  'data',
  'write',
  'unknown',
  'tagging',
  'read',
  'list',
];

export const kindWords: Readonly<Record<AccessKind, string>> = {
  permissions: 'permission management',
  data: 'data exposure',
  write: 'write',
  unknown: 'unknown action',
  tagging: 'tagging',
  read: 'read',
  list: 'list',
};

const byLevel = {
  'Permissions management': 'permissions',
  Write: 'write',
  Tagging: 'tagging',
  Read: 'read',
  List: 'list',
} as const;

// AWS calls both a Write, though each hands permissions on: a session of a role, or a role to a service.
const handsPermissionsOn = new Set(['sts:assumerole', 'iam:passrole']);

/** `unknown` for an action that is not in the catalogue. */
export function kindOf(catalog: Catalog, action: string): AccessKind {
  if (catalog.exposes(action) !== undefined) return 'data';
  if (handsPermissionsOn.has(action.toLowerCase())) return 'permissions';
  const level = catalog.levelOf(action);
  return level === undefined ? 'unknown' : byLevel[level];
}

/** Whether some ARN of the template's form matches the pattern. The five parts before the name stand for themselves. */
function fits(template: string, asked: readonly string[]): boolean {
  const form = template.split(':');
  const service = asked[2] ?? '*';
  if (form[2] !== service && !/[*?]/.test(service)) return false;
  const open = (part: string): string => part.replaceAll(/\$\{[^}]*\}/g, '*');
  if (!form.slice(0, 5).every((part, index) => globsOverlap(open(part), asked[index] ?? '*'))) return false;
  const name = asked.length < 6 ? '*' : asked.slice(5).join(':');
  // Names of buckets hold no slash, so that objects are told apart from their bucket.
  if (template.endsWith(':s3:::${BucketName}') && name.split('*', 1)[0]!.includes('/')) return false;
  return globsOverlap(open(form.slice(5).join(':')), name);
}

/** Tells of actions whether they can be asked for something that the pattern of a resource matches. */
export function appliesTo(catalog: Catalog, pattern: string): (action: string) => boolean {
  if (pattern === '*') return () => true;
  const asked = pattern.split(':');
  const known = new Map<string, boolean>();
  const fitting = (arn: string): boolean => {
    const held = known.get(arn) ?? fits(arn, asked);
    known.set(arn, held);
    return held;
  };
  return (action) => {
    const found = catalog.action(action);
    return found === undefined || found.resources.some(({ type }) => type.arns.some(fitting));
  };
}
