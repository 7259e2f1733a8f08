# An organisation: units, guard rails of both kinds on the root, a unit and an account, and people who sign in by SAML.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region              = "us-east-1"
  allowed_account_ids = ["111111111111"]
}

variable "exempt" {
  type    = list(string)
  default = ["arn:aws:iam::*:role/OrganizationAccountAccessRole"]
}

data "aws_organizations_organization" "this" {}

resource "aws_organizations_organizational_unit" "sandbox" {
  name      = "Sandbox"
  parent_id = data.aws_organizations_organization.this.roots[0].id
}

resource "aws_organizations_organizational_unit" "trials" {
  name      = "Trials"
  parent_id = aws_organizations_organizational_unit.sandbox.id
}

resource "aws_organizations_policy" "stay" {
  name        = "stay"
  description = "Nobody leaves"
  content = jsonencode({
    Version   = "2012-10-17"
    Statement = { Effect = "Deny", Action = "organizations:LeaveOrganization", Resource = "*" }
  })
}

resource "aws_organizations_policy_attachment" "stay" {
  policy_id = aws_organizations_policy.stay.id
  target_id = data.aws_organizations_organization.this.roots[0].id
}

resource "aws_organizations_policy" "frozen" {
  name = "frozen"
  type = "SERVICE_CONTROL_POLICY"
  content = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Frozen"
      Effect    = "Deny"
      Action    = ["ec2:RunInstances", "iam:CreateUser"]
      Resource  = "*"
      Condition = { ArnNotLike = { "aws:PrincipalArn" = var.exempt } }
    }]
  })
  tags = { Team = "platform" }
}

resource "aws_organizations_policy_attachment" "frozen" {
  for_each  = { trials = aws_organizations_organizational_unit.trials.id, sandbox = aws_organizations_organizational_unit.sandbox.id }
  policy_id = aws_organizations_policy.frozen.id
  target_id = each.value
}

resource "aws_organizations_policy" "own_data" {
  name = "own-data"
  type = "RESOURCE_CONTROL_POLICY"
  content = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = "*"
      Condition = { StringNotEqualsIfExists = { "aws:PrincipalOrgID" = data.aws_organizations_organization.this.id } }
    }]
  })
}

resource "aws_organizations_policy_attachment" "own_data" {
  for_each  = toset(["333333333333", "444444444444"])
  policy_id = aws_organizations_policy.own_data.id
  target_id = each.value
}

resource "aws_organizations_policy" "tagged" {
  name = "tagged"
  type = "SERVICE_CONTROL_POLICY"
  content = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Deny", Action = "s3:DeleteBucket", Resource = "*" }]
  })
}

resource "aws_iam_saml_provider" "okta" {
  name                   = "okta"
  saml_metadata_document = file("${path.module}/metadata.xml")
}

resource "aws_iam_role" "guest" {
  name = "guest"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_saml_provider.okta.arn }
      Action    = ["sts:AssumeRoleWithSAML", "sts:SetSourceIdentity"]
      Condition = { StringEquals = { "SAML:aud" = "https://signin.aws.amazon.com/saml" } }
    }]
  })
}
