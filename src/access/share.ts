// Equal parts as one object. In hundreds of accounts the same roles have the same documents, tags and calls: held once
// for each account they were most of what a run over 200 accounts kept in memory.
import { parseDocument } from './documents.ts';
import type { Document, Resource } from './resources.ts';

/** What JSON has of it is all there is of it, and nobody changes it. */
type Plain = string | object;

/** The first of every set of equal values. Lives as long as one look at a definition, at AWS, or at a plan. */
export class Shared {
  readonly #held = new Map<string, Plain>();

  /** The value that was given first among those with the same JSON. */
  of<Value extends Plain>(value: Value): Value {
    return this.from(JSON.stringify(value), () => value);
  }

  /** What `make` made of the text when it was given first. One `make` for one `Shared`. */
  from<Value extends Plain>(text: string, make: (text: string) => Value): Value {
    const known = this.#held.get(text);
    if (known !== undefined) return known as Value;
    const made = make(text);
    this.#held.set(text, made);
    return made;
  }

  /** A wanted resource that is equal in many accounts; where only parts of it are, its parts. */
  resource(resource: Resource): Resource {
    return this.from(JSON.stringify(resource), () => {
      const parts = Object.entries(resource).map(([key, part]: [string, unknown]) => [
        key,
        typeof part === 'object' && part !== null ? this.of(part) : part,
      ]);
      return Object.fromEntries(parts) as Resource;
    });
  }
}

/** What a look at many accounts shares. */
export class SharedParts {
  readonly #documents = new Shared();
  readonly #plain = new Shared();

  /** A document as AWS hands it out. */
  document(text: string | undefined): Document {
    return this.#documents.from(text ?? '', () => parseDocument(text));
  }

  of<Value extends Plain>(value: Value): Value {
    return this.#plain.of(value);
  }
}
