# Who may log in, and what they may do.
resource "vault_policy" "lender" {
  name   = "lender"
  policy = <<-HCL
    # ${var.minutes} minutes
    path "${vault_aws_secret_backend.aws.path}/creds/*" {
      capabilities = ["read"]
    }
  HCL
}

resource "vault_auth_backend" "people" {
  type        = "userpass"
  path        = "people"
  description = "People, ${var.minutes} minutes"
  tune {
    default_lease_ttl  = "${var.minutes}m"
    max_lease_ttl      = "2h"
    listing_visibility = "unauth"
    token_type         = "default-service"
  }
}

resource "vault_generic_endpoint" "ann" {
  path                 = "auth/${vault_auth_backend.people.path}/users/ann"
  data_json            = jsonencode({ password = "first-${var.minutes}", token_policies = ["lender"] })
  ignore_absent_fields = true
}

resource "vault_auth_backend" "programs" {
  type = "approle"
}

resource "vault_approle_auth_backend_role" "ci" {
  backend               = vault_auth_backend.programs.path
  role_name             = "ci"
  role_id               = "ci-${var.minutes}"
  token_policies        = [vault_policy.lender.name]
  token_ttl             = local.seconds
  token_max_ttl         = 7200
  secret_id_ttl         = 3600
  secret_id_bound_cidrs = ["127.0.0.0/8"]
  token_bound_cidrs     = ["127.0.0.0/8"]
}

resource "vault_approle_auth_backend_role_secret_id" "ci" {
  backend   = vault_auth_backend.programs.path
  role_name = vault_approle_auth_backend_role.ci.role_name
  metadata  = jsonencode({ job = "build" })
  cidr_list = ["127.0.0.1/32"]
  ttl       = 3600
}

resource "vault_approle_auth_backend_role_secret_id" "wrapped" {
  backend      = vault_auth_backend.programs.path
  role_name    = vault_approle_auth_backend_role.ci.role_name
  wrapping_ttl = "5m"
}

resource "vault_approle_auth_backend_login" "ci" {
  backend   = vault_auth_backend.programs.path
  role_id   = vault_approle_auth_backend_role.ci.role_id
  secret_id = vault_approle_auth_backend_role_secret_id.ci.secret_id
}

resource "vault_jwt_auth_backend" "pipeline" {
  path                   = "pipeline"
  description            = "Pipelines"
  jwt_validation_pubkeys = [trimspace(var.public_key)]
  bound_issuer           = "https://ci.example.com/${var.minutes}"
  default_role           = "build"
  tune {
    default_lease_ttl = "${var.minutes}m"
  }
}

resource "vault_jwt_auth_backend_role" "build" {
  backend           = vault_jwt_auth_backend.pipeline.path
  role_name         = "build"
  role_type         = "jwt"
  user_claim        = "sub"
  bound_audiences   = ["stint"]
  bound_claims      = { repository = "platform,web", ref = "main" }
  bound_claims_type = "glob"
  claim_mappings    = { repository = "repository" }
  token_policies    = [vault_policy.lender.name]
  token_ttl         = local.seconds
}

resource "vault_auth_backend" "signed" {
  type = "aws"
}

resource "vault_aws_auth_backend_client" "signed" {
  backend                    = vault_auth_backend.signed.path
  access_key                 = var.account.access_key
  secret_key                 = var.account.secret_key
  sts_endpoint               = var.endpoint
  sts_region                 = "us-east-1"
  iam_endpoint               = var.endpoint
  iam_server_id_header_value = "server-${var.minutes}"
}

resource "vault_aws_auth_backend_role" "dev" {
  backend                  = vault_auth_backend.signed.path
  role                     = "dev"
  auth_type                = "iam"
  bound_iam_principal_arns = ["arn:aws:iam::${nonsensitive(var.account.id)}:user/admin"]
  resolve_aws_unique_ids   = true
  token_policies           = [vault_policy.lender.name]
  token_ttl                = local.seconds
  depends_on               = [vault_aws_auth_backend_client.signed]
}

resource "vault_token_auth_backend_role" "short" {
  role_name        = "short"
  allowed_policies = [vault_policy.lender.name]
  orphan           = true
  token_period     = local.seconds
  renewable        = true
}

resource "vault_token" "deploy" {
  policies        = [vault_policy.lender.name]
  display_name    = "deploy"
  ttl             = "1h"
  renewable       = true
  renew_min_lease = 60
  renew_increment = 3600
  metadata        = { minutes = tostring(var.minutes) }
}

resource "vault_token" "short" {
  role_name = vault_token_auth_backend_role.short.role_name
  policies  = [vault_policy.lender.name]
}

resource "vault_identity_entity" "ann" {
  name     = "ann"
  policies = [vault_policy.lender.name]
  metadata = { minutes = tostring(var.minutes) }
}

resource "vault_identity_entity_alias" "ann" {
  name            = "ann"
  mount_accessor  = vault_auth_backend.people.accessor
  canonical_id    = vault_identity_entity.ann.id
  custom_metadata = { desk = tostring(var.minutes) }
}

resource "vault_identity_group" "team" {
  name              = "team"
  policies          = [vault_policy.lender.name]
  member_entity_ids = [vault_identity_entity.ann.id]
  metadata          = { minutes = tostring(var.minutes) }
}

resource "vault_identity_group" "outside" {
  name     = "outside"
  type     = "external"
  policies = [vault_policy.lender.name]
}

resource "vault_identity_group_alias" "outside" {
  name           = "outside-${var.minutes}"
  mount_accessor = vault_jwt_auth_backend.pipeline.accessor
  canonical_id   = vault_identity_group.outside.id
}
