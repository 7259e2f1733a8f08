// Identity providers of all accounts as entries: those that one entry made, or that are one issuer or metadata.
import { createHash } from 'node:crypto';
import { accountsOfProvider } from '../compile-providers.ts';
import type { Definition } from '../model.ts';
import type { SeenResource } from '../resources.ts';
import { type Entry, type Found, type FoundAccount, isKey } from './found.ts';
import { markedMembers, ownKey } from './owned.ts';
import { entryKey } from './permissions.ts';
import { foreignTags } from './role-drafts.ts';
import { usualAudiences } from '../variation.ts';
import { commonTags, freeKey } from './roles.ts';
import { selectorFor } from './selectors.ts';
import { variedEntry } from './varied.ts';

type Provider = Extract<SeenResource, { kind: 'oidc-provider' | 'saml-provider' }>;

interface Draft {
  readonly account: FoundAccount;
  readonly provider: Provider;
  readonly own: string | undefined;
  readonly entry: Entry;
}

export interface Providers {
  /** Entries of `providers` by name. */
  readonly entries: Readonly<Record<string, Entry>>;
  /** The name of the entry of an issuer, or of `ACCOUNT-ID NAME` for a SAML provider. */
  keyOf(name: string): string | undefined;
  /** The name of the entry of a provider of an account. */
  entryOf(account: string, provider: { readonly kind: string; readonly name: string }): string | undefined;
}

/** `token.actions.githubusercontent.com` becomes `github`, a cluster of EKS `eks-REGION-ID`, any other its own address. */
function issuerKey(name: string): string {
  if (name === 'token.actions.githubusercontent.com') return 'github';
  const [, region, id] = /^oidc\.eks\.([\w-]+)\.amazonaws\.com(?:\.cn)?\/id\/(\w+)$/.exec(name) ?? [];
  if (id !== undefined) return `eks-${region}-${id.slice(0, 8).toLowerCase()}`;
  const spelt = name.replaceAll(/[^A-Za-z0-9_.-]/g, '-').replace(/^(?![A-Za-z])/, 'p');
  if (spelt === name && spelt.length <= 48) return spelt;
  // Other spellings and lengths could be those of another issuer: its hash tells them apart.
  return `${spelt.slice(0, 48)}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
}

/** What the entry of one account says beside its place. */
function membersOf(found: Found, provider: Provider): Entry {
  const tags = foreignTags(provider.tags);
  const more = {
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...markedMembers(found, provider.tags),
  };
  if (provider.kind === 'saml-provider') return { saml: provider.metadata, ...more };
  const { clientIds, thumbprints, name } = provider;
  return {
    issuer: `https://${name}`,
    audiences: clientIds.toSorted(),
    ...(thumbprints.length === 0 ? {} : { thumbprints }),
    ...more,
  };
}

const isProvider = (it: SeenResource): it is SeenResource & Provider =>
  it.kind === 'oidc-provider' || it.kind === 'saml-provider';

/** An issuer has one entry in a definition; SAML providers share one where their metadata is the same. */
const pileKey = ({ provider, own, entry }: Draft): string =>
  provider.kind === 'oidc-provider' ? provider.name : entryKey([own ?? null, provider.name, entry]);

/** Members that `per` of a provider takes. */
const varying = ['audiences', 'thumbprints', 'tags'];

/** What the accounts say of one provider, with `per` for those that say otherwise. */
function sharedEntry(list: readonly Draft[]): Entry {
  // Tags of others that are not the same everywhere are left to them.
  const own = list.some((it) => it.own !== undefined);
  const tags = own ? undefined : commonTags(list.map(({ entry }) => entry));
  const variants = list.map(({ account, entry }) => ({
    account,
    members: own ? entry : { ...entry, tags },
  }));
  const { tags: _tags, ...first } = list[0]!.entry;
  const { per, ...varied } = variedEntry(variants, varying);
  const plain = per === undefined && entryKey(varied['audiences'] ?? null) === entryKey(usualAudiences);
  const said = Object.entries({ ...first, audiences: undefined, thumbprints: undefined, ...varied, per });
  return Object.fromEntries(said.filter(([name, value]) => value !== undefined && !(plain && name === 'audiences')));
}

/** Reads the providers of all accounts. */
export function readProviders(found: Found): Providers {
  const drafts = found.accounts.flatMap((account) =>
    account.resources.filter(isProvider).map((provider): Draft => ({
      account,
      provider,
      own: ownKey(found, provider.tags, 'provider'),
      entry: membersOf(found, provider),
    })),
  );
  const keys = new Map<string, string>();
  const places = new Map<string, string>();
  const entries: Record<string, Entry> = {};
  const taken = new Set<string>();
  for (const list of Map.groupBy(drafts, pileKey).values()) {
    const { provider, account } = list[0]!;
    const own = list.find((it) => it.own !== undefined)?.own;
    const wished = own ?? (provider.kind === 'oidc-provider' ? issuerKey(provider.name) : provider.name);
    const key = freeKey(wished, account.name, taken, isKey);
    taken.add(key.toLowerCase());
    for (const it of list) {
      places.set(`${it.account.name} ${it.provider.kind}/${it.provider.name}`, key);
      keys.set(provider.kind === 'oidc-provider' ? provider.name : `${it.account.id} ${provider.name}`, key);
    }
    const named = provider.kind === 'saml-provider' && provider.name !== key ? { name: provider.name } : {};
    entries[key] = {
      in: selectorFor(found.accounts, new Set(list.map((it) => it.account.name))),
      ...named,
      ...sharedEntry(list),
    };
  }
  return {
    entries,
    keyOf: (name) => keys.get(name),
    entryOf: (account, { kind, name }) => places.get(`${account} ${kind}/${name}`),
  };
}

/** The entries without the `in` that the trust of roles says by itself. */
export function withoutPlainPlaces(entries: Readonly<Record<string, Entry>>, definition: Definition): Entry {
  return Object.fromEntries(
    Object.entries(entries).map(([key, entry]) => {
      const provider = definition.providers?.[key];
      if (provider === undefined) return [key, entry];
      const { in: _in, ...rest } = provider;
      const same =
        accountsOfProvider(definition, key, rest).join() === accountsOfProvider(definition, key, provider).join();
      const { in: _place, ...bare } = entry;
      return [key, same ? bare : entry];
    }),
  );
}
