"""What hvac offers for initialising, sealing, keys and snapshots, against the server of VAULT_ADDR; prints what it saw."""

import base64
import json
import os

import hvac

client = hvac.Client(url=os.environ["VAULT_ADDR"])
system = client.sys


def refused(call):
    try:
        call()
    except hvac.exceptions.VaultError as error:
        return type(error).__name__
    return "allowed"


def opening():
    seen = {"initialized_before": system.is_initialized(), "health_before": system.read_health_status(method="GET").status_code}
    made = system.initialize(secret_shares=3, secret_threshold=2)
    client.token = made["root_token"]
    seen["keys"] = len(made["keys"])
    seen["again"] = refused(lambda: system.initialize(secret_shares=1, secret_threshold=1))
    seen["sealed"] = system.is_sealed()
    seen["progress"] = system.submit_unseal_key(made["keys"][0])["progress"]
    seen["reset"] = system.submit_unseal_key(reset=True)["progress"]
    seen["wrong"] = refused(lambda: system.submit_unseal_keys([made["keys"][0], "ab" * 33]))
    seen["opened"] = system.submit_unseal_keys(made["keys_base64"][:2])["sealed"]
    seen["leader"] = system.read_leader_status()["ha_enabled"]
    seen["authenticated"] = client.is_authenticated()
    system.seal()
    seen["sealed_again"] = refused(lambda: system.list_policies())
    system.submit_unseal_keys(made["keys"][1:])
    seen["status"] = system.read_seal_status()["sealed"]
    return made["keys"], seen


def keys(shares):
    system.rotate_encryption_key()
    seen = {"term": system.get_encryption_key_status()["data"]["term"]}
    seen["started"] = system.start_rekey(secret_shares=2, secret_threshold=2, require_verification=True)["started"]
    progress = system.read_rekey_progress()
    made = system.rekey_multi(shares[:2], nonce=progress["nonce"])
    seen["complete"] = made["complete"]
    seen["proof"] = system.read_rekey_verify_progress()["started"]
    system.cancel_rekey_verify()
    nonce = system.read_rekey_verify_progress()["nonce"]
    seen["proved"] = system.rekey_verify_multi(made["keys"], nonce=nonce)["complete"]
    seen["backup"] = refused(lambda: system.read_backup_keys())
    system.start_rekey(secret_shares=1, secret_threshold=1)
    system.cancel_rekey()
    seen["cancelled"] = system.read_rekey_progress()["started"]
    return made["keys"], seen


def root(shares):
    started = system.start_root_token_generation()
    seen = {"required": system.read_root_generation_progress()["required"]}
    nonce, otp = started["nonce"], started["otp"]
    seen["progress"] = system.generate_root(shares[0], nonce)["progress"]
    done = system.generate_root(shares[1], nonce)
    encoded = done["encoded_root_token"]
    token = bytes(a ^ b for a, b in zip(base64.b64decode(encoded + "=" * (-len(encoded) % 4)), otp.encode())).decode()
    seen["policies"] = hvac.Client(url=client.url, token=token).auth.token.lookup_self()["data"]["policies"]
    system.start_root_token_generation()
    system.cancel_root_generation()
    seen["cancelled"] = system.read_root_generation_progress()["started"]
    return seen


def snapshots():
    system.create_or_update_policy("before", 'path "a" { capabilities = ["read"] }')
    snapshot = system.take_raft_snapshot().content
    system.delete_policy("before")
    system.restore_raft_snapshot(snapshot)
    seen = {"restored": "before" in system.list_policies()["data"]["policies"]}
    seen["damaged"] = refused(lambda: system.restore_raft_snapshot(snapshot[:100]))
    seen["forced"] = refused(lambda: system.force_restore_raft_snapshot(snapshot))
    return seen


first, opened = opening()
second, replaced = keys(first)
system.step_down()
print(json.dumps({"opening": opened, "keys": replaced, "root": root(second), "snapshots": snapshots()}))
