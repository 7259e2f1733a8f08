// CloudTrail: the event log as auditors read it. There are no trails: the event history needs none.
import type { DescribeTrailsResponse, ListTrailsResponse } from '@aws-sdk/client-cloudtrail';
import { operation, type Service } from '../../call.ts';
import { lookupEvents } from './lookup.ts';

const depth = 'there are no trails, and none can be made';

export const cloudtrail: Service = {
  id: 'cloudtrail',
  operations: {
    LookupEvents: lookupEvents,
    DescribeTrails: operation<object, DescribeTrailsResponse>({
      permissions: () => [{ action: 'cloudtrail:DescribeTrails', resource: '*' }],
      handle: () => ({ trailList: [] }),
      depth,
    }),
    ListTrails: operation<object, ListTrailsResponse>({
      permissions: () => [{ action: 'cloudtrail:ListTrails', resource: '*' }],
      handle: () => ({ Trails: [] }),
      depth,
    }),
  },
};
