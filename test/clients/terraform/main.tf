# The tutorial's central identity, cross-account role and instance profile, as a platform team writes them:
# people in the central account, roles in dev, an instance that is a role.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "endpoint" {
  description = "Address of the AWS to apply to"
  type        = string
}

variable "central" {
  description = "Key of the central account"
  type        = object({ id = string, access_key = string, secret_key = string })
  sensitive   = true
}

variable "dev" {
  description = "Key of the dev account"
  type        = object({ id = string, access_key = string, secret_key = string })
  sensitive   = true
}

variable "stage" {
  description = "Changed to see a change"
  type        = string
  default     = "dev"
}

provider "aws" {
  alias             = "central"
  region            = "us-east-1"
  access_key        = var.central.access_key
  secret_key        = var.central.secret_key
  s3_use_path_style = true
  endpoints {
    iam      = var.endpoint
    sts      = var.endpoint
    s3       = var.endpoint
    ec2      = var.endpoint
    kms      = var.endpoint
    dynamodb = var.endpoint
  }
}

provider "aws" {
  alias             = "dev"
  region            = "us-east-1"
  access_key        = var.dev.access_key
  secret_key        = var.dev.secret_key
  s3_use_path_style = true
  endpoints {
    iam      = var.endpoint
    sts      = var.endpoint
    s3       = var.endpoint
    ec2      = var.endpoint
    kms      = var.endpoint
    dynamodb = var.endpoint
  }
}

# Central: people.

resource "aws_iam_group" "developers" {
  provider = aws.central
  name     = "developers"
}

resource "aws_iam_user" "alice" {
  provider = aws.central
  name     = "alice"
  tags     = { team = "core" }
}

resource "aws_iam_group_membership" "developers" {
  provider = aws.central
  name     = "developers"
  group    = aws_iam_group.developers.name
  users    = [aws_iam_user.alice.name]
}

resource "aws_iam_policy" "enter_dev" {
  provider    = aws.central
  name        = "enter-dev"
  description = "Lets developers become test_role in dev"
  policy      = data.aws_iam_policy_document.enter_dev.json
}

data "aws_iam_policy_document" "enter_dev" {
  provider = aws.central
  statement {
    actions   = ["sts:AssumeRole"]
    resources = [aws_iam_role.test_role.arn]
  }
}

resource "aws_iam_group_policy_attachment" "enter_dev" {
  provider   = aws.central
  group      = aws_iam_group.developers.name
  policy_arn = aws_iam_policy.enter_dev.arn
}

resource "aws_iam_user_group_membership" "alice" {
  provider = aws.central
  user     = aws_iam_user.alice.name
  groups   = [aws_iam_group.auditors.name]
}

resource "aws_iam_group" "auditors" {
  provider = aws.central
  name     = "auditors"
  path     = "/audit/"
}

resource "aws_iam_group_policy" "auditors" {
  provider = aws.central
  name     = "read-users"
  group    = aws_iam_group.auditors.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "iam:ListUsers", Resource = "*" }]
  })
}

resource "aws_iam_group_policies_exclusive" "auditors" {
  provider     = aws.central
  group_name   = aws_iam_group.auditors.name
  policy_names = [aws_iam_group_policy.auditors.name]
}

resource "aws_iam_group_policy_attachments_exclusive" "developers" {
  provider    = aws.central
  group_name  = aws_iam_group.developers.name
  policy_arns = [aws_iam_group_policy_attachment.enter_dev.policy_arn]
}

resource "aws_iam_user_policy" "alice" {
  provider = aws.central
  name     = "own-key"
  user     = aws_iam_user.alice.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "iam:GetUser", Resource = aws_iam_user.alice.arn }]
  })
}

resource "aws_iam_user_policies_exclusive" "alice" {
  provider     = aws.central
  user_name    = aws_iam_user.alice.name
  policy_names = [aws_iam_user_policy.alice.name]
}

resource "aws_iam_user_policy_attachment" "alice" {
  provider   = aws.central
  user       = aws_iam_user.alice.name
  policy_arn = "arn:aws:iam::aws:policy/IAMUserChangePassword"
}

resource "aws_iam_user_policy_attachments_exclusive" "alice" {
  provider    = aws.central
  user_name   = aws_iam_user.alice.name
  policy_arns = [aws_iam_user_policy_attachment.alice.policy_arn]
}

resource "aws_iam_user_login_profile" "alice" {
  provider                = aws.central
  user                    = aws_iam_user.alice.name
  password_length         = 24
  password_reset_required = true
}

resource "aws_iam_access_key" "alice" {
  provider = aws.central
  user     = aws_iam_user.alice.name
  status   = var.stage == "dev" ? "Active" : "Inactive"
}

resource "aws_iam_account_alias" "central" {
  provider      = aws.central
  account_alias = "stint-central"
}

resource "aws_iam_account_password_policy" "central" {
  provider                       = aws.central
  minimum_password_length        = 10
  require_lowercase_characters   = true
  require_uppercase_characters   = true
  require_numbers                = true
  require_symbols                = true
  allow_users_to_change_password = true
  max_password_age               = 90
  password_reuse_prevention      = 3
}

# Dev: the role people enter.

data "aws_caller_identity" "central" {
  provider = aws.central
}

resource "aws_iam_role" "test_role" {
  provider = aws.dev
  name     = "test_role"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.central.account_id}:root" }
    }]
  })
  tags = { stage = var.stage }
}

resource "aws_iam_role_policy" "list_buckets" {
  provider = aws.dev
  name     = "list-buckets"
  role     = aws_iam_role.test_role.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" }]
  })
}

# Dev: the role an instance is.

resource "aws_iam_role" "app" {
  provider = aws.dev
  name     = "app"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policies_exclusive" "test_role" {
  provider     = aws.dev
  role_name    = aws_iam_role.test_role.name
  policy_names = [aws_iam_role_policy.list_buckets.name]
}

resource "aws_iam_role_policy_attachments_exclusive" "app" {
  provider    = aws.dev
  role_name   = aws_iam_role.app.name
  policy_arns = [aws_iam_role_policy_attachment.app.policy_arn]
}

resource "aws_iam_role_policy_attachment" "app" {
  provider   = aws.dev
  role       = aws_iam_role.app.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
}

resource "aws_iam_instance_profile" "test_profile" {
  provider = aws.dev
  name     = "test_profile"
  role     = aws_iam_role.app.name
}

data "aws_ami" "linux" {
  provider    = aws.dev
  owners      = ["amazon"]
  most_recent = true
  filter {
    name   = "name"
    values = ["al2023-ami-*-x86_64"]
  }
}

resource "aws_key_pair" "ops" {
  provider   = aws.dev
  key_name   = "ops"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHSbqi1FCUc/mEA9r4cF08KJwkqx64TO1Mkj+QKv0AQD ops"
  tags       = { stage = var.stage }
}

resource "aws_security_group" "app" {
  provider    = aws.dev
  name        = "app"
  description = "The app"
  tags        = { stage = var.stage }
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  provider          = aws.dev
  security_group_id = aws_security_group.app.id
  description       = "https from ${var.stage}"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "10.0.0.0/8"
}

resource "aws_launch_template" "app" {
  provider               = aws.dev
  name                   = "app"
  image_id               = data.aws_ami.linux.id
  instance_type          = "t3.micro"
  key_name               = aws_key_pair.ops.key_name
  vpc_security_group_ids = [aws_security_group.app.id]
  update_default_version = true
  iam_instance_profile {
    name = aws_iam_instance_profile.test_profile.name
  }
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 2
  }
  tags = { stage = var.stage }
}

resource "aws_instance" "app" {
  provider = aws.dev
  launch_template {
    id      = aws_launch_template.app.id
    version = "$Default"
  }
  tags = {
    Name  = "app"
    stage = var.stage
  }
}

resource "aws_iam_openid_connect_provider" "ci" {
  provider        = aws.dev
  url             = "https://token.actions.githubusercontent.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
  tags            = { stage = var.stage }
}

resource "aws_iam_role" "ci" {
  provider             = aws.dev
  name                 = "ci"
  max_session_duration = 7200
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.ci.arn }
      Condition = {
        StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }
        StringLike   = { "token.actions.githubusercontent.com:sub" = "repo:stint/app:*" }
      }
    }]
  })
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  provider                = aws.dev
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "artifacts" {
  provider = aws.dev
  bucket   = aws_s3_bucket.artifacts.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket" "artifacts" {
  provider = aws.dev
  bucket   = "stint-artifacts"
  tags     = { stage = var.stage }
}

resource "aws_s3_bucket_policy" "artifacts" {
  provider = aws.dev
  bucket   = aws_s3_bucket.artifacts.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.app.arn }
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.artifacts.arn}/*"
    }]
  })
}

resource "aws_s3_object" "release" {
  provider = aws.dev
  bucket   = aws_s3_bucket.artifacts.id
  key      = "release.txt"
  content  = "1.0"
}

output "test_role_arn" {
  value = aws_iam_role.test_role.arn
}
