// What calls do to identity providers and guard rails, told on paper: the part of `simulate` for things that carry no
// policies.
import type { Json } from '../base/index.ts';
import type { AccountState, Effect } from './simulate.ts';
import { resourceKey, type Document, type SeenResource, type Tags } from './resources.ts';

type Input = Readonly<Record<string, Json>>;
type Of<Kind extends SeenResource['kind']> = Extract<SeenResource, { readonly kind: Kind }>;
type Change = (state: AccountState, input: Input) => Effect;
type Kind = 'oidc-provider' | 'saml-provider' | 'organization-policy';

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const texts = (value: Json | undefined): string[] => ((value ?? []) as Json[]).map(text);
const tagsOf = (value: Json | undefined): Tags =>
  Object.fromEntries(((value ?? []) as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]));

/** The name that a call means: that of a guard rail, or what a provider's ARN ends in. */
function nameIn(kind: Kind, input: Input): string {
  if (kind === 'organization-policy') return text(input['PolicyName']);
  const arn = text(input[kind === 'oidc-provider' ? 'OpenIDConnectProviderArn' : 'SAMLProviderArn']);
  return arn.slice(arn.indexOf('/') + 1);
}

const put = (state: AccountState, resource: SeenResource): Effect => ({
  state: new Map(state).set(resourceKey(resource), resource),
});

function change<K extends Kind>(kind: K, alter: (had: Of<K>, input: Input) => object): Change {
  return (state, input) => {
    const had = state.get(resourceKey({ kind, name: nameIn(kind, input) })) as Of<K> | undefined;
    return had === undefined ? { unknown: 'absent' } : put(state, { ...had, ...alter(had, input) });
  };
}

/** Makes a thing; of one that is there it says what the call would have said. */
function create(make: (input: Input) => SeenResource): Change {
  return (state, input) => {
    const made = make(input);
    return put(state, { ...state.get(resourceKey(made)), ...made });
  };
}

function remove<K extends Kind>(kind: K, inUse: (had: Of<K>) => boolean = () => false): Change {
  return (state, input) => {
    const key = resourceKey({ kind, name: nameIn(kind, input) });
    const had = state.get(key) as Of<K> | undefined;
    if (had !== undefined && inUse(had)) return { unknown: 'in-use' };
    const next = new Map(state);
    next.delete(key);
    return { state: next };
  };
}

const tagging = (kind: Kind): { readonly tag: Change; readonly untag: Change } => ({
  tag: change(kind, ({ tags }, input) => ({ tags: { ...tags, ...tagsOf(input['Tags']) } })),
  untag: change(kind, ({ tags }, input) => {
    const gone = texts(input['TagKeys']);
    return { tags: Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.includes(key))) };
  }),
});

const oidcChanges: Record<string, Change> = {
  createOpenIDConnectProvider: create((input) => ({
    kind: 'oidc-provider',
    name: text(input['Url']).replace(/^https:\/\//, ''),
    clientIds: texts(input['ClientIDList']),
    thumbprints: texts(input['ThumbprintList']),
    tags: tagsOf(input['Tags']),
  })),
  addClientIDToOpenIDConnectProvider: change('oidc-provider', ({ clientIds }, input) => ({
    clientIds: [...new Set([...clientIds, text(input['ClientID'])])],
  })),
  removeClientIDFromOpenIDConnectProvider: change('oidc-provider', ({ clientIds }, input) => ({
    clientIds: clientIds.filter((id) => id !== input['ClientID']),
  })),
  updateOpenIDConnectProviderThumbprint: change('oidc-provider', (_, input) => ({
    thumbprints: texts(input['ThumbprintList']),
  })),
  deleteOpenIDConnectProvider: remove('oidc-provider'),
  tagOpenIDConnectProvider: tagging('oidc-provider').tag,
  untagOpenIDConnectProvider: tagging('oidc-provider').untag,
};

const samlChanges: Record<string, Change> = {
  createSAMLProvider: create((input) => ({
    kind: 'saml-provider',
    name: text(input['Name']),
    metadata: text(input['SAMLMetadataDocument']),
    tags: tagsOf(input['Tags']),
  })),
  updateSAMLProvider: change('saml-provider', (_, input) => ({ metadata: text(input['SAMLMetadataDocument']) })),
  deleteSAMLProvider: remove('saml-provider'),
  tagSAMLProvider: tagging('saml-provider').tag,
  untagSAMLProvider: tagging('saml-provider').untag,
};

const contentOf = (input: Input): object => ({
  document: JSON.parse(text(input['Content']) || '{"Version":"2012-10-17","Statement":[]}') as Document,
  description: text(input['Description']),
});

/** Observing calls the root by that word, and everything else by its id where no path is known. */
const targetOf = (input: Input): string => {
  const id = text(input['TargetId']);
  return id.startsWith('r-') ? 'root' : id;
};

const guardrailChanges: Record<string, Change> = {
  'organizations.createPolicy': create(
    (input) =>
      ({
        kind: 'organization-policy',
        name: text(input['PolicyName']),
        type: text(input['Type']),
        targets: [],
        tags: tagsOf(input['Tags']),
        ...contentOf(input),
      }) as unknown as SeenResource,
  ),
  'organizations.updatePolicy': change('organization-policy', (_, input) => contentOf(input)),
  'organizations.attachPolicy': change('organization-policy', ({ targets }, input) => ({
    targets: [...new Set([...targets, targetOf(input)])].sort(),
  })),
  'organizations.detachPolicy': change('organization-policy', ({ targets }, input) => ({
    targets: targets.filter((it) => it !== targetOf(input)),
  })),
  'organizations.deletePolicy': remove('organization-policy', ({ targets }) => targets.length > 0),
  'organizations.tagResource': tagging('organization-policy').tag,
  'organizations.untagResource': tagging('organization-policy').untag,
  // Which kinds are switched on is no resource: what was switched on stays so.
  'organizations.enablePolicyType': (state) => ({ state }),
  'organizations.disablePolicyType': (state) => ({ state }),
};

/** By operation. */
export const sharedChanges: Readonly<Record<string, Change>> = { ...oidcChanges, ...samlChanges, ...guardrailChanges };
