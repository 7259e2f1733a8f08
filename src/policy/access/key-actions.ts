// What people of another account may do with a KMS key at all, whatever its policy says; lower-case.
// Source: KMS developer guide, "Permissions reference", the column "Cross-account use".
export const crossAccountKeyActions: ReadonlySet<string> = new Set([
  'kms:creategrant',
  'kms:decrypt',
  'kms:derivesharedsecret',
  'kms:describekey',
  'kms:encrypt',
  'kms:generatedatakey',
  'kms:generatedatakeypair',
  'kms:generatedatakeypairwithoutplaintext',
  'kms:generatedatakeywithoutplaintext',
  'kms:generatemac',
  'kms:getkeyrotationstatus',
  'kms:getpublickey',
  'kms:listgrants',
  'kms:reencryptfrom',
  'kms:reencryptto',
  'kms:retiregrant',
  'kms:revokegrant',
  'kms:sign',
  'kms:verify',
  'kms:verifymac',
]);
