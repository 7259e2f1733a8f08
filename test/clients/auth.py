"""What hvac's users do with auth methods: configure each, log in, be refused. Prints what was seen as JSON."""
import json
import os

import hvac

address = os.environ["VAULT_ADDR"]
root = hvac.Client(url=address, token=os.environ["VAULT_TOKEN"])


def anew():
    return hvac.Client(url=address)


def refused(call):
    try:
        call()
    except hvac.exceptions.VaultError as error:
        return [type(error).__name__, error.errors[0] if error.errors else str(error)]
    return "allowed"


def policies(auth):
    return sorted(auth["auth"]["policies"])


def userpass():
    root.sys.enable_auth_method("userpass")
    method = root.auth.userpass
    method.create_or_update_user("ann", password="first", policies=["a"])
    method.update_password_on_user("ann", "next")
    seen = {
        "users": method.list_user()["data"]["keys"],
        "policies": method.read_user("ann")["data"]["token_policies"],
        "login": policies(anew().auth.userpass.login("ann", "next")),
        "wrong": refused(lambda: anew().auth.userpass.login("ann", "first")),
    }
    method.delete_user("ann")
    return {**seen, "gone": refused(lambda: method.read_user("ann"))[0]}


def approle():
    root.sys.enable_auth_method("approle")
    method = root.auth.approle
    method.create_or_update_approle("web", token_policies=["web"], token_ttl="10m", secret_id_num_uses=2)
    method.update_role_id("web", "web-id")
    made = method.generate_secret_id("web", metadata={"host": "one"}, cidr_list=["127.0.0.0/8"])["data"]
    wrapped = method.generate_secret_id("web", wrap_ttl="60s")["wrap_info"]["token"]
    unwrapped = anew().sys.unwrap(wrapped)["data"]
    first = anew().auth.approle.login("web-id", made["secret_id"])
    seen = {
        "role_id": method.read_role_id("web")["data"]["role_id"],
        "login": policies(first),
        "metadata": first["auth"]["metadata"],
        "uses": method.read_secret_id("web", made["secret_id"])["data"]["secret_id_num_uses"],
        "second": policies(anew().auth.approle.login("web-id", made["secret_id"])),
        "spent": refused(lambda: anew().auth.approle.login("web-id", made["secret_id"])),
        "unwrapped": policies(anew().auth.approle.login("web-id", unwrapped["secret_id"])),
        "accessors": method.list_secret_id_accessors("web")["data"]["keys"] == [unwrapped["secret_id_accessor"]],
    }
    method.destroy_secret_id_accessor("web", unwrapped["secret_id_accessor"])
    return {**seen, "ended": refused(lambda: anew().auth.approle.login("web-id", unwrapped["secret_id"]))}


def aws():
    root.sys.enable_auth_method("aws")
    method = root.auth.aws
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    keys = (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    method.configure(
        access_key=keys[0],
        secret_key=keys[1],
        iam_endpoint=endpoint,
        sts_endpoint=endpoint,
        iam_server_id_header_value="vault.example",
    )
    method.create_role("dev", auth_type="iam", bound_iam_principal_arn=os.environ["CALLER_ARN"], policies=["dev"])
    login = anew().auth.aws.iam_login
    return {
        "login": policies(login(*keys, role="dev", header_value="vault.example")),
        "other server": refused(lambda: login(*keys, role="dev", header_value="other.example")),
        "other key": refused(lambda: login(keys[0], "x" * 40, role="dev", header_value="vault.example"))[0],
        "no role": refused(lambda: login(*keys, role="none", header_value="vault.example")),
        "secret shown": "secret_key" in method.read_config(),
    }


def jwt():
    root.sys.enable_auth_method("jwt")
    method = root.auth.jwt
    method.configure(jwt_validation_pubkeys=[os.environ["PUBLIC_KEY"]])
    method.create_role(
        "dev",
        role_type="jwt",
        user_claim="sub",
        allowed_redirect_uris=[],
        bound_audiences=["stint"],
        token_policies=["dev"],
    )
    token = os.environ["TOKEN"]
    return {
        "roles": method.list_roles()["data"]["keys"],
        "login": policies(anew().auth.jwt.jwt_login("dev", token)),
        "changed": refused(lambda: anew().auth.jwt.jwt_login("dev", token[:-4] + "AAAA"))[0],
    }


print(json.dumps({part.__name__: part() for part in (userpass, approle, aws, jwt)}))
