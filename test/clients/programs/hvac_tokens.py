"""What hvac offers for tokens, wrapping, leases and quotas, against the server of VAULT_ADDR; prints what it saw."""

import json
import os

import hvac

client = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"])


def refused(call):
    try:
        call()
    except hvac.exceptions.VaultError as error:
        return type(error).__name__
    return "allowed"


def tokens():
    token = client.auth.token
    made = token.create(policies=["default"], ttl="1h", meta={"team": "x"}, display_name="ci", wrap_ttl=None)
    id, accessor = made["auth"]["client_token"], made["auth"]["accessor"]
    found = token.lookup(id)["data"]
    seen = {
        "meta": found["meta"],
        "name": found["display_name"],
        "by_accessor": token.lookup_accessor(accessor)["data"]["id"],
        "listed": accessor in token.list_accessors()["data"]["keys"],
        "renewed": token.renew(id, increment="30m")["auth"]["lease_duration"],
        "renewed_by_accessor": token.renew_accessor(accessor)["auth"]["lease_duration"],
        "orphan": token.create_orphan(policies=["default"])["auth"]["orphan"],
        "batch": token.create(policies=["default"], type="batch", ttl="1h")["auth"]["token_type"],
    }
    own = hvac.Client(url=os.environ["VAULT_ADDR"], token=id)
    seen["self"] = own.auth.token.lookup_self()["data"]["accessor"] == accessor
    seen["renewed_self"] = own.auth.token.renew_self()["auth"]["renewable"]
    seen["logged_in"] = own.is_authenticated()
    own.auth.token.revoke_self()
    seen["after"] = refused(lambda: token.lookup(id))
    parent = token.create(policies=["root"], ttl="1h")["auth"]["client_token"]
    child = hvac.Client(url=os.environ["VAULT_ADDR"], token=parent).auth.token.create(ttl="30m")["auth"]
    token.revoke_and_orphan_children(parent)
    seen["child_lives"] = token.lookup(child["client_token"])["data"]["orphan"]
    token.revoke_accessor(child["accessor"])
    seen["child_after"] = refused(lambda: token.lookup(child["client_token"]))
    return seen


def roles():
    token = client.auth.token
    token.create_or_update_role("ci", allowed_policies=["default"], orphan=True, token_period="1h", renewable=True)
    role = token.read_role("ci")["data"]
    seen = {
        "period": [role["period"], role["token_period"]],
        "listed": token.list_roles()["data"]["keys"],
        "made": token.create(role_name="ci")["auth"]["lease_duration"],
        "refused": refused(lambda: token.create(role_name="ci", policies=["root"])),
    }
    token.delete_role("ci")
    seen["after"] = refused(lambda: token.read_role("ci"))
    return seen


def wrapping():
    info = client.sys.wrap(payload={"a": "b"}, ttl=60)["wrap_info"]
    other = client.auth.token.create(policies=["default"], wrap_ttl="60s")["wrap_info"]
    return {
        "path": info["creation_path"],
        "data": client.sys.unwrap(info["token"])["data"],
        "again": refused(lambda: client.sys.unwrap(info["token"])),
        "accessor": client.sys.unwrap(other["token"])["auth"]["accessor"] == other["wrapped_accessor"],
    }


def cubbyhole():
    client.write("cubbyhole/a", k="v")
    seen = {"read": client.read("cubbyhole/a")["data"], "list": client.list("cubbyhole")["data"]["keys"]}
    client.delete("cubbyhole/a")
    seen["after"] = client.read("cubbyhole/a")
    return seen


def leases():
    sys = client.sys
    sys.enable_secrets_engine("aws")
    client.secrets.aws.configure_root_iam_credentials(
        access_key=os.environ["AWS_ACCESS_KEY_ID"],
        secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        iam_endpoint=os.environ["AWS_ENDPOINT_URL"],
        sts_endpoint=os.environ["AWS_ENDPOINT_URL"],
    )
    client.secrets.aws.create_or_update_role(
        name="r", credential_type="iam_user", policy_arns=["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
    )
    sys.create_or_update_quota(name="all", rate=100000, interval="1s")
    sys.create_or_update_quota(name="slow", path="sys/policies/acl/", rate=1, interval="5m")
    sys.read_policy("default")
    lend = lambda: client.secrets.aws.generate_credentials("r")["lease_id"]
    first = lend()
    seen = {
        "read": sys.read_lease(first)["data"]["id"] == first,
        "list": len(sys.list_leases("aws/creds/r")["data"]["keys"]),
        "renew": sys.renew_lease(first, increment=600)["lease_duration"],
        "quotas": sys.list_quotas()["data"]["keys"],
        "quota": sys.read_quota("all")["data"]["rate"],
        "too_many": [refused(lambda: client.list("sys/policies/acl")) for _ in range(2)],
    }
    sys.revoke_lease(first)
    seen["after"] = refused(lambda: sys.read_lease(first))
    lend()
    sys.revoke_prefix("aws/creds")
    lend()
    sys.revoke_force("aws/creds")
    seen["left"] = refused(lambda: sys.list_leases("aws/creds/r"))
    sys.delete_quota("all")
    return seen


print(json.dumps({run.__name__: run() for run in (tokens, roles, wrapping, cubbyhole, leases)}))
