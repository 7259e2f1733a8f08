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

// What a grant can allow. Source: KMS developer guide, "Grant operations".
const grantable =
  /^kms:(?:creategrant|decrypt|derivesharedsecret|describekey|encrypt|generate(?:datakey.*|mac)|getpublickey|reencrypt(?:from|to)|retiregrant|sign|verify|verifymac)$/i;

/** Whether a grant of a key could allow it. */
export function canBeGranted(action: string): boolean {
  return grantable.test(action);
}

/** Whether it is the one action of which a key's policy and RCPs say nothing, but the grants themselves. */
export const isRetiring = (action: string): boolean => action.toLowerCase() === 'kms:retiregrant';
