// What a way up is: the permissions that it needs, on what, and what comes of it.

/**
 * What a permission is needed on. `self`, `own-policy` and `own-group` are the holder's; `user`, `role`, `policy` and
 * `group` the target's: a policy is a customer policy that the target carries. `new` is whatever gets made or changed for
 * it, of any name.
 */
export type Slot = 'self' | 'own-policy' | 'own-group' | 'user' | 'role' | 'policy' | 'group' | 'new';

export interface Need {
  readonly action: string;
  readonly on: Slot;
}

/**
 * What comes of it. `any`: any permission, as far as a boundary and the organisation let. `becomes`: acts as the target.
 * `joins`: gets what the target group has. `sheds`: loses a boundary or a denial. `takes`: reads or takes over what
 * secrets, keys and buckets hold.
 */
export type Outcome = 'any' | 'becomes' | 'joins' | 'sheds' | 'takes';

export interface Method {
  readonly id: string;
  readonly title: string;
  readonly holder?: 'user' | 'role';
  readonly needs: readonly Need[];
  /** One of these as well. */
  readonly oneOf?: readonly Need[];
  readonly outcome: Outcome;
  /** Of a role that is handed to a service or that a service runs with: the services its trust may name. */
  readonly services?: readonly string[];
  /** The role needs an instance profile. */
  readonly profile?: true;
  /** Works only where something is there that IAM does not tell of: a function, an instance, an older version. */
  readonly given?: string;
}

/** Permissions that are all needed on the same. */
export const need = (on: Slot, ...actions: readonly string[]): Need[] => actions.map((action) => ({ action, on }));
