# A module-heavy estate: one central account, two members by aliased providers, roles by for_each, count and modules
# within modules, attachments in every way that the provider knows.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "us-east-1"
}

provider "aws" {
  alias  = "dev"
  region = "us-east-1"
  assume_role {
    role_arn = "arn:aws:iam::222222222222:role/OrganizationAccountAccessRole"
  }
}

provider "aws" {
  alias  = "test"
  region = "us-east-1"
  assume_role {
    role_arn = "arn:aws:iam::333333333333:role/OrganizationAccountAccessRole"
  }
}

data "aws_caller_identity" "central" {}

locals {
  people = { alice = ["developers"], bob = ["developers", "auditors"] }
}

variable "organization" {
  type    = string
  default = "o-stintlocal"
}

variable "session" {
  type    = number
  default = 7200
}

resource "aws_iam_group" "team" {
  for_each = toset(["developers", "auditors"])
  name     = each.key
}

resource "aws_iam_user" "person" {
  for_each = local.people
  name     = each.key
  tags     = { team = "core" }
}

resource "aws_iam_user_group_membership" "person" {
  for_each = local.people
  user     = aws_iam_user.person[each.key].name
  groups   = [for group in each.value : aws_iam_group.team[group].name]
}

resource "aws_iam_group_policy" "own_key" {
  name  = "own-key"
  group = aws_iam_group.team["developers"].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = {
      Effect   = "Allow"
      Action   = "iam:GetUser"
      Resource = "arn:aws:iam::*:user/$${aws:username}"
    }
  })
}

resource "aws_iam_policy_attachment" "read_only" {
  name       = "read-only"
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
  groups     = [aws_iam_group.team["auditors"].name]
}

module "dev" {
  source       = "./account"
  providers    = { aws = aws.dev }
  stage        = "dev"
  central_id   = data.aws_caller_identity.central.account_id
  organization = var.organization
  session      = var.session
}

module "test" {
  source       = "./account"
  providers    = { aws = aws.test }
  stage        = "test"
  central_id   = data.aws_caller_identity.central.account_id
  organization = var.organization
  session      = var.session
}

resource "aws_iam_openid_connect_provider" "ci" {
  provider        = aws.dev
  url             = "https://token.actions.githubusercontent.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
}

resource "aws_iam_role" "deploy" {
  provider = aws.dev
  name     = "deploy"
  path     = "/ci/"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.ci.arn }
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = "repo:example/app:environment:dev"
        }
      }
    }]
  })
  tags = { ManagedBy = "terraform" }
}

resource "aws_iam_role_policy_attachments_exclusive" "deploy" {
  provider    = aws.dev
  role_name   = aws_iam_role.deploy.name
  policy_arns = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]
}

resource "aws_iam_role_policies_exclusive" "deploy" {
  provider     = aws.dev
  role_name    = aws_iam_role.deploy.name
  policy_names = []
}
