// The typed door: the same definition, in which a mistyped account, stage, group, person, policy, role or provider does
// not compile.
import type { DefinitionInput } from './model.ts';

type ReadonlyDeep<T> = T extends object ? { readonly [K in keyof T]: ReadonlyDeep<T[K]> } : T;
type Plain<Key extends keyof DefinitionInput> = ReadonlyDeep<NonNullable<DefinitionInput[Key]>>;
type Entry<Key extends 'accounts' | 'policies' | 'groups' | 'people' | 'roles' | 'guardrails' | 'providers'> =
  ReadonlyDeep<NonNullable<DefinitionInput[Key]>[string]>;
type StatementInput = NonNullable<Entry<'groups'>['statements']>[number];
type TrustInput = Entry<'roles'>['trust'][number];
type VariantInput = NonNullable<Entry<'roles'>['per']>[number];

/** The names that a definition declares, by kind. */
interface Names {
  readonly account: string;
  readonly stage: string;
  readonly policy: string;
  readonly group: string;
  readonly person: string;
  readonly role: string;
  readonly provider: string;
}

type In<N extends Names> =
  | readonly N['account'][]
  | {
      readonly name?: string | readonly string[];
      readonly stage?: N['stage'] | readonly N['stage'][];
      readonly ou?: string | readonly string[];
      readonly tag?: Readonly<Record<string, string>>;
      readonly except?: readonly N['account'][];
    };

interface Narrowed<N extends Names> {
  readonly only?: readonly N['account'][];
  readonly except?: readonly N['account'][];
}

type Statements<N extends Names> = readonly (Omit<StatementInput, 'only' | 'except'> & Narrowed<N>)[];

interface Permissions<N extends Names> {
  readonly policies?: readonly N['policy'][];
  readonly statements?: Statements<N>;
  readonly inline?: Readonly<Record<string, Statements<N>>>;
}

type Trust<N extends Names> = Omit<TrustInput, 'group' | 'person' | 'role' | 'account' | 'saml' | 'only' | 'except'> &
  Narrowed<N> & {
    readonly group?: N['group'];
    readonly person?: N['person'];
    readonly role?: N['role'] | `${N['account']}/${N['role']}`;
    readonly account?: N['account'] | `${number}`;
    readonly saml?: Omit<NonNullable<TrustInput['saml']>, 'provider'> & {
      readonly provider: N['provider'] | `arn:${string}`;
    };
  };

/** An entry with its permissions and its narrowing taken out and put back with literal names. */
type Carrier<Input, N extends Names> = Omit<Input, keyof Permissions<N> | keyof Narrowed<N>> &
  Permissions<N> &
  Narrowed<N>;

type Variant<N extends Names> = Omit<VariantInput, 'in' | 'trust' | keyof Permissions<N>> &
  Permissions<N> & { readonly in: In<N>; readonly trust?: readonly Trust<N>[] };

type RoleInput<N extends Names> = Omit<Carrier<Entry<'roles'>, N>, 'in' | 'trust' | 'per'> & {
  readonly in: In<N>;
  readonly trust: readonly Trust<N>[];
  readonly per?: readonly Variant<N>[];
};

type ProviderVariant<N extends Names> = Omit<NonNullable<Entry<'providers'>['per']>[number], 'in'> & {
  readonly in: In<N>;
};

/** A definition whose names are literal types. */
export interface TypedDefinition<
  Account extends string,
  Stage extends string,
  Policy extends string,
  Group extends string,
  Person extends string,
  Role extends string,
  Provider extends string,
  // What declares names infers them; what uses them does not.
  N extends Names = {
    readonly account: NoInfer<Account>;
    readonly stage: NoInfer<Stage>;
    readonly policy: NoInfer<Policy>;
    readonly group: NoInfer<Group>;
    readonly person: NoInfer<Person>;
    readonly role: NoInfer<Role>;
    readonly provider: NoInfer<Provider>;
  },
> extends ReadonlyDeep<
  Pick<
    DefinitionInput,
    | '$schema'
    | 'version'
    | 'name'
    | 'organization'
    | 'partition'
    | 'executor'
    | 'variables'
    | 'defaults'
    | 'lendables'
    | 'outputs'
  >
> {
  readonly accounts: Readonly<Record<Account, Omit<Entry<'accounts'>, 'stage'> & { readonly stage: Stage }>>;
  readonly stages?: readonly NoInfer<Stage>[];
  readonly policies?: Readonly<
    Record<
      Policy,
      Omit<Entry<'policies'>, 'statements' | keyof Narrowed<N>> & Narrowed<N> & { readonly statements: Statements<N> }
    >
  >;
  readonly groups?: Readonly<Record<Group, Carrier<Entry<'groups'>, N>>>;
  readonly people?: Readonly<
    Record<Person, Omit<Carrier<Entry<'people'>, N>, 'groups'> & { readonly groups?: readonly N['group'][] }>
  >;
  readonly roles?: Readonly<Record<Role, RoleInput<N>>>;
  readonly providers?: Readonly<
    Record<
      Provider,
      Omit<Entry<'providers'>, 'in' | 'per' | keyof Narrowed<N>> &
        Narrowed<N> & { readonly in?: In<N>; readonly per?: readonly ProviderVariant<N>[] }
    >
  >;
  readonly passwordPolicy?: Omit<Plain<'passwordPolicy'>, 'in' | keyof Narrowed<N>> &
    Narrowed<N> & { readonly in: In<N> };
  readonly guardrails?: Readonly<
    Record<
      string,
      Omit<Entry<'guardrails'>, 'on' | keyof Narrowed<N>> & Narrowed<N> & { readonly on: In<N> | 'organization' }
    >
  >;
}

/**
 * Returns the definition as it is; its worth is the types: names of accounts, stages, groups, people, policies, roles
 * and providers that the definition does not declare do not compile. Use it as the default export of `stint.config.ts`.
 */
export function defineAccess<
  const Account extends string,
  const Stage extends string,
  const Policy extends string = never,
  const Group extends string = never,
  const Person extends string = never,
  const Role extends string = never,
  const Provider extends string = never,
>(
  definition: TypedDefinition<Account, Stage, Policy, Group, Person, Role, Provider>,
): TypedDefinition<Account, Stage, Policy, Group, Person, Role, Provider> {
  return definition;
}
