terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "name" { type = string }
variable "managed" { type = list(string) }
variable "central_id" { type = string }
variable "organization" { type = string }
variable "session" { type = number }
variable "boundary" { type = string }

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "Made by the role module"
  max_session_duration = var.session
  permissions_boundary = var.boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:aws:iam::${var.central_id}:root" }
      Condition = {
        Bool         = { "aws:MultiFactorAuthPresent" = "true" }
        StringEquals = { "aws:PrincipalOrgID" = var.organization }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "managed" {
  for_each   = toset(var.managed)
  role       = aws_iam_role.this.name
  policy_arn = "arn:aws:iam::aws:policy/${contains(["SupportUser"], each.value) ? "job-function/" : ""}${each.value}"
}
