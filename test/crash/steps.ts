// What a test and a server loaded with points.ts tell each other.

export type ToServer = { readonly ask: 'steps' } | { readonly ask: 'arm'; readonly killAt: number };

export interface FromServer {
  /** Since it was armed, in their order. */
  readonly steps: readonly string[];
}
