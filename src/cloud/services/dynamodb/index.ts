// DynamoDB: tables and items. dynalite does what is done with items; tables, policies, settings and
// transactions are ours.
import type { Service } from '../../call.ts';
import { batchOperations } from './batches.ts';
import { itemOperations } from './items.ts';
import { policyOperations } from './resource-policy.ts';
import { settingOperations } from './settings.ts';
import { tableOperations } from './tables.ts';
import { tagOperations } from './tags.ts';
import { transactionOperations } from './transactions.ts';
import { updateTableOperations } from './update-table.ts';

export const dynamodb: Service = {
  id: 'dynamodb',
  operations: {
    ...tableOperations,
    ...updateTableOperations,
    ...itemOperations,
    ...batchOperations,
    ...transactionOperations,
    ...tagOperations,
    ...settingOperations,
    ...policyOperations,
  },
};
