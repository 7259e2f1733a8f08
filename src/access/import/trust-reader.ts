// Trust statements read back into entries: of what is proposed, what compiles to the very same.
import { isFailure } from '../../base/index.ts';
import { canonicalDocument } from '../documents.ts';
import type { Definition, RoleEntry } from '../model.ts';
import type { RoleResource, Statement } from '../resources.ts';
import { compileTrust } from '../trust.ts';
import { isRole, type Found, type FoundAccount } from './found.ts';
import { isKey, type Entry } from './frame.ts';
import { parsed, soundDefinition } from './sound.ts';
import { rawTrust, trustProposals, type TrustDraft } from './trust.ts';

/** Compiles proposals for trust statements; answers the first that comes to the same. */
export class TrustReader {
  readonly #found: Found;
  readonly #definition: Definition | undefined;
  readonly #known = new Map<string, TrustDraft>();
  /** How many statements no entry says. */
  raw = 0;

  constructor(found: Found, frame: Entry) {
    this.#found = found;
    const names = found.accounts.flatMap(({ resources }) => resources.filter(isRole));
    const stub = (role: RoleResource): Entry => ({
      in: found.accounts.map(({ name }) => name),
      trust: [{ service: 'ec2.amazonaws.com' }],
      path: role.path,
    });
    const roles = Object.fromEntries(names.filter(({ name }) => isKey(name)).map((role) => [role.name, stub(role)]));
    // What cannot be in a definition is nothing that trust could be said by.
    this.#definition = parsed(found, soundDefinition(found, { ...frame, roles }).definition);
  }

  read(account: FoundAccount, statement: Statement): TrustDraft {
    const document = { Version: '2012-10-17', Statement: [statement] } as const;
    const wanted = canonicalDocument(document);
    const key = `${account.name} ${wanted}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const context = { found: this.#found, accountId: account.id };
    const draft =
      trustProposals(context, statement).find((it) => this.#compiles(account, it) === wanted) ?? rawTrust(statement);
    if ('statement' in draft) this.raw++;
    this.#known.set(key, draft);
    return draft;
  }

  #compiles(account: FoundAccount, draft: TrustDraft): string | undefined {
    const definition = this.#definition;
    if (definition === undefined) return undefined;
    try {
      const role = { in: [account.name], trust: [draft] } as unknown as RoleEntry;
      // At the beginning of time nothing has ended: what was found is compared whole.
      const scope = {
        definition,
        partition: this.#found.partition,
        account: account.name,
        accountId: account.id,
        now: 0,
      };
      return canonicalDocument(compileTrust(scope, role).document);
    } catch (error) {
      // A proposal may name what the definition does not hold; it is then no proposal. Coded refusals are such, too.
      if (isFailure(error) || error instanceof TypeError) return undefined;
      throw error;
    }
  }
}
