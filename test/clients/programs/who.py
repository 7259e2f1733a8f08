"""A program as anybody writes it: boto3 finds credentials by itself. Prints who it is, how it knows, and what it may."""

import json

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"


def who():
    session = boto3.Session()
    arn = session.client("sts").get_caller_identity()["Arn"]
    s3 = session.client("s3")
    return {
        "method": session.get_credentials().method,
        "arn": arn,
        "list": code(s3.list_buckets),
        "create": code(s3.create_bucket, Bucket="not-for-the-app"),
    }


try:
    seen = who()
except ClientError as error:
    seen = {"error": error.response["Error"]["Code"]}
except BotoCoreError as error:
    seen = {"error": type(error).__name__}
print(json.dumps(seen))
