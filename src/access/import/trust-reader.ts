// Trust statements read back into entries: of what is proposed, what compiles to the very same.
import { isFailure, type Millis } from '../../base/index.ts';
import { untakenAudiences } from '../check-trust.ts';
import { canonicalDocument } from '../documents.ts';
import type { Definition, RoleEntry } from '../model.ts';
import type { Document, RoleResource, Statement } from '../resources.ts';
import { compileTrust } from '../trust.ts';
import { type Entry, type Found, type FoundAccount, isRole } from './found.ts';
import type { GroupGrants } from './grants.ts';
import { markedMembers } from './owned.ts';
import type { Providers } from './providers.ts';
import { parsed, soundDefinition } from './sound.ts';
import { rawTrust, trustProposals, type TrustDraft } from './trust.ts';

/** So many statements that their groups cannot name each person: with them a wide trust is compiled to a wide one. */
const crowd = 40;

const isWide = ({ Condition }: Statement): boolean =>
  [Condition?.['ArnLike']?.['aws:PrincipalArn']].flat().some((arn) => String(arn).endsWith(':user/*'));

const single = (statement: Statement): Document => ({ Version: '2012-10-17', Statement: [statement] });

const plainTrust = { trust: [{ service: 'ec2.amazonaws.com' }] };

export interface TrustReaderParts {
  readonly found: Found;
  /** What trust refers to: accounts, people, groups, providers. */
  readonly frame: Entry;
  readonly providers: Providers;
  readonly grants: GroupGrants;
  readonly now: Millis;
}

/** Compiles proposals for trust statements; answers the first that comes to the same. Roles are `ACCOUNT/NAME` in it. */
export class TrustReader {
  readonly #parts: TrustReaderParts;
  readonly #definition: Definition | undefined;
  readonly #stubs = new Map<string, string>();
  readonly #paths = new Map<string, string>();
  readonly #known = new Map<string, TrustDraft>();
  /** How many statements no entry says. */
  raw = 0;

  constructor(parts: TrustReaderParts) {
    this.#parts = parts;
    const { found, frame } = parts;
    // Each where it is: an estate may have ten thousand of them, in hundreds of accounts.
    const roles: Record<string, { readonly in: string[]; readonly name: string; readonly path: string }> = {};
    for (const account of found.accounts) {
      for (const { name, path } of account.resources.filter(isRole)) {
        const shape = `${path} ${name}`;
        const key = this.#stubs.get(shape) ?? `stub-${this.#stubs.size}`;
        this.#stubs.set(shape, key);
        this.#paths.set(`${account.name}/${name}`, `${account.name}/${key}`);
        const stub = (roles[key] ??= { in: [], ...plainTrust, name, path });
        stub.in.push(account.name);
      }
    }
    // What cannot be in a definition is nothing that trust could be said by.
    this.#definition = parsed(found, soundDefinition(found, { ...frame, roles }).definition);
  }

  /** The entries of a role's trust. */
  read(account: FoundAccount, role: RoleResource): TrustDraft[] {
    const { found, grants } = this.#parts;
    const granted = grants.groupsOf(account.id, role);
    const { expires } = markedMembers(found, role.tags);
    const used = new Set<unknown>();
    return role.trust.Statement.map((statement) => {
      // Groups of the same people have equal statements: the group's own policy tells whom the trust means.
      const groups = granted.toSorted((a, b) => Number(used.has(a)) - Number(used.has(b)));
      const draft = this.#readStatement(account, statement, groups, expires);
      used.add(draft['group']);
      return draft;
    });
  }

  #readStatement(account: FoundAccount, statement: Statement, groups: readonly string[], expires: unknown): TrustDraft {
    const wanted = canonicalDocument(single(statement));
    const key = JSON.stringify([account.name, groups, expires, wanted]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { found, providers } = this.#parts;
    const context = { found, groups, providerOf: (name: string) => providers.keyOf(name) };
    const draft =
      trustProposals(context, statement).find(
        (it) => this.#compiles(account, it, expires, isWide(statement)) === wanted,
      ) ?? rawTrust(statement);
    if ('statement' in draft) this.raw++;
    this.#known.set(key, draft);
    return draft;
  }

  #compiles(account: FoundAccount, draft: TrustDraft, expires: unknown, wide: boolean): string | undefined {
    const definition = this.#definition;
    if (definition === undefined) return undefined;
    const { found, now } = this.#parts;
    const { role: named } = draft;
    // AWS lets a role demand an audience that its provider does not take; a definition does not.
    if (untakenAudiences(definition, draft, account.name).length > 0) return undefined;
    const entry = typeof named === 'string' ? { ...draft, role: this.#paths.get(named) ?? named } : draft;
    try {
      const trust = Array.from({ length: wide ? crowd : 1 }, () => entry);
      const role = { in: [account.name], trust, expires } as unknown as RoleEntry;
      const scope = {
        definition,
        partition: found.partition,
        account: account.name,
        accountId: account.id,
        now,
      };
      const { document } = compileTrust(scope, role);
      return canonicalDocument(single(document.Statement[0]!));
    } catch (error) {
      // A proposal may name what the definition does not hold; it is then no proposal. Coded refusals are such, too.
      if (isFailure(error) || error instanceof TypeError) return undefined;
      throw error;
    }
  }
}
