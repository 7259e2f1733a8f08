// Facts about principals with their own account put aside, so that the same policies in many accounts are looked at
// once. Documents are read and compared once each, however many carry them.
import type { NamedDocument, PolicyJson } from './details.ts';
import type { Facts } from './grants.ts';

/** Stands for the account of the principal. */
export const anyAccount = '000000000000';

interface Known {
  readonly text: string;
  readonly namesAccounts: boolean;
}

export class LocalFacts {
  readonly #read = new WeakMap<PolicyJson, Known>();
  readonly #ids = new Map<string, number>();
  readonly #documents: PolicyJson[] = [];
  readonly #personal: boolean[] = [];

  /** A text that is equal for facts that are the same but for the account. */
  keyOf({ policies, boundary, scps }: Facts, account: string): string {
    const one = (it: NamedDocument): string => this.#label(it, account);
    return JSON.stringify([
      policies.map(one),
      boundary === undefined ? null : one(boundary),
      scps.map((level) => level.map(one)),
    ]);
  }

  /** The facts with `anyAccount` in place of the account. */
  of({ policies, boundary, scps }: Facts, account: string): Facts {
    const one = (it: NamedDocument): NamedDocument => {
      const labels = JSON.parse(
        JSON.stringify({ name: it.name, arn: it.arn }).replaceAll(account, anyAccount),
      ) as object;
      return it.document === undefined
        ? { ...labels, unknown: true }
        : { ...labels, document: this.#documents[this.#id(it.document, account)]! };
    };
    return {
      policies: policies.map(one),
      boundary: boundary && one(boundary),
      scps: scps.map((level) => level.map(one)),
    };
  }

  /** Whether some policy asks who the principal is. */
  isPersonal({ policies, boundary, scps }: Facts, account: string): boolean {
    return [...policies, ...(boundary === undefined ? [] : [boundary]), ...scps.flat()].some(
      ({ document }) => document !== undefined && this.#personal[this.#id(document, account)] === true,
    );
  }

  #label({ name, arn, document }: NamedDocument, account: string): string {
    const label = `${name ?? ''} ${arn ?? ''}`.replaceAll(account, anyAccount);
    return document === undefined ? `${label} unknown` : `${label} ${this.#id(document, account)}`;
  }

  #id(document: PolicyJson, account: string): number {
    const known = this.#read.get(document) ?? this.#readOnce(document);
    const text = known.namesAccounts ? known.text.replaceAll(account, anyAccount) : known.text;
    const id = this.#ids.get(text);
    if (id !== undefined) return id;
    this.#ids.set(text, this.#documents.length);
    this.#documents.push(text === known.text ? document : (JSON.parse(text) as PolicyJson));
    this.#personal.push(personal.test(text));
    return this.#documents.length - 1;
  }

  #readOnce(document: PolicyJson): Known {
    const text = JSON.stringify(document);
    const known = { text, namesAccounts: /\d{12}/.test(text) };
    this.#read.set(document, known);
    return known;
  }
}

const personal = /aws:(?:username|userid|principalarn|principaltag)/i;
