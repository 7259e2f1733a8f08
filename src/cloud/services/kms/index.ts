// KMS: keys of the Key Management Service.
import type { Service } from '../../call.ts';

export const kms: Service = { id: 'kms', operations: {} };
