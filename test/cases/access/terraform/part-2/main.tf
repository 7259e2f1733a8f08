# The tutorial's second part, traps and all: trust in a bare account, an instance without IMDSv2, and, where
# `twice` is set, two roles of one name.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "central_id" {
  type    = string
  default = "111111111111"
}

variable "twice" {
  type    = bool
  default = false
}

variable "database_password" {
  type      = string
  sensitive = true
  default   = "FAKE-SECRET-of-the-database"
}

provider "aws" {
  region = "us-east-1"
  assume_role {
    role_arn = "arn:aws:iam::222222222222:role/OrganizationAccountAccessRole"
  }
}

resource "aws_iam_role" "test_role" {
  name = "test_role"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = var.central_id }
    }]
  })
  inline_policy {
    name = "list-buckets"
    policy = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = ["s3:ListAllMyBuckets"], Resource = "*" }]
    })
  }
}

resource "aws_iam_role" "instance" {
  name = var.twice ? "test_role" : "instance"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "s3" {
  role       = aws_iam_role.instance.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
}

resource "aws_iam_instance_profile" "test_profile" {
  name = "test_profile"
  role = aws_iam_role.instance.name
}

data "aws_ami" "linux" {
  owners      = ["amazon"]
  most_recent = true
  filter {
    name   = "name"
    values = ["amzn2-ami-hvm-*-x86_64-gp2"]
  }
}

resource "aws_instance" "app" {
  ami                  = data.aws_ami.linux.id
  instance_type        = "t3.micro"
  iam_instance_profile = aws_iam_instance_profile.test_profile.name
  user_data            = "#!/bin/sh\nexport DB=${var.database_password}\n"
}

output "role_arn" {
  value = aws_iam_role.test_role.arn
}
