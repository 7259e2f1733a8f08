// The table of sources: one row per kind, each in a file of its own. What is slow to load is loaded by `read`.
import type { Credentials, IdentityToken, Source } from '../model.ts';
import { runCredentialProcess } from './credential-process.ts';
import { lentSource } from './lent.ts';
import { thisMachine } from './machine.ts';
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
  'web-identity': {
    kept: false,
    identity: ({ token, subject }) => ({ webIdentity: token, subject }),
    read: async (source, tools) => (await import('./web-identity.ts')).readIdentityToken(source, tools),
  },
  instance: {
    kept: false,
    identity: ({ url }) => ({ instance: url, machine: thisMachine() }),
    // An address that somebody chose may be another instance's tomorrow.
    isNameless: ({ isChosen }) => isChosen,
    read: async (source, tools) => (await import('./instance.ts')).readInstance(source, tools),
  },
  container: {
    kept: false,
    identity: ({ url, subject }) => ({ container: url, subject }),
    isNameless: ({ subject }) => subject === undefined,
    read: async (source, tools) => (await import('./container.ts')).readContainer(source, tools),
  },
  sso: {
    kept: true,
    identity: ({ session: { name, startUrl, region, portalUrl }, accountId, roleName }) => ({
      sso: { name, startUrl, region, portalUrl, accountId, roleName },
    }),
    read: async (source, tools) => (await import('./sso.ts')).readSso(source, tools),
  },
  login: {
    // Its own file keeps it, for every tool.
    kept: false,
    identity: ({ loginSession }) => ({ login: loginSession }),
    read: async (source, tools) => (await import('./login.ts')).readLoginSession(source, tools),
  },
  lent: lentSource,
};

/** The row of a source. */
function kindOf<Kind extends Source['kind']>(source: { readonly kind: Kind }): SourceKind<Kind> {
  return kinds[source.kind];
}

/** What makes the source different from others, for the identity of a request. */
export function sourceIdentity(source: Source): Readonly<Record<string, unknown>> {
  return kindOf(source).identity(source);
}

/** True when nothing tells the source from another that may stand in its place: nothing that came of it may be kept. */
export function isNameless(source: Source): boolean {
  return kindOf(source).isNameless?.(source) === true;
}

/** True when the source's own credentials are a session to be kept. */
export function isKeptSource(source: Source): boolean {
  return kindOf(source).kept;
}

/** The credentials of the source, or the token that takes their place. @throws the failures of its kind. */
export function readSource(source: Source, tools: SourceTools): Promise<Credentials | IdentityToken> {
  return kindOf(source).read(source, tools);
}
