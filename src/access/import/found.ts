// What an import starts from: accounts as they were seen, in AWS or in Terraform, and what is known about them.
import type { Partition } from '../../aws/index.ts';
import type { Finding } from '../findings.ts';
import type { RoleResource, SeenOrganization, SeenResource } from '../resources.ts';
import type { KnownAccount } from './selectors.ts';

export interface FoundAccount extends KnownAccount {
  readonly resources: readonly SeenResource[];
  /** Users with a console password. */
  readonly logins: ReadonlySet<string>;
  /** Why something was seen only in part, by `kind/name`: nothing is made of it but a note. */
  readonly partly: ReadonlyMap<string, string>;
  /** Of the management account, where its organisation was read. */
  readonly organization?: SeenOrganization | undefined;
}

export interface Found {
  /** Name of the definition to be. */
  readonly name: string;
  readonly partition: Partition;
  readonly organization?: string | undefined;
  /** Name of the account in which people live. */
  readonly central?: string | undefined;
  /** Name of the account in which guard rails are made. */
  readonly management?: string | undefined;
  readonly accounts: readonly FoundAccount[];
  /** Account ids by the name of the variable that held them. */
  readonly variables: Readonly<Record<string, string>>;
  /** Where something came from, by `ACCOUNTID kind/name` in small letters: an address of Terraform. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** A remark that stands as a comment before the entry at `path`. */
export interface Note {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** What an import comes to. */
export interface Imported {
  /** Plain JSON that the schema takes. */
  readonly definition: Readonly<Record<string, unknown>>;
  readonly notes: readonly Note[];
  readonly findings: readonly Finding[];
  /** What was left out by kind, with a count: nothing goes without a word. */
  readonly left: readonly { readonly why: string; readonly count: number }[];
}

/** A written reason for what is switched off because it was so before. */
export const asFound = { off: true, reason: 'taken over as it was found' } as const;

/** Part of a definition, as plain JSON. */
export type Entry = Readonly<Record<string, unknown>>;

/** Whether an entry of a definition can have the name. */
export const isKey = (name: string): boolean => /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(name);

export const isRole = (it: SeenResource): it is SeenResource & RoleResource => it.kind === 'role';
