# The table that Terraform locks its state with.

resource "aws_dynamodb_table" "locks" {
  provider     = aws.dev
  name         = "locks"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LockID"
  attribute {
    name = "LockID"
    type = "S"
  }
  tags = { stage = var.stage }
}
