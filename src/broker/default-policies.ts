// The policies every server has: `default`, which tokens get unless they ask not to, and the one that
// response-wrapping tokens carry. What they grant is what Vault's grant, so that clients which count
// on it go on working. Source: developer.hashicorp.com/vault/docs/concepts/policies#default-policy.

/** Texts of policies that exist without being written; `root` has no text, it allows everything. */
export const builtInTexts: Readonly<Record<string, string>> = {
  root: '',
  'response-wrapping': `
path "cubbyhole/response" {
    capabilities = ["create", "read"]
}

path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}
`,
};

/** What `default` says until somebody writes their own. */
export const defaultText = `
# A token's care for itself: look up, renew, end
path "auth/token/lookup-self" {
    capabilities = ["read"]
}
path "auth/token/renew-self" {
    capabilities = ["update"]
}
path "auth/token/revoke-self" {
    capabilities = ["update"]
}

# What it may do: on a path, and everywhere (for user interfaces)
path "sys/capabilities-self" {
    capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
    capabilities = ["read"]
}

# Its own entity, by id or by name
path "identity/entity/id/{{identity.entity.id}}" {
    capabilities = ["read"]
}
path "identity/entity/name/{{identity.entity.name}}" {
    capabilities = ["read"]
}

# Leases whose id it knows; which ids there are is not told
path "sys/renew" {
    capabilities = ["update"]
}
path "sys/leases/renew" {
    capabilities = ["update"]
}
path "sys/leases/lookup" {
    capabilities = ["update"]
}

# Its own cubbyhole
path "cubbyhole/*" {
    capabilities = ["create", "read", "update", "delete", "list"]
}

# Wrapping of answers
path "sys/wrapping/wrap" {
    capabilities = ["update"]
}
path "sys/wrapping/lookup" {
    capabilities = ["update"]
}
path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}

# Tools that read and change nothing
path "sys/tools/hash" {
    capabilities = ["update"]
}
path "sys/tools/hash/*" {
    capabilities = ["update"]
}

# Sign-in of other programs by way of this server
path "identity/oidc/provider/+/authorize" {
    capabilities = ["read", "update"]
}
`;
