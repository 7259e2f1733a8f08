// CloudTrail: the event log as auditors read it.
import type { Service } from '../../call.ts';

export const cloudtrail: Service = { id: 'cloudtrail', operations: {} };
