"""What hvac gets from policies and identities, as one JSON object. The same on Vault, OpenBao and Stint."""

import json
import os

import hvac

client = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"])
identity = client.secrets.identity
seen = {}

# Policies, by the old paths and by the new ones.
client.sys.create_or_update_policy("old", 'path "secret/*" { capabilities = ["read"] }')
client.sys.create_or_update_policy("hcl", {"path": {"secret/*": {"capabilities": ["list"]}}})
seen["old_rules"] = client.sys.read_policy("old")["data"]["rules"]
client.sys.create_or_update_acl_policy("new", 'path "sys/mounts" { capabilities = ["read"] }')
seen["new_policy"] = client.sys.read_acl_policy("new")["data"]["policy"]
names = client.sys.list_policies()["data"]["policies"]
seen["listed"] = [name in names for name in ("default", "old", "new", "root")]
seen["acl_listed"] = "hcl" in client.sys.list_acl_policies()["data"]["keys"]
client.sys.delete_policy("old")
client.sys.delete_acl_policy("hcl")
try:
    client.sys.read_policy("old")
except hvac.exceptions.InvalidPath:
    seen["deleted"] = True
try:
    client.sys.create_or_update_acl_policy("bad", 'path "a" { capabilities = ["x"] }')
except hvac.exceptions.InvalidRequest as refused:
    seen["refused"] = refused.errors

# Entities, aliases and a login that finds its own.
client.sys.enable_auth_method("userpass", path="people")
accessor = client.sys.list_auth_methods()["data"]["people/"]["accessor"]
client.auth.userpass.create_or_update_user("ann", password="pw", policies=[], mount_point="people")
ann = identity.create_or_update_entity("ann", metadata={"team": "red"}, policies=["new"])["data"]["id"]
alias = identity.create_or_update_entity_alias("ann", ann, accessor)["data"]["id"]
seen["entity"] = {k: identity.read_entity(ann)["data"][k] for k in ("name", "metadata", "policies", "disabled")}
seen["by_name"] = identity.read_entity_by_name("ann")["data"]["id"] == ann
seen["alias"] = identity.read_entity_alias(alias)["data"]["mount_path"]
seen["lookup"] = identity.lookup_entity(alias_name="ann", alias_mount_accessor=accessor)["data"]["id"] == ann
seen["entities"] = ann in identity.list_entities()["data"]["keys"]
seen["names"] = "ann" in identity.list_entities_by_name()["data"]["keys"]
seen["aliases"] = identity.list_entity_aliases()["data"]["keys"] == [alias]
login = hvac.Client(url=os.environ["VAULT_ADDR"])
auth = login.auth.userpass.login("ann", "pw", mount_point="people")["auth"]
seen["login"] = [auth["entity_id"] == ann, auth["identity_policies"], auth["policies"]]
seen["may"] = "sys/" in login.sys.list_mounted_secrets_engines()["data"]
seen["capabilities"] = login.sys.get_capabilities(["sys/mounts", "sys/auth"])["data"]

# Groups.
group = identity.create_or_update_group("crew", policies=["crew"], member_entity_ids=[ann])["data"]["id"]
outer = identity.create_or_update_group("all", member_group_ids=[group])["data"]["id"]
seen["groups"] = identity.read_entity(ann)["data"]["group_ids"] == [group, outer]
seen["group"] = {k: identity.read_group(group)["data"][k] for k in ("name", "type", "policies", "parent_group_ids")}
seen["group"]["parent_group_ids"] = seen["group"]["parent_group_ids"] == [outer]
external = identity.create_or_update_group("ext", group_type="external")["data"]["id"]
group_alias = identity.create_or_update_group_alias("ext", canonical_id=external, mount_accessor=accessor)["data"]["id"]
seen["group_alias"] = identity.read_group_alias(group_alias)["data"]["name"]
seen["group_lookup"] = identity.lookup_group(name="CREW")["data"]["id"] == group
seen["group_lists"] = [
    sorted(identity.list_groups_by_name()["data"]["keys"]),
    len(identity.list_groups()["data"]["keys"]),
    identity.list_group_aliases()["data"]["keys"] == [group_alias],
]
seen["after_group"] = sorted(login.auth.token.lookup_self()["data"]["identity_policies"])

# Merging, disabling, deleting.
bob = identity.create_or_update_entity("bob")["data"]["id"]
identity.merge_entities([bob], ann)
seen["merged"] = identity.read_entity(ann)["data"]["merged_entity_ids"] == [bob]
identity.update_entity(ann, disabled=True)
try:
    login.auth.token.lookup_self()
except hvac.exceptions.Forbidden as refused:
    seen["disabled"] = refused.errors
identity.delete_group_alias(group_alias)
for one in (group, outer, external):
    identity.delete_group(one)
identity.delete_entity_alias(alias)
identity.delete_entity(ann)
try:
    identity.read_entity(ann)
except hvac.exceptions.InvalidPath:
    seen["gone"] = True

print(json.dumps(seen))
