"""The story of the tutorial with boto3 and hvac: prints one JSON object of what was seen."""

import json
import os
import sys

import boto3
import hvac
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonS3FullAccess"


def session(access_key, secret_key, token=None):
    return boto3.Session(access_key, secret_key, token, region_name="us-east-1")


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"


def errors(call, **arguments):
    try:
        call(**arguments)
    except hvac.exceptions.VaultError as error:
        return list(error.errors)
    return []


def lend():
    seen = {}
    vault = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"])
    seen["authenticated"] = vault.is_authenticated()
    vault.sys.enable_secrets_engine("aws")
    engine = vault.secrets.aws
    engine.configure_root_iam_credentials(
        access_key=os.environ["AWS_ACCESS_KEY_ID"],
        secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        iam_endpoint=ENDPOINT,
        sts_endpoint=ENDPOINT,
    )
    engine.configure_lease(lease="30m", lease_max="30m")
    seen["lease"] = engine.read_lease_config()["data"]
    seen["misprint"] = errors(
        engine.create_or_update_role,
        name="s3",
        credential_type="iam_user",
        policy_arns=["arn:aws:iam:aws:policy/AmazonS3FullAccess"],
    )
    engine.create_or_update_role(name="s3", credential_type="iam_user", policy_arns=[FULL_ACCESS])
    seen["roles"] = engine.list_roles()["data"]["keys"]
    seen["role"] = engine.read_role(name="s3")["data"]["policy_arns"]
    answer = engine.generate_credentials(name="s3")
    seen["lease_duration"] = answer["lease_duration"]
    borrowed = session(answer["data"]["access_key"], answer["data"]["secret_key"])
    arn = borrowed.client("sts").get_caller_identity()["Arn"]
    s3 = borrowed.client("s3")
    seen["create_bucket"] = code(s3.create_bucket, Bucket="borrowed")
    seen["list_users"] = code(borrowed.client("iam").list_users)
    looked_up = vault.sys.read_lease(lease_id=answer["lease_id"])["data"]
    seen["lookup_is_same"] = looked_up["id"] == answer["lease_id"]
    vault.sys.revoke_lease(lease_id=answer["lease_id"])
    iam = boto3.client("iam")
    seen["user_after"] = code(iam.get_user, UserName=arn.split("/")[-1])
    seen["key_after"] = code(borrowed.client("sts").get_caller_identity)
    engine.delete_role(name="s3")
    seen["no_roles"] = errors(engine.list_roles)
    return seen


def assume():
    seen = {}
    iam, sts = boto3.client("iam"), boto3.client("sts")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
            }
        ],
    }
    role = iam.create_role(RoleName="Tagged", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(
        RoleName="Tagged",
        PolicyName="own-bucket",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "s3:*",
                        "Resource": ["arn:aws:s3:::${aws:PrincipalTag/team}", "arn:aws:s3:::${aws:PrincipalTag/team}/*"],
                    }
                ],
            }
        ),
    )
    answer = sts.assume_role(
        RoleArn=role["Arn"],
        RoleSessionName="boto3",
        Tags=[{"Key": "team", "Value": "green"}],
        DurationSeconds=900,
    )["Credentials"]
    tagged = session(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
    s3 = tagged.client("s3")
    seen["own"] = code(s3.create_bucket, Bucket="green")
    seen["other"] = code(s3.create_bucket, Bucket="other")
    s3.put_object(Bucket="green", Key="k", Body=b"v")
    seen["body"] = s3.get_object(Bucket="green", Key="k")["Body"].read().decode()
    seen["too_long"] = code(sts.assume_role, RoleArn=role["Arn"], RoleSessionName="boto3", DurationSeconds=7200)
    seen["documents_are_dicts"] = isinstance(iam.get_role(RoleName="Tagged")["Role"]["AssumeRolePolicyDocument"], dict)
    seen["no_such_role"] = code(iam.get_role, RoleName="nobody")
    seen["pages"] = sum(len(page["Policies"]) for page in iam.get_paginator("list_policies").paginate(Scope="AWS")) > 1000
    seen["organization"] = boto3.client("organizations").describe_organization()["Organization"]["Id"]
    seen["accounts"] = [a["Id"] for a in boto3.client("organizations").list_accounts()["Accounts"]]
    return seen


def define():
    seen = {}
    iam = boto3.client("iam")
    iam.create_group(GroupName="Administrators")
    iam.attach_group_policy(GroupName="Administrators", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.create_user(UserName="Administrator", Tags=[{"Key": "owner", "Value": "platform"}])
    iam.add_user_to_group(GroupName="Administrators", UserName="Administrator")
    iam.update_account_password_policy(
        MinimumPasswordLength=10,
        RequireSymbols=True,
        RequireNumbers=True,
        RequireUppercaseCharacters=True,
        RequireLowercaseCharacters=True,
        AllowUsersToChangePassword=True,
        MaxPasswordAge=90,
        PasswordReusePrevention=3,
    )
    seen["weak_password"] = code(iam.create_login_profile, UserName="Administrator", Password="Short-1")
    iam.create_login_profile(UserName="Administrator", Password="Long-Enough-1", PasswordResetRequired=True)
    seen["must_change"] = iam.get_login_profile(UserName="Administrator")["LoginProfile"]["PasswordResetRequired"]
    deny = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "NotAction": ["iam:ListMFADevices", "iam:ChangePassword"],
                "Resource": "*",
                "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            }
        ],
    }
    policy = iam.create_policy(PolicyName="deny-without-mfa", PolicyDocument=json.dumps(deny))["Policy"]
    iam.attach_group_policy(GroupName="Administrators", PolicyArn=policy["Arn"])
    key = iam.create_access_key(UserName="Administrator")["AccessKey"]
    administrator = session(key["AccessKeyId"], key["SecretAccessKey"])
    seen["without_mfa"] = code(administrator.client("iam").list_users)
    seen["own_devices"] = code(administrator.client("iam").list_mfa_devices, UserName="Administrator")
    seen["delete_conflict"] = code(iam.delete_user, UserName="Administrator")
    seen["malformed"] = code(iam.create_policy, PolicyName="x", PolicyDocument='{"Version":"2012-10-17","Statement":{}}')
    details = [user["UserName"] for page in iam.get_paginator("get_account_authorization_details").paginate(Filter=["User"]) for user in page["UserDetailList"]]
    seen["users"] = sorted(details)
    return seen


def instance():
    seen = {}
    iam, ec2 = boto3.client("iam"), boto3.client("ec2")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName="app", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    iam.create_instance_profile(InstanceProfileName="test_profile")
    iam.add_role_to_instance_profile(InstanceProfileName="test_profile", RoleName="app")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    launched = ec2.run_instances(
        ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "test_profile"}
    )["Instances"][0]
    seen["id"] = launched["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[seen["id"]])
    associations = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    seen["profile"] = associations[0]["IamInstanceProfile"]["Arn"]
    return seen


def on_instance():
    """Runs as if on the instance: the default chain, nothing configured."""
    return {
        "arn": boto3.client("sts").get_caller_identity()["Arn"],
        "list": code(boto3.client("s3").list_buckets),
        "create": code(boto3.client("s3").create_bucket, Bucket="not-for-the-app"),
    }


parts = {"assume": assume, "define": define, "instance": instance, "lend": lend, "on_instance": on_instance}
print(json.dumps(parts[sys.argv[1]]()))
