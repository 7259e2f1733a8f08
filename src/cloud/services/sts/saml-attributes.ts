// Attributes of a SAML assertion as condition keys of a trust policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html#saml-attribute-mapping

/** By name: all values. */
export type SamlAttributes = ReadonlyMap<string, readonly string[]>;

const ldap = 'urn:oid:1.3.6.1.4.1.5923.1';
const claims = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';

/** Attribute → key without `saml:`. Those of `single` take one value. */
const names: Readonly<Record<string, string>> = {
  [`${ldap}.1.1.1`]: 'edupersonaffiliation',
  [`${ldap}.1.1.2`]: 'edupersonnickname',
  [`${ldap}.1.1.3`]: 'edupersonorgdn',
  [`${ldap}.1.1.4`]: 'edupersonorgunitdn',
  [`${ldap}.1.1.5`]: 'edupersonprimaryaffiliation',
  [`${ldap}.1.1.6`]: 'edupersonprincipalname',
  [`${ldap}.1.1.7`]: 'edupersonentitlement',
  [`${ldap}.1.1.8`]: 'edupersonprimaryorgunitdn',
  [`${ldap}.1.1.9`]: 'edupersonscopedaffiliation',
  [`${ldap}.1.1.10`]: 'edupersontargetedid',
  [`${ldap}.1.1.11`]: 'edupersonassurance',
  [`${ldap}.1.2.2`]: 'eduorghomepageuri',
  [`${ldap}.1.2.3`]: 'eduorgidentityauthnpolicyuri',
  [`${ldap}.1.2.4`]: 'eduorglegalname',
  [`${ldap}.1.2.5`]: 'eduorgsuperioruri',
  [`${ldap}.1.2.6`]: 'eduorgwhitepagesuri',
  'urn:oid:2.5.4.3': 'cn',
  [`${claims}/name`]: 'name',
  'http://schemas.xmlsoap.org/claims/CommonName': 'commonName',
  [`${claims}/givenname`]: 'givenName',
  [`${claims}/surname`]: 'surname',
  [`${claims}/emailaddress`]: 'mail',
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid': 'primaryGroupSID',
  '2.5.4.3': 'commonName',
  '2.5.4.4': 'surname',
  '2.4.5.42': 'givenName',
  '2.5.4.42': 'givenName',
  '2.5.4.45': 'x500UniqueIdentifier',
  '0.9.2342.19200300100.1.1': 'uid',
  '0.9.2342.19200300100.1.3': 'mail',
  '0.9.2342.19200300.100.1.45': 'organizationStatus',
};

const single: ReadonlySet<string> = new Set([
  'edupersonorgdn',
  'edupersonprimaryaffiliation',
  'edupersonprincipalname',
  'edupersonprimaryorgunitdn',
]);

/** Keys `saml:…` of the attributes that AWS knows; an object identifier may be written as a URN. */
export function attributeKeys(attributes: SamlAttributes): Readonly<Record<string, string | readonly string[]>> {
  const keys: Record<string, string | readonly string[]> = {};
  for (const [name, values] of attributes) {
    const key = names[name] ?? names[name.replace(/^urn:oid:/, '')];
    const [first] = values;
    if (key === undefined || first === undefined) continue;
    // Two attributes for one key: one of them counts.
    keys[`saml:${key}`] ??= single.has(key) || values.length === 1 ? first : values;
  }
  return keys;
}
