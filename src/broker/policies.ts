// Stored ACL policies, written in HCL or in JSON. Their text is kept as written. Every change moves
// the epoch, one small record that a request reads to know whether what it compiled still holds, so
// that every node follows a change at once.
import type { Clock, Millis } from '../base/index.ts';
import type { NamedRules } from './acl-index.ts';
import type { Barrier, Stored } from './barrier.ts';
import { builtInTexts, defaultText } from './default-policies.ts';
import { brokerFailure } from './failures.ts';
import { fillTemplate, type TemplateIdentity, type TemplateLimits } from './policy-template.ts';
import { parsePolicy, type ParsedPolicy } from './policy-text.ts';
import { absent, type Version } from './storage/store.ts';

export interface Policy extends TemplateLimits {
  readonly version: 2;
  readonly name: string;
  readonly text: string;
  /** Counts the writes; `cas` is compared with it. */
  readonly dataVersion: number;
  readonly casRequired: boolean;
  readonly modifiedAt: Millis | null;
  /** From then on there is no such policy. */
  readonly expiresAt: Millis | null;
}

/** What a write sets; what is left out keeps its value in a patch and is reset by anything else. */
export interface PolicyChange {
  readonly text?: string | undefined;
  readonly casRequired?: boolean | undefined;
  readonly allowSlashes?: boolean | undefined;
  readonly allowWildcards?: boolean | undefined;
  readonly expiresAt?: Millis | null | undefined;
  /** The version that must be the present one; -1: there must be none. */
  readonly cas?: number | undefined;
}

const epochKey = 'epoch/policies';
const immutable = ['root', 'response-wrapping'];
const longestKey = 512;
/** Parsed policies that are kept; a server has seldom more. */
const parsedKept = 4096;

export class Policies {
  readonly #barrier: Barrier;
  readonly #clock: Clock;
  readonly #parsed = new Map<string, { readonly version: Version; readonly parsed: ParsedPolicy }>();

  constructor(barrier: Barrier, clock: Clock) {
    this.#barrier = barrier;
    this.#clock = clock;
  }

  /** Writes `default` where there is none. Called when the store is opened. */
  async ensureDefault(): Promise<void> {
    const policy = this.#changed('default', undefined, { text: defaultText });
    await this.#barrier.commit([{ key: keyOf('default'), value: policy, expect: absent }]);
  }

  /** Moves with every change of a policy. */
  epoch(): Promise<Version> {
    return this.#barrier.version(epochKey);
  }

  /** Names as Vault lists them: in order, `root` last and without the one of response wrapping. */
  async names(prefix = ''): Promise<readonly string[]> {
    const found = await this.#all(keyOf(prefix));
    const names = found.filter((policy) => this.#lives(policy)).map(({ name }) => name);
    return prefix === '' ? [...names, 'root'] : names;
  }

  async get(given: string): Promise<Policy | undefined> {
    const name = plainName(given);
    if (Object.hasOwn(builtInTexts, name)) return builtIn(name);
    const found = await this.#stored(name);
    if (found === undefined || this.#lives(found.value)) return found?.value;
    await this.#barrier.commit([{ key: found.key, value: undefined, expect: found.version }]);
    return undefined;
  }

  async exists(name: string): Promise<boolean> {
    return (await this.get(name)) !== undefined;
  }

  /**
   * The rules of the policies of these names, for this caller, and whether they depend on who that
   * is. A name without a policy allows nothing.
   */
  async rules(
    names: readonly string[],
    identity: TemplateIdentity | undefined,
  ): Promise<{ readonly policies: readonly NamedRules[]; readonly templated: boolean }> {
    const loaded = await Promise.all(names.map(async (name) => this.#load(plainName(name))));
    const found = loaded.filter((one) => one !== undefined);
    return {
      policies: found.map(({ policy, parsed }) => ({ name: policy.name, rules: fill(parsed, policy, identity) })),
      templated: found.some(({ parsed }) => parsed.templated),
    };
  }

  async #load(name: string): Promise<{ readonly policy: Policy; readonly parsed: ParsedPolicy } | undefined> {
    if (Object.hasOwn(builtInTexts, name)) {
      const policy = builtIn(name);
      return { policy, parsed: parsePolicy(policy.text) };
    }
    const stored = await this.#stored(name);
    if (stored === undefined || !this.#lives(stored.value)) return undefined;
    const kept = this.#parsed.get(name);
    if (kept?.version === stored.version) return { policy: stored.value, parsed: kept.parsed };
    const parsed = parsePolicy(stored.value.text);
    if (this.#parsed.size >= parsedKept) this.#parsed.clear();
    this.#parsed.set(name, { version: stored.version, parsed });
    return { policy: stored.value, parsed };
  }

  /**
   * Stores a policy, durable when resolved; answers what its author should know.
   * @throws Failure `policy-invalid` with the place of the error, or because of `cas`.
   */
  async write(given: string, change: PolicyChange, patch = false): Promise<readonly string[]> {
    const name = plainName(given);
    if (immutable.includes(name)) throw brokerFailure('policy-invalid', `cannot update "${name}" policy`);
    const key = keyOf(name);
    if (name === '' || key.length > longestKey) {
      throw brokerFailure('policy-invalid', 'the name of a policy has at most 500 characters');
    }
    for (;;) {
      const found = await this.#stored(name);
      const before = found !== undefined && this.#lives(found.value) ? found : undefined;
      if (patch && before === undefined) throw brokerFailure('policy-unknown', 'policy not found');
      checkCas(before?.value, change, patch);
      const policy = this.#changed(name, before?.value, patch ? { ...before!.value, ...given_(change) } : change);
      const { warnings } = parsePolicy(policy.text);
      const write = { key, value: policy, expect: found?.version ?? absent };
      if (await this.#barrier.commit([write, this.#moveEpoch()])) return warnings;
    }
  }

  /** @throws Failure `policy-invalid` for a policy that cannot be deleted. */
  async delete(given: string): Promise<void> {
    const name = plainName(given);
    if (immutable.includes(name)) throw brokerFailure('policy-invalid', `cannot delete "${name}" policy`);
    if (name === 'default') throw brokerFailure('policy-invalid', 'cannot delete default policy');
    await this.#barrier.commit([{ key: keyOf(name), value: undefined }, this.#moveEpoch()]);
  }

  #moveEpoch(): { readonly key: string; readonly value: null } {
    return { key: epochKey, value: null };
  }

  #changed(name: string, before: Policy | undefined, change: PolicyChange): Policy {
    return {
      version: 2,
      name,
      text: change.text ?? '',
      dataVersion: (before?.dataVersion ?? 0) + 1,
      casRequired: change.casRequired ?? false,
      allowSlashes: change.allowSlashes ?? false,
      allowWildcards: change.allowWildcards ?? false,
      modifiedAt: this.#clock.now(),
      expiresAt: change.expiresAt ?? null,
    };
  }

  async #all(prefix: string): Promise<readonly Policy[]> {
    const policies: Policy[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await this.#barrier.scan<StoredPolicy>(prefix, 1000, after);
      policies.push(...page.map(({ key, value }) => upgraded(nameOf(key), value)));
      if (page.length < 1000) return policies;
      after = page.at(-1)!.key;
    }
  }

  async #stored(name: string): Promise<Stored<Policy> | undefined> {
    const key = keyOf(name);
    // Tokens and entities may name policies that could not be written.
    const found = key.length > longestKey ? undefined : await this.#barrier.get<StoredPolicy>(key);
    return found === undefined ? undefined : { ...found, value: upgraded(name, found.value) };
  }

  #lives({ expiresAt }: Policy): boolean {
    return expiresAt === null || this.#clock.now() < expiresAt;
  }
}

type StoredPolicy = Policy | { readonly version: 1; readonly text: string };

function upgraded(name: string, stored: StoredPolicy): Policy {
  if (stored.version === 2) return stored;
  return { ...builtIn(name), text: stored.text };
}

function builtIn(name: string): Policy {
  return {
    version: 2,
    name,
    text: builtInTexts[name] ?? '',
    dataVersion: name === 'root' ? 0 : 1,
    casRequired: false,
    allowSlashes: false,
    allowWildcards: false,
    modifiedAt: null,
    expiresAt: null,
  };
}

/** What is given, without the members that are undefined. */
function given_(change: PolicyChange): PolicyChange {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

function checkCas(before: Policy | undefined, { cas, casRequired = false }: PolicyChange, patch: boolean): void {
  if (cas === undefined) {
    const required = (before?.casRequired ?? false) || casRequired;
    if (required && !patch) throw brokerFailure('policy-invalid', 'check-and-set parameter required for this call');
    return;
  }
  if (cas === -1 ? before === undefined : cas === (before?.dataVersion ?? 0)) return;
  throw brokerFailure(
    'policy-invalid',
    cas === -1
      ? 'check-and-set parameter set to -1 on existing entry'
      : 'check-and-set parameter did not match the current version',
  );
}

function fill(
  { rules, templated }: ParsedPolicy,
  limits: Pick<Policy, 'allowSlashes' | 'allowWildcards' | 'expiresAt'>,
  identity: TemplateIdentity | undefined,
): NamedRules['rules'] {
  // The rules of a policy end with it.
  const { expiresAt: until } = limits;
  const lasting =
    until === null ? rules : rules.map((rule) => ({ ...rule, expiresAt: earlier(rule.expiresAt, until) }));
  if (!templated) return lasting;
  return lasting.flatMap((rule) => {
    const path = rule.path.includes('{{') ? fillTemplate(rule.path, identity, limits) : rule.path;
    // SECURITY: `+*` may come to be by filling in; it would match what nobody wrote.
    return path === undefined || path.includes('+*') ? [] : [{ ...rule, path: path.replace(/^\//, '') }];
  });
}

function earlier(a: Millis | null | undefined, b: Millis): Millis {
  return typeof a === 'number' ? Math.min(a, b) : b;
}

// Keys of the store are printable ASCII; names of policies are any text.
function keyOf(name: string): string {
  return `policy/${name.toWellFormed().replaceAll(/[^ -$&-~]/gu, (character) => encodeURIComponent(character))}`;
}

function plainName(given: string): string {
  return given.trim().toLowerCase();
}

function nameOf(key: string): string {
  return decodeURIComponent(key.slice('policy/'.length));
}
