"""Makes two things of each kind, of which the second carries the policy that is given, and prints their ARNs as JSON."""

import io
import json
import sys
import zipfile

import boto3

ACCOUNT, POLICY = sys.argv[1:]


def client(service):
    # SQS would go to an address of its own.
    return boto3.client(service, endpoint_url=boto3.client("sts").meta.endpoint_url)


def queue(name, closed):
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    if closed:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": POLICY})
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def topic(name, closed):
    sns = client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    if closed:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=POLICY)
    return arn


def secret(name, closed):
    secrets = client("secretsmanager")
    arn = secrets.create_secret(Name=name, SecretString="x")["ARN"]
    if closed:
        secrets.put_resource_policy(SecretId=arn, ResourcePolicy=POLICY)
    return arn


def repository(name, closed):
    ecr = client("ecr")
    arn = ecr.create_repository(repositoryName=f"team/{name}")["repository"]["repositoryArn"]
    if closed:
        ecr.set_repository_policy(repositoryName=f"team/{name}", policyText=POLICY)
    return arn


def stream(name, closed):
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    if closed:
        kinesis.put_resource_policy(ResourceARN=arn, Policy=POLICY)
    return arn


def function(name, closed):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): pass")
    functions = client("lambda")
    arn = functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=f"arn:aws:iam::{ACCOUNT}:role/app",
        Handler="app.handler",
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]
    # A function's policy is made of permissions, and they only allow.
    if closed:
        functions.add_permission(
            FunctionName=name, StatementId="x", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
        )
    return arn


KINDS = [queue, topic, secret, repository, stream, function]
print(json.dumps({make.__name__: [make("plain", False), make("closed", True)] for make in KINDS}))
