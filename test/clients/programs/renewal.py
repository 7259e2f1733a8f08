"""A program that lives longer than its session: boto3 finds credentials by itself. Prints who it was and is.

Called with `once`, it does not wait for the next session.
"""

import json
import sys
import time

import boto3

session = boto3.Session()


def who():
    # A client for each look: its connections are not what is tried here.
    arn = session.client("sts").get_caller_identity()["Arn"]
    return session.get_credentials().get_frozen_credentials().access_key, arn


first, arn = who()
latest = first
deadline = time.monotonic() + 60
while sys.argv[1:] != ["once"] and latest == first and time.monotonic() < deadline:
    time.sleep(0.2)
    latest, arn = who()
method = session.get_credentials().method
print(json.dumps({"method": method, "region": session.region_name, "arn": arn, "renewed": latest != first}))
