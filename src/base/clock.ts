// Time as an argument. Everything that asks "what time is it" takes a `Clock`; the embedded AWS and
// the development server take an `AdjustableClock`, so that half an hour can pass in a moment.

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Millis = number;

export interface Clock {
  now(): Millis;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that people may freeze, advance or set. It runs at the speed of `base` unless frozen. */
export class AdjustableClock implements Clock {
  readonly #base: Clock;
  readonly #listeners = new Set<() => void>();
  #offset: Millis = 0;
  #frozenAt: Millis | undefined;

  constructor(base: Clock = systemClock) {
    this.#base = base;
  }

  now(): Millis {
    return this.#frozenAt ?? this.#base.now() + this.#offset;
  }

  get frozen(): boolean {
    return this.#frozenAt !== undefined;
  }

  advance(by: Millis): void {
    this.set(this.now() + by);
  }

  set(to: Millis): void {
    if (this.#frozenAt === undefined) this.#offset = to - this.#base.now();
    else this.#frozenAt = to;
    this.#tell();
  }

  freeze(frozen: boolean): void {
    if (frozen === this.frozen) return;
    const now = this.now();
    this.#frozenAt = frozen ? now : undefined;
    this.#offset = now - this.#base.now();
    this.#tell();
  }

  /** Back to the base clock's time, running. */
  reset(): void {
    this.#offset = 0;
    this.#frozenAt = undefined;
    this.#tell();
  }

  /** Calls `listener` after every move, so that a waiting sweeper can look again. Returns the way to stop. */
  onMove(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** `2026-01-01T00:00:00Z`: UTC, no fraction, always `Z`, the one form every AWS SDK parses. */
export function isoSeconds(millis: Millis): string {
  return new Date(millis).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
