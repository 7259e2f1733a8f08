// Requests and responses as the protocols see them, independent of Node's server.

export interface HttpRequest {
  readonly method: string;
  /** As received, still percent-encoded, without the query. */
  readonly path: string;
  /** As received, without `?`; empty when there is none. */
  readonly query: string;
  /** Lower-case names; repeated headers joined by `,`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly remoteAddress: string;
  readonly secure: boolean;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

/** Names of this machine as `URL` has them: `localhost`, what ends in `.localhost` (RFC 6761), and loopback addresses. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(hostname);
}
