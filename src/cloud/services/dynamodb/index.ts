// DynamoDB: tables and items.
import type { Service } from '../../call.ts';

export const dynamodb: Service = { id: 'dynamodb', operations: {} };
