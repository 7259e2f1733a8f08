"""boto3's waiters, paginators, transfers and presigned addresses, with the keys of the environment.

Prints one JSON object of what was seen. `NOBODY` holds the keys of a user who may nothing.
"""

import hashlib
import io
import json
import os
import urllib.error
import urllib.request
import uuid

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

SIGV4 = Config(signature_version="s3v4", s3={"addressing_style": "path"})
QUICK = {"Delay": 1, "MaxAttempts": 2}
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
}


def nobody(service):
    key, secret = os.environ["NOBODY"].split(":")
    return boto3.client(service, aws_access_key_id=key, aws_secret_access_key=secret)


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    except WaiterError as error:
        return error.last_response["Error"]["Code"]
    return "allowed"


def status(url, **request):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **request)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def waiters():
    """Each waits for what is there, and one fails for want of permission."""
    iam = boto3.client("iam")
    iam.create_user(UserName="waited")
    iam.create_role(RoleName="waited", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.create_instance_profile(InstanceProfileName="waited")
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    arn = iam.create_policy(PolicyName="waited", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    iam.get_waiter("user_exists").wait(UserName="waited", WaiterConfig=QUICK)
    iam.get_waiter("role_exists").wait(RoleName="waited", WaiterConfig=QUICK)
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName="waited", WaiterConfig=QUICK)
    iam.get_waiter("policy_exists").wait(PolicyArn=arn, WaiterConfig=QUICK)
    s3 = boto3.client("s3", config=SIGV4)
    s3.create_bucket(Bucket="waited")
    s3.get_waiter("bucket_exists").wait(Bucket="waited", WaiterConfig=QUICK)
    s3.put_object(Bucket="waited", Key="object", Body=b"x")
    s3.get_waiter("object_exists").wait(Bucket="waited", Key="object", WaiterConfig=QUICK)
    s3.delete_object(Bucket="waited", Key="object")
    s3.get_waiter("object_not_exists").wait(Bucket="waited", Key="object", WaiterConfig=QUICK)
    s3.delete_bucket(Bucket="waited")
    s3.get_waiter("bucket_not_exists").wait(Bucket="waited", WaiterConfig=QUICK)
    return code(nobody("iam").get_waiter("user_exists").wait, UserName="waited", WaiterConfig=QUICK)


def pages(client, name, part, size, **arguments):
    """How many pages, and how many things on all of them."""
    found = [page[part] for page in client.get_paginator(name).paginate(PaginationConfig={"PageSize": size}, **arguments)]
    return [len(found), sum(map(len, found))]


def paginators():
    iam, s3 = boto3.client("iam"), boto3.client("s3", config=SIGV4)
    for index in range(5):
        iam.create_user(UserName=f"page-{index}", Path="/pages/")
        iam.create_role(RoleName=f"page-{index}", Path="/pages/", AssumeRolePolicyDocument=json.dumps(TRUST))
    s3.create_bucket(Bucket="paged")
    for index in range(7):
        s3.put_object(Bucket="paged", Key=f"folder/{index}", Body=b"x")
    return {
        "users": pages(iam, "list_users", "Users", 2, PathPrefix="/pages/"),
        "roles": pages(iam, "list_roles", "Roles", 3, PathPrefix="/pages/"),
        "details": pages(iam, "get_account_authorization_details", "UserDetailList", 100, Filter=["User"])[1] >= 6,
        "objects": pages(s3, "list_objects_v2", "Contents", 3, Bucket="paged"),
        "buckets": pages(s3, "list_buckets", "Buckets", 1, Prefix="paged"),
        "regions": len(boto3.client("ec2").describe_regions()["Regions"]) > 10,
        "refused": code(lambda: pages(nobody("iam"), "list_users", "Users", 2)),
    }


def table():
    """A table by waiters, its items by the resource, in pages."""
    client, name = boto3.client("dynamodb"), "boto-items"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in (("owner", "S"), ("n", "N"))],
        KeySchema=[{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig=QUICK)
    items = boto3.resource("dynamodb").Table(name)
    with items.batch_writer() as batch:
        for index in range(30):
            batch.put_item(Item={"owner": "alice" if index % 3 else "bob", "n": index})
    query = items.query(KeyConditionExpression=Key("owner").eq("bob") & Key("n").between(3, 12))
    seen = {
        "query": [int(item["n"]) for item in query["Items"]],
        "scan": pages(client, "scan", "Items", 10, TableName=name)[1],
        "filtered": items.scan(FilterExpression=Attr("n").gte(27))["Count"],
        "refused": code(nobody("dynamodb").scan, TableName=name),
    }
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig=QUICK)
    return seen


def transfer():
    """Up and down in parts, by threads."""
    s3 = boto3.client("s3", config=SIGV4)
    s3.create_bucket(Bucket="transferred")
    config = TransferConfig(multipart_threshold=5 * 2**20, multipart_chunksize=5 * 2**20, max_concurrency=4)
    content = os.urandom(12 * 2**20)
    s3.upload_fileobj(io.BytesIO(content), "transferred", "large", Config=config, ExtraArgs={"Metadata": {"a": "b"}})
    back = io.BytesIO()
    s3.download_fileobj("transferred", "large", back, Config=config)
    head = s3.head_object(Bucket="transferred", Key="large")
    s3.copy({"Bucket": "transferred", "Key": "large"}, "transferred", "copied", Config=config)
    refused = nobody("s3").upload_fileobj
    try:
        refused(io.BytesIO(content), "transferred", "other", Config=config)
        outcome = "allowed"
    except boto3.exceptions.S3UploadFailedError as error:
        outcome = "AccessDenied" if "(AccessDenied)" in str(error) else str(error)
    except ClientError as error:
        outcome = error.response["Error"]["Code"]
    return {
        "same": hashlib.sha256(back.getvalue()).digest() == hashlib.sha256(content).digest(),
        "parts": head["ETag"].strip('"').split("-")[-1],
        "metadata": head["Metadata"],
        "copied": s3.head_object(Bucket="transferred", Key="copied")["ContentLength"] == len(content),
        "refused": outcome,
    }


def presigned():
    """Addresses for who has no keys: get, put and a browser's form; and of whom may not."""
    s3 = boto3.client("s3", config=SIGV4)
    s3.create_bucket(Bucket="presigned")
    place = {"Bucket": "presigned", "Key": "a b/ü"}
    put = s3.generate_presigned_url("put_object", Params=place)
    get = s3.generate_presigned_url("get_object", Params=place)
    key, secret = os.environ["NOBODY"].split(":")
    other = boto3.client("s3", config=SIGV4, aws_access_key_id=key, aws_secret_access_key=secret)
    form = s3.generate_presigned_post("presigned", "posted/${filename}", Conditions=[["content-length-range", 1, 10]])
    who = boto3.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    return {
        "put": status(put, data=b"content", method="PUT")[0],
        "get": [status(get)[0], status(get)[1].decode()],
        "head with get": status(get, method="HEAD")[0],
        "changed": status(get.replace("a%20b", "a%20c"))[0],
        "nobody": status(other.generate_presigned_url("get_object", Params=place))[0],
        "post": post(form, b"small"),
        "post too large": post(form, b"larger than ten"),
        "posted": s3.get_object(Bucket="presigned", Key="posted/name")["Body"].read().decode(),
        "identity": b"<Account>222222222222</Account>" in status(who)[1],
    }


def post(form, content):
    boundary = uuid.uuid4().hex
    parts = [f'--{boundary}\r\ncontent-disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in form["fields"].items()]
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="name"\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    return status(form["url"], data=body, headers=headers, method="POST")[0]


parts = (waiters, paginators, table, transfer, presigned)
print(json.dumps({part.__name__: part() for part in parts}))
