// What the tests of DynamoDB share: a client of an account's administrator, and the smallest table.
import { CreateTableCommand, DynamoDBClient, type CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { Cloud } from '../../../src/cloud/index.ts';
import { adminOf, configOf, dev } from '../support.ts';

export function dynamodbOf(cloud: Cloud, account: string = dev, region: string = 'us-east-1'): DynamoDBClient {
  return new DynamoDBClient({ ...configOf(cloud, adminOf(cloud, account)), region });
}

/** A table of the string key `id`; with `range` also of the number key `at`. */
export function tableOf(
  name: string,
  options: { readonly range?: boolean } & Partial<CreateTableCommandInput> = {},
): CreateTableCommand {
  const { range = false, AttributeDefinitions = [], ...more } = options;
  return new CreateTableCommand({
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'id', KeyType: 'HASH' },
      ...(range ? [{ AttributeName: 'at', KeyType: 'RANGE' } as const] : []),
    ],
    ...more,
    AttributeDefinitions: [
      { AttributeName: 'id', AttributeType: 'S' },
      ...(range ? [{ AttributeName: 'at', AttributeType: 'N' } as const] : []),
      ...AttributeDefinitions,
    ],
  });
}
