terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "stage" { type = string }
variable "central_id" { type = string }
variable "organization" { type = string }
variable "session" { type = number }

resource "aws_iam_policy" "boundary" {
  name   = "boundary"
  path   = "/limits/"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] })
}

module "role" {
  source   = "../role"
  for_each = { reader = ["ReadOnlyAccess"], support = ["SupportUser", "AWSSupportAccess"] }

  name         = each.key
  managed      = each.value
  central_id   = var.central_id
  organization = var.organization
  session      = var.session
  boundary     = aws_iam_policy.boundary.arn
}

data "aws_iam_policy_document" "queue" {
  statement {
    actions   = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"]
    resources = ["arn:aws:sqs:*:*:jobs", "arn:aws:sqs:*:*:dead-jobs"]
  }
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::app-${var.stage}/$${aws:PrincipalTag/team}/*"]
  }
}

resource "aws_iam_role" "worker" {
  count = 2
  name  = "worker-${count.index}"
  assume_role_policy = jsonencode({
    Statement = [{
      Action    = ["sts:AssumeRole"]
      Effect    = "Allow"
      Principal = { Service = ["ec2.amazonaws.com"] }
      Sid       = ""
    }]
    Version = "2012-10-17"
  })
}

resource "aws_iam_role_policy" "queue" {
  count  = 2
  name   = "queue"
  role   = aws_iam_role.worker[count.index].id
  policy = data.aws_iam_policy_document.queue.json
}

resource "aws_iam_instance_profile" "worker" {
  count = 2
  name  = "worker-${count.index}"
  role  = aws_iam_role.worker[count.index].name
}

resource "aws_launch_template" "worker" {
  name          = "worker"
  instance_type = "t3.micro"
  iam_instance_profile {
    arn = aws_iam_instance_profile.worker[0].arn
  }
  metadata_options {
    http_tokens = "required"
  }
}
