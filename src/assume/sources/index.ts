// The table of sources: one row per kind, each in a file of its own. What is slow to load is loaded by `read`.
import type { Credentials, Source } from '../model.ts';
import { runCredentialProcess } from './credential-process.ts';
import type { SourceKind, SourceTools } from './source.ts';

export type { SourceTools } from './source.ts';

const kinds: { readonly [Kind in Source['kind']]: SourceKind<Kind> } = {
  keys: {
    kept: false,
    identity: ({ credentials }) => ({ keys: credentials.accessKeyId }),
    read: async ({ credentials }) => credentials,
  },
  process: {
    kept: false,
    identity: ({ command, profile }) => ({ process: command, profile }),
    read: (source, { env, clock }) => runCredentialProcess(source, env, clock),
  },
};

/** The row of a source. */
function kindOf<Kind extends Source['kind']>(source: { readonly kind: Kind }): SourceKind<Kind> {
  return kinds[source.kind];
}

/** What makes the source different from others, for the identity of a request. */
export function sourceIdentity(source: Source): Readonly<Record<string, unknown>> {
  return kindOf(source).identity(source);
}

/** True when the source's own credentials are a session to be kept. */
export function isKeptSource(source: Source): boolean {
  return kindOf(source).kept;
}

/** The credentials of the source. @throws the failures of its kind. */
export function readSource(source: Source, tools: SourceTools): Promise<Credentials> {
  return kindOf(source).read(source, tools);
}
