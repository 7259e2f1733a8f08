"""hvac's calls for the lending server, one step each. Prints {step: "ok" or what went wrong}.

Every step is what hvac's own documentation shows; the assertions say what its users rely on.
"""

import base64
import json
import os
import sys
import traceback

import boto3
import hvac
from botocore.exceptions import ClientError

ADDRESS = os.environ["VAULT_ADDR"]
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
ACCOUNT = "222222222222"
POLICY = 'path "aws/creds/*" { capabilities = ["read"] }'
seen = {}


def step(function):
    """Runs the function at once and notes how it went."""
    name = function.__name__
    try:
        function()
        seen[name] = "ok"
    except Exception as error:  # noqa: BLE001, every failure is the result
        line = traceback.extract_tb(sys.exc_info()[2])[1:2]
        seen[name] = f"{type(error).__name__}: {error} at {line}"
    return function


def client(token):
    return hvac.Client(url=ADDRESS, token=token)


root = client(os.environ["VAULT_TOKEN"])


def aws(name, keys):
    return boto3.client(
        name,
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id=keys["access_key"],
        aws_secret_access_key=keys["secret_key"],
        aws_session_token=keys.get("session_token"),
    )


def data(answer):
    return answer["data"]


# How the server is.


@step
def health_and_seal_status():
    assert root.sys.is_initialized() and not root.sys.is_sealed()
    assert root.sys.read_seal_status()["sealed"] is False
    assert root.sys.read_health_status(method="GET")["initialized"] is True
    assert root.sys.read_health_status(method="HEAD").status_code == 200
    assert "leader_address" in root.sys.read_leader_status()
    assert data(root.sys.get_encryption_key_status())["term"] >= 1


@step
def the_encryption_key_is_rotated():
    before = data(root.sys.get_encryption_key_status())["term"]
    root.sys.rotate_encryption_key()
    assert data(root.sys.get_encryption_key_status())["term"] == before + 1


@step
def initialising_twice_is_refused():
    try:
        root.sys.initialize(1, 1)
        raise AssertionError("initialised twice")
    except hvac.exceptions.InvalidRequest as error:
        assert "already initialized" in str(error)


@step
def a_root_token_is_generated():
    started = root.sys.start_root_token_generation(otp=None, pgp_key=None)
    nonce, otp = started["nonce"], started["otp"]
    assert root.sys.read_root_generation_progress()["started"] is True
    done = root.sys.generate_root(os.environ["UNSEAL_KEY"], nonce)
    assert done["complete"] is True
    encoded = done["encoded_token"] + "=" * (-len(done["encoded_token"]) % 4)
    token = bytes(a ^ b for a, b in zip(base64.b64decode(encoded), otp.encode(), strict=True)).decode()
    assert "root" in data(client(token).auth.token.lookup_self())["policies"]
    client(token).auth.token.revoke_self()


@step
def a_rekey_is_started_and_cancelled():
    assert root.sys.read_rekey_progress()["started"] is False
    root.sys.start_rekey(secret_shares=3, secret_threshold=2)
    assert root.sys.read_rekey_progress()["started"] is True
    root.sys.cancel_rekey()


# Mounts, auth methods, policies.


@step
def an_engine_is_mounted_tuned_listed_moved_and_disabled():
    root.sys.enable_secrets_engine("aws", path="other", description="d", config={"max_lease_ttl": "2h"})
    assert data(root.sys.list_mounted_secrets_engines())["other/"]["type"] == "aws"
    root.sys.tune_mount_configuration("other", default_lease_ttl="30m", description="changed")
    tuned = data(root.sys.read_mount_configuration("other"))
    assert (tuned["default_lease_ttl"], tuned["max_lease_ttl"]) == (1800, 7200)
    root.sys.move_backend("other", "moved")
    assert "moved/" in data(root.sys.list_mounted_secrets_engines())
    root.sys.disable_secrets_engine("moved")
    assert "moved/" not in data(root.sys.list_mounted_secrets_engines())


@step
def an_auth_method_is_enabled_tuned_and_disabled():
    root.sys.enable_auth_method("userpass", path="people")
    root.sys.tune_auth_method("people", default_lease_ttl="10m", listing_visibility="unauth")
    assert data(root.sys.read_auth_method_tuning("people"))["default_lease_ttl"] == 600
    assert "people/" in data(root.sys.list_auth_methods())
    root.sys.disable_auth_method("people")
    assert "people/" not in data(root.sys.list_auth_methods())


@step
def policies_are_written_read_listed_and_deleted():
    root.sys.create_or_update_policy("lender", POLICY)
    assert "lender" in data(root.sys.list_policies())["policies"]
    assert data(root.sys.read_policy("lender"))["rules"] == POLICY
    root.sys.create_or_update_acl_policy("second", POLICY)
    assert data(root.sys.read_acl_policy("second"))["policy"] == POLICY
    assert "second" in data(root.sys.list_acl_policies())["keys"]
    root.sys.delete_acl_policy("second")
    try:
        root.sys.read_acl_policy("second")
        raise AssertionError("read after its end")
    except hvac.exceptions.InvalidPath:
        pass


@step
def capabilities_are_told():
    made = root.auth.token.create(policies=["lender"], ttl="10m")["auth"]
    told = data(root.sys.get_capabilities(paths=["aws/creds/x"], token=made["client_token"]))
    assert told["aws/creds/x"] == ["read"]
    told = data(root.sys.get_capabilities(paths=["aws/creds/x"], accessor=made["accessor"]))
    assert told["capabilities"] == ["read"]
    assert data(root.sys.get_capabilities(paths=["sys/mounts"]))["sys/mounts"] == ["root"]


# Tools and audit.


@step
def tools_make_random_bytes_and_hashes():
    assert len(base64.b64decode(data(root.write("sys/tools/random/16", format="base64"))["random_bytes"])) == 16
    answer = root.write("sys/tools/hash/sha2-256", input=base64.b64encode(b"abc").decode())
    assert data(answer)["sum"].startswith("ba7816bf")


@step
def audit_devices_are_enabled_listed_and_hash():
    path = os.path.join(os.environ["FOLDER"], "audit.log")
    root.sys.enable_audit_device("file", path="audit", options={"file_path": path})
    assert "audit/" in data(root.sys.list_enabled_audit_devices())
    hashed = data(root.sys.calculate_hash("audit", "secret-text"))["hash"]
    assert hashed.startswith("hmac-sha256:")
    root.write("cubbyhole/audited", text="secret-text")
    with open(path, encoding="utf-8") as file:
        lines = file.read()
    assert hashed in lines and "secret-text" not in lines
    root.sys.disable_audit_device("audit")


# The AWS engine.


@step
def the_aws_engine_lends_all_four_types():
    root.sys.enable_secrets_engine("aws")
    engine = root.secrets.aws
    engine.configure_root_iam_credentials(
        access_key=os.environ["AWS_ACCESS_KEY_ID"],
        secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        iam_endpoint=ENDPOINT,
        sts_endpoint=ENDPOINT,
    )
    engine.configure_lease("30m", "1h")
    assert data(engine.read_lease_config()) == {"lease": "30m0s", "lease_max": "1h0m0s"}
    allow = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
    )
    engine.create_or_update_role("user", "iam_user", policy_document=allow)
    engine.create_or_update_role("federated", "federation_token", policy_document=allow)
    # hvac does not know this type yet.
    root.write("aws/roles/session", credential_type="session_token")
    role = f"arn:aws:iam::{ACCOUNT}:role/target"
    engine.create_or_update_role("assumed", "assumed_role", role_arns=[role])
    assert sorted(data(engine.list_roles())["keys"]) == ["assumed", "federated", "session", "user"]
    assert data(engine.read_role("assumed"))["role_arns"] == [role]
    for name, endpoint in [("user", "creds"), ("federated", "sts"), ("session", "sts"), ("assumed", "sts")]:
        lent = engine.generate_credentials(name, endpoint=endpoint)
        keys = data(lent)
        assert lent["lease_id"].startswith(f"aws/{endpoint}/{name}/") and lent["lease_duration"] > 0
        arn = aws("sts", keys).get_caller_identity()["Arn"]
        assert f":{ACCOUNT}:" in arn, arn
        if endpoint == "sts":
            assert keys["security_token"] == keys["session_token"] and keys["ttl"] > 0
    engine.delete_role("session")


@step
def leases_are_read_listed_renewed_and_revoked():
    lent = root.secrets.aws.generate_credentials("user")
    keys, lease = data(lent), lent["lease_id"]
    aws("s3", keys).list_buckets()
    assert data(root.sys.read_lease(lease))["id"] == lease
    assert lease.rsplit("/", 1)[1] in data(root.sys.list_leases("aws/creds/user"))["keys"]
    assert root.sys.renew_lease(lease, increment=600)["lease_duration"] > 0
    root.sys.revoke_lease(lease)
    try:
        aws("s3", keys).list_buckets()
        raise AssertionError("accepted after its end")
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("InvalidAccessKeyId", "InvalidClientTokenId"), error
    others = [root.secrets.aws.generate_credentials("user")["lease_id"] for _ in range(3)]
    root.sys.revoke_prefix("aws/creds/user")
    for other in others:
        try:
            root.sys.read_lease(other)
            raise AssertionError("known after its end")
        except hvac.exceptions.InvalidRequest:
            pass
    root.secrets.aws.generate_credentials("user")
    root.sys.revoke_force("aws/creds/user")


@step
def a_static_role_rotates_an_existing_user():
    iam = aws("iam", {"access_key": os.environ["AWS_ACCESS_KEY_ID"], "secret_key": os.environ["AWS_SECRET_ACCESS_KEY"]})
    root.write("aws/static-roles/robot", username="robot", rotation_period="24h")
    assert data(root.read("aws/static-roles/robot"))["username"] == "robot"
    keys = data(root.read("aws/static-creds/robot"))
    assert aws("sts", keys).get_caller_identity()["Arn"].endswith(":user/robot")
    root.delete("aws/static-roles/robot")
    assert iam.list_access_keys(UserName="robot")["AccessKeyMetadata"] == []


@step
def the_root_key_is_rotated():
    iam = aws("iam", {"access_key": os.environ["AWS_ACCESS_KEY_ID"], "secret_key": os.environ["AWS_SECRET_ACCESS_KEY"]})
    iam.create_user(UserName="lender")
    iam.attach_user_policy(UserName="lender", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    first = iam.create_access_key(UserName="lender")["AccessKey"]
    root.secrets.aws.configure_root_iam_credentials(
        access_key=first["AccessKeyId"],
        secret_key=first["SecretAccessKey"],
        region="us-east-1",
        iam_endpoint=ENDPOINT,
        sts_endpoint=ENDPOINT,
    )
    fresh = data(root.secrets.aws.rotate_root_iam_credentials())["access_key"]
    keys = [key["AccessKeyId"] for key in iam.list_access_keys(UserName="lender")["AccessKeyMetadata"]]
    assert keys == [fresh] and fresh != first["AccessKeyId"]
    lent = root.secrets.aws.generate_credentials("user")
    root.sys.revoke_lease(lent["lease_id"])


@step
def the_server_is_sealed_and_unsealed():
    root.sys.seal()
    assert root.sys.is_sealed()
    try:
        root.sys.list_mounted_secrets_engines()
        raise AssertionError("answered while sealed")
    except hvac.exceptions.VaultDown as error:
        assert "sealed" in str(error)
    root.sys.submit_unseal_key(os.environ["UNSEAL_KEY"])
    assert not root.sys.is_sealed()
    assert data(root.secrets.aws.read_role("user"))["credential_type"] == "iam_user"


print(json.dumps(seen))
