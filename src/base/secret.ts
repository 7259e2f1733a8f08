// A secret that cannot be printed by accident.

const shown = '[secret]';

/** Holds a secret. Every implicit way to text prints `[secret]`; `reveal()` is the only way out and easy to search for. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  // SECURITY: call it only where the secret leaves on purpose (a signature, a response, an encrypted record).
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return shown;
  }
}
