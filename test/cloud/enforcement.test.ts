// Who may do what, over the wire: every case of test/cases/cloud/enforcement runs against an embedded AWS of its
// own, with the SDK's clients. A case is a list of steps:
//
//   { "name": "…", "source": "AWS page that says so", "steps": [
//     { "as": "dev", "call": "iam:CreateRole", "in": { "RoleName": "r", "AssumeRolePolicyDocument": {…} }, "save": "r" },
//     { "as": "alice", "call": "sts:AssumeRole", "in": { "RoleArn": "${r.Role.Arn}", "RoleSessionName": "s" },
//       "refused": { "code": "AccessDenied", "status": 403, "says": "no identity-based policy allows" } },
//     { "advance": "1h" } ] }
//
// `as`: `central`, `dev`, `test`, `prod` (their user `admin`), `dev:root` and the like, a saved answer that holds
// `AccessKey` or `Credentials`, or `nobody` (unsigned). `user` of a step makes a user in the account of `as`, with an
// inline policy of the given statements, and saves its keys under that name.
// `token` of a step is an order to the test issuer (`POST /_stint/tokens`); `save` names what it signs: `${t.token}`.
// `totp` names the saved answer of CreateVirtualMFADevice; `save` gets what it shows: `${t.now}`, `${t.before}`, `${t.next}`.
// Without `refused` a step must succeed; `answer` is a part of what comes back. `${…}` reads saved answers.
// `raw` of a step is a request signed by hand and spoiled (raw.ts says how), without an SDK's client: `answer` is then
// a part of `{ status, headers, text, json, code, message }`, and `refused` reads the code from XML or JSON.
// Objects under the names of documents are sent as JSON text. `region` is us-east-1 unless given.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { startCloud } from '../../src/cloud/index.ts';
import { Run, type Step } from './steps.ts';

interface Case {
  readonly name: string;
  readonly source: string;
  readonly steps: readonly Step[];
}

const folder = new URL('../cases/cloud/enforcement/', import.meta.url);
for (const file of readdirSync(folder).sort()) {
  describe(`enforcement: ${file.replace('.json', '')}`, () => {
    for (const { name, source, steps } of JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as readonly Case[]) {
      test(name, async () => {
        assert.ok(source.length > 0, 'the case names its source');
        await using cloud = await startCloud();
        using run = new Run(cloud);
        for (const [index, step] of steps.entries()) {
          await run.step(step).catch((error: unknown) => {
            if (error instanceof Error) error.message = `step ${index + 1} of ${steps.length}: ${error.message}`;
            throw error;
          });
        }
      });
    }
  });
}
