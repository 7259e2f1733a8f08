# How a platform team sets a lending server up: mounts, roles, policies, logins, people, quotas and an audit file.
terraform {
  required_providers {
    vault = {
      source = "hashicorp/vault"
    }
  }
}

variable "address" {
  description = "Address of the lending server"
  type        = string
}

variable "token" {
  description = "Its root token"
  type        = string
  sensitive   = true
}

variable "endpoint" {
  description = "Address of the AWS that it lends from"
  type        = string
}

variable "account" {
  description = "Account, role and user that it lends, and the key that it acts with"
  type        = object({ id = string, role = string, user = string, access_key = string, secret_key = string })
  sensitive   = true
}

variable "public_key" {
  description = "Key that signs the tokens of the pipeline"
  type        = string
}

variable "audit_file" {
  description = "File that the audit device writes"
  type        = string
}

variable "minutes" {
  description = "Changed to see a change"
  type        = number
  default     = 30
}

variable "lend" {
  description = "Whether credentials are read"
  type        = bool
  default     = false
}

locals {
  seconds  = var.minutes * 60
  role_arn = "arn:aws:iam::${nonsensitive(var.account.id)}:role/${nonsensitive(var.account.role)}"
  document = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:ListAllMyBuckets", "iam:GetUser"], Resource = "*" }]
  })
}

provider "vault" {
  address = var.address
  token   = var.token
}

resource "vault_audit" "file" {
  type        = "file"
  path        = "record"
  description = "All that is asked and answered"
  options     = { file_path = var.audit_file }
}

resource "vault_quota_rate_limit" "all" {
  name     = "all"
  path     = ""
  rate     = 5000 + var.minutes
  interval = 60
}

resource "vault_quota_lease_count" "aws" {
  name       = "few"
  path       = "${vault_aws_secret_backend.aws.path}/"
  max_leases = 5000 + var.minutes
}
