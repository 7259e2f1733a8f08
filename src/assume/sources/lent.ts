// Credentials that a server lends. How the server is asked is the business of whoever made the source.
import type { SourceKind } from './source.ts';

export const lentSource: SourceKind<'lent'> = {
  // A lease is not taken twice.
  kept: true,
  identity: ({ server, path, borrower, ttlSeconds, sessionName }) => ({
    lent: path,
    server,
    borrower,
    ttlSeconds,
    sessionName,
  }),
  read: ({ borrow, ttlSeconds, sessionName }) => borrow({ ttlSeconds, sessionName }),
};
