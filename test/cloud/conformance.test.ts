// Every offered operation, called with its smallest and its fullest input by the SDK's own client, against an
// embedded AWS that holds one thing of each kind. An answer must be what the SDK's schema says; a refusal must have a
// code that the service has, and be the one that test/cases/cloud/conformance/refusals.json expects.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startCloud } from '../../src/cloud/index.ts';
import { Services, serviceIds } from '../../src/cloud/services/index.ts';
import { faultsOf, inputOf, type Fullness, type Values } from './schemas.ts';
import { modules } from './sdk-modules.ts';
import { Run, type Step } from './steps.ts';

function data(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../cases/cloud/conformance/${name}.json`, import.meta.url), 'utf8'));
}

const fixtures = data('fixtures') as readonly Step[];
const values = data('values') as Values;
/** `service fullness` → operation → the code it is refused with. */
const refusals = data('refusals') as Readonly<Record<string, Readonly<Record<string, string>>>>;

// What makes something before what changes it, and what takes it away last.
const order = [/^(?:Get|List|Describe|Head|Lookup|Simulate|Decode|Query|Scan|Batch)/, /^(?:Create|Put|Run|Upload)/];
const last = /^(?:Delete|Terminate|Leave|Close|Remove|Schedule|Deactivate|Disable|Abort)/;

function rank(operation: string): number {
  const found = order.findIndex((pattern) => pattern.test(operation));
  return last.test(operation) ? order.length + 1 : found === -1 ? order.length : found;
}

const services = new Services();
for (const service of serviceIds) {
  const operations = Object.keys((await services.get(service))!.operations).sort((a, b) => rank(a) - rank(b));
  for (const fullness of ['smallest', 'fullest'] as const satisfies readonly Fullness[]) {
    test(`${service}: each operation answers its ${fullness} input as its schema says`, async () => {
      await using cloud = await startCloud();
      using run = new Run(cloud);
      for (const step of fixtures) await run.step(step);
      const refused: Record<string, string> = {};
      const faults: string[] = [];
      for (const operation of operations) {
        const schema = modules[service][`${operation}$`] as readonly unknown[];
        const outcome = await run.send(
          'central',
          `${service}:${operation}`,
          inputOf(service, operation, schema, fullness, values),
        );
        if (outcome instanceof Error) refused[operation] = codeOf(outcome, faults, operation);
        else faults.push(...faultsOf(schema[5], outcome).map((fault) => `${operation}: ${fault}`));
      }
      assert.deepEqual(faults, []);
      assert.deepEqual(refused, refusals[`${service} ${fullness}`] ?? {});
    });
  }
}

function codeOf(
  error: Error & { readonly $metadata?: { httpStatusCode?: number } },
  faults: string[],
  operation: string,
): string {
  const status = error.$metadata?.httpStatusCode;
  // S3 answers 501 for a header of a feature that it has not.
  const isRefusal = status !== undefined && status >= 300 && (status < 500 || error.name === 'NotImplemented');
  if (!isRefusal) faults.push(`${operation}: ${status} ${error.name}: ${error.message}`);
  return error.name;
}
