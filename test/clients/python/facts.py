"""Runs the facts of facts/*.json with boto3 and prints of each what does not hold, as JSON.

A fact is a list of steps, each [call, input, expected, kept]:
- call: `iam.create_user`, or `alice/sts.get_caller_identity` with credentials that were kept as `alice`
- expected: members that the answer has (a text after `~` is a pattern; a list has these and no others), or, for a
  call that AWS refuses, `Code status: message`
- kept: names for parts of the answer (`{"arn": "Policy.Arn"}`), which later steps write as `${arn}`

Documents may be written as JSON. Facts share an account, so each has names of its own.
"""

import json
import pathlib
import re
import string

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# What AWS itself refuses shall reach it.
CONFIG = Config(retries={"total_max_attempts": 1}, parameter_validation=False, region_name="us-east-1")
DOCUMENTS = re.compile(r"Document$|^Policy$")


def clients():
    """Clients by service, one for each caller: making one takes longer than calling it."""
    made = {}

    def client(service, credentials):
        key = (service, json.dumps(credentials, sort_keys=True, default=str))
        if key not in made:
            made[key] = boto3.client(
                service,
                config=CONFIG,
                aws_access_key_id=credentials.get("AccessKeyId"),
                aws_secret_access_key=credentials.get("SecretAccessKey"),
                aws_session_token=credentials.get("SessionToken"),
            )
        return made[key]

    return client


def filled(value, kept):
    if isinstance(value, str):
        return string.Template(value).safe_substitute({k: v for k, v in kept.items() if isinstance(v, str)})
    if isinstance(value, list):
        return [filled(item, kept) for item in value]
    if isinstance(value, dict):
        if "repeat" in value:
            return value["repeat"] * value["times"]
        return {key: filled(item, kept) for key, item in value.items()}
    return value


def with_documents(given):
    return {
        key: json.dumps(value) if DOCUMENTS.search(key) and isinstance(value, dict) else value
        for key, value in given.items()
    }


def part(answer, path):
    for name in path.split("."):
        answer = answer[int(name)] if name.isdigit() else answer[name]
    return answer


def differences(found, wanted, place):
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            if value is None:
                if key in found:
                    yield f"{place}.{key} is there: {found[key]!r}"
            elif key not in found:
                yield f"{place}.{key} is missing from {sorted(found)}"
            else:
                yield from differences(found[key], value, f"{place}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list):
        if len(found) != len(wanted):
            yield f"{place} has {len(found)} members, not {len(wanted)}: {found!r}"
        else:
            for index, (one, other) in enumerate(zip(found, wanted)):
                yield from differences(one, other, f"{place}.{index}")
    elif isinstance(wanted, str) and wanted.startswith("~"):
        if not re.fullmatch(wanted[1:], str(found), re.DOTALL):
            yield f"{place} is {found!r}, not like {wanted[1:]!r}"
    elif found != wanted:
        yield f"{place} is {found!r}, not {wanted!r}"


def refusal(error):
    answer = error.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return f"{answer['Error']['Code']} {status}: {answer['Error'].get('Message', '')}"


def run_step(step, kept, client):
    call, given, wanted, keep = [*step, {}][:4]
    caller, _, name = call.rpartition("/")
    service, _, operation = name.partition(".")
    method = getattr(client(service, kept.get(caller, {})), operation)
    wanted = filled(wanted, kept)
    try:
        answer = method(**with_documents(filled(given, kept)))
    except ClientError as error:
        found = refusal(error)
        if isinstance(wanted, dict):
            return [f"{call} is refused: {found}"]
        return list(differences(found, wanted, call))
    if isinstance(wanted, str):
        return [f"{call} is not refused"]
    kept.update({key: part(answer, path) for key, path in keep.items()})
    return list(differences(answer, wanted, call))


def run(fact, client):
    """What does not hold; steps after a wrong one are left out."""
    kept = {}
    for index, step in enumerate(fact["steps"]):
        try:
            wrong = run_step(step, kept, client)
        except Exception as error:
            wrong = [f"{step[0]}: {error!r}"]
        if wrong:
            return [f"step {index + 1}: {text}" for text in wrong]
    return []


def main():
    client = clients()
    files = sorted((pathlib.Path(__file__).parent / "facts").glob("*.json"))
    facts = [fact for file in files for fact in json.loads(file.read_text())["facts"]]
    print(json.dumps([{"fact": fact["fact"], "wrong": run(fact, client)} for fact in facts]))


main()
