// The typed door: the same definition, in which a mistyped account, group, person or policy does not compile.
import type { DefinitionInput } from './model.ts';

type In<Names extends string> =
  | readonly Names[]
  | {
      readonly stage?: string | readonly string[];
      readonly ou?: string | readonly string[];
      readonly tag?: Readonly<Record<string, string>>;
      readonly except?: readonly Names[];
    };

type Plain<Key extends keyof DefinitionInput> = ReadonlyDeep<NonNullable<DefinitionInput[Key]>>;
type Entry<Key extends 'accounts' | 'policies' | 'groups' | 'people' | 'roles' | 'guardrails'> = ReadonlyDeep<
  NonNullable<DefinitionInput[Key]>[string]
>;
type ReadonlyDeep<T> = T extends object ? { readonly [K in keyof T]: ReadonlyDeep<T[K]> } : T;
type StatementInput = NonNullable<Entry<'groups'>['statements']>[number];
type TrustInput = Entry<'roles'>['trust'][number];

interface Narrowed<Account extends string> {
  readonly only?: readonly Account[];
  readonly except?: readonly Account[];
}

interface Permissions<Account extends string, Policy extends string> {
  readonly policies?: readonly Policy[];
  readonly statements?: readonly (Omit<StatementInput, 'only' | 'except'> & Narrowed<Account>)[];
}

type Trust<Account extends string, Group extends string, Person extends string> = Omit<
  TrustInput,
  'group' | 'person' | 'only' | 'except'
> &
  Narrowed<Account> & { readonly group?: Group; readonly person?: Person };

/** A definition whose names are literal types. */
export interface TypedDefinition<
  Account extends string,
  Stage extends string,
  Policy extends string,
  Group extends string,
  Person extends string,
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
      Omit<Entry<'policies'>, 'statements'> & Pick<Required<Permissions<NoInfer<Account>, never>>, 'statements'>
    >
  >;
  readonly groups?: Readonly<
    Record<Group, Omit<Entry<'groups'>, 'policies' | 'statements'> & Permissions<NoInfer<Account>, NoInfer<Policy>>>
  >;
  readonly people?: Readonly<
    Record<
      Person,
      Omit<Entry<'people'>, 'groups' | 'policies' | 'statements'> &
        Permissions<NoInfer<Account>, NoInfer<Policy>> & { readonly groups?: readonly NoInfer<Group>[] }
    >
  >;
  readonly roles?: Readonly<
    Record<
      string,
      Omit<Entry<'roles'>, 'in' | 'trust' | 'policies' | 'statements'> &
        Permissions<NoInfer<Account>, NoInfer<Policy>> & {
          readonly in: In<NoInfer<Account>>;
          readonly trust: readonly Trust<NoInfer<Account>, NoInfer<Group>, NoInfer<Person>>[];
        }
    >
  >;
  readonly passwordPolicy?: Omit<Plain<'passwordPolicy'>, 'in'> & { readonly in: In<NoInfer<Account>> };
  readonly guardrails?: Readonly<
    Record<string, Omit<Entry<'guardrails'>, 'on'> & { readonly on: In<NoInfer<Account>> }>
  >;
}

/**
 * Returns the definition as it is; its worth is the types: names of accounts, stages, groups, people and
 * policies that the definition does not declare do not compile. Use it as the default export of `stint.config.ts`.
 */
export function defineAccess<
  const Account extends string,
  const Stage extends string,
  const Policy extends string = never,
  const Group extends string = never,
  const Person extends string = never,
>(
  definition: TypedDefinition<Account, Stage, Policy, Group, Person>,
): TypedDefinition<Account, Stage, Policy, Group, Person> {
  return definition;
}
