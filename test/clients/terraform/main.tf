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
    iam = var.endpoint
    sts = var.endpoint
    s3  = var.endpoint
    ec2 = var.endpoint
  }
}

provider "aws" {
  alias             = "dev"
  region            = "us-east-1"
  access_key        = var.dev.access_key
  secret_key        = var.dev.secret_key
  s3_use_path_style = true
  endpoints {
    iam = var.endpoint
    sts = var.endpoint
    s3  = var.endpoint
    ec2 = var.endpoint
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

resource "aws_instance" "app" {
  provider             = aws.dev
  ami                  = data.aws_ami.linux.id
  instance_type        = "t3.micro"
  iam_instance_profile = aws_iam_instance_profile.test_profile.name
  metadata_options {
    http_tokens = "required"
  }
  tags = {
    Name  = "app"
    stage = var.stage
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

output "instance_id" {
  value = aws_instance.app.id
}
