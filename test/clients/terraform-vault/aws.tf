# The AWS engine, with a role of each type.
resource "vault_aws_secret_backend" "aws" {
  path                      = "platform/aws"
  description               = "Credentials for ${var.minutes} minutes"
  access_key                = var.account.access_key
  secret_key                = var.account.secret_key
  region                    = "us-east-1"
  iam_endpoint              = var.endpoint
  sts_endpoint              = var.endpoint
  sts_region                = "us-east-1"
  sts_fallback_endpoints    = ["${var.endpoint}/"]
  sts_fallback_regions      = ["us-east-1"]
  default_lease_ttl_seconds = local.seconds
  max_lease_ttl_seconds     = 7200
  listing_visibility        = "unauth"
}

resource "vault_aws_secret_backend_role" "user" {
  backend                  = vault_aws_secret_backend.aws.path
  name                     = "user"
  credential_type          = "iam_user"
  policy_document          = local.document
  policy_arns              = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "arn:aws:iam::aws:policy/IAMReadOnlyAccess"]
  permissions_boundary_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
  user_path                = "/lent/"
  iam_tags                 = { team = "platform", minutes = tostring(var.minutes) }
}

resource "vault_aws_secret_backend_role" "group" {
  backend         = vault_aws_secret_backend.aws.path
  name            = "group"
  credential_type = "iam_user"
  iam_groups      = ["readers"]
}

resource "vault_aws_secret_backend_role" "assumed" {
  backend         = vault_aws_secret_backend.aws.path
  name            = "assumed"
  credential_type = "assumed_role"
  role_arns       = [local.role_arn]
  policy_arns     = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
  default_sts_ttl = local.seconds
  max_sts_ttl     = 3600
  session_tags    = { team = "platform" }
  external_id     = "stint-${var.minutes}"
}

resource "vault_aws_secret_backend_role" "federated" {
  backend         = vault_aws_secret_backend.aws.path
  name            = "federated"
  credential_type = "federation_token"
  policy_document = local.document
  default_sts_ttl = local.seconds
  max_sts_ttl     = 3600
}

# The provider's own resource insists on a policy, which this type does not take.
resource "vault_generic_endpoint" "session" {
  path                 = "${vault_aws_secret_backend.aws.path}/roles/session"
  data_json            = jsonencode({ credential_type = "session_token", default_sts_ttl = local.seconds })
  ignore_absent_fields = true
}

resource "vault_aws_secret_backend_static_role" "robot" {
  backend         = vault_aws_secret_backend.aws.path
  name            = "robot"
  username        = nonsensitive(var.account.user)
  rotation_period = local.seconds
}

resource "vault_mount" "other" {
  type                         = "aws"
  path                         = "other"
  description                  = "for ${var.minutes} minutes"
  default_lease_ttl_seconds    = local.seconds
  max_lease_ttl_seconds        = 3600
  audit_non_hmac_request_keys  = ["role_arn"]
  audit_non_hmac_response_keys = ["access_key"]
  listing_visibility           = "hidden"
  passthrough_request_headers  = ["x-team"]
  allowed_response_headers     = ["x-answer"]
}

data "vault_aws_access_credentials" "user" {
  count   = var.lend ? 1 : 0
  backend = vault_aws_secret_backend.aws.path
  role    = vault_aws_secret_backend_role.user.name
}

data "vault_aws_access_credentials" "federated" {
  count   = var.lend ? 1 : 0
  backend = vault_aws_secret_backend.aws.path
  role    = vault_aws_secret_backend_role.federated.name
  type    = "sts"
  ttl     = "20m"
}

data "vault_aws_access_credentials" "assumed" {
  count    = var.lend ? 1 : 0
  backend  = vault_aws_secret_backend.aws.path
  role     = vault_aws_secret_backend_role.assumed.name
  type     = "sts"
  role_arn = local.role_arn
}

data "vault_aws_static_access_credentials" "robot" {
  count   = var.lend ? 1 : 0
  backend = vault_aws_secret_backend.aws.path
  name    = vault_aws_secret_backend_static_role.robot.name
}

output "lent" {
  sensitive = true
  value = {
    for name, keys in {
      user      = one(data.vault_aws_access_credentials.user)
      federated = one(data.vault_aws_access_credentials.federated)
      assumed   = one(data.vault_aws_access_credentials.assumed)
      static    = one(data.vault_aws_static_access_credentials.robot)
      } : name => {
      accessKeyId     = keys.access_key
      secretAccessKey = keys.secret_key
      sessionToken    = try(keys.security_token, "")
    } if keys != null
  }
}
