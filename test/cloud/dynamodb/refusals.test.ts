// What DynamoDB refuses, in its words. The words were measured on AWS by others and are facts of the wire: dynalite's
// rules, moto's tests that are marked as verified, and published notes on the ACK controllers.
import assert from 'node:assert/strict';
import * as sdk from '@aws-sdk/client-dynamodb';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { dynamodbOf, tableOf } from './support.ts';

interface Case {
  readonly name: string;
  readonly call: string;
  readonly in: object;
  readonly code: string;
  readonly message: string;
}

type Commands = Readonly<Record<string, new (input: object) => sdk.ListTablesCommand>>;

let cloud: Cloud;
let db: sdk.DynamoDBClient;

before(async () => {
  cloud = await startCloud();
  db = dynamodbOf(cloud);
  await db.send(tableOf('plain'));
  const StreamSpecification = { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' } as const;
  await db.send(tableOf('streamed', { StreamSpecification }));
});

after(async () => {
  db.destroy();
  await cloud.stop();
});

const file = new URL('../../cases/cloud/dynamodb-refusals.json', import.meta.url);
for (const { name, call, in: input, code, message } of JSON.parse(readFileSync(file, 'utf8')) as readonly Case[]) {
  test(`${call} refuses ${name}`, async () => {
    const command = new (sdk as unknown as Commands)[`${call}Command`]!(input);
    await assert.rejects(db.send(command), (error: sdk.DynamoDBServiceException) => {
      const { name: seen, message: said, $metadata } = error;
      assert.deepEqual([seen, said, $metadata.httpStatusCode], [code, message, 400]);
      return true;
    });
  });
}
