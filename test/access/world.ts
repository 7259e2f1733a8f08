// One embedded AWS for a file of tests about definitions: wanted, planned and applied as a user would have it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach } from 'node:test';
import {
  applyDefinition,
  chooseRun,
  compileDefinition,
  makePlan,
  openJournal,
  planUndo,
  undoScope,
  type ApplyResult,
  type Plan,
  type Wanted,
} from '../../src/access/index.ts';
import type { ApplyContext } from '../../src/access/apply.ts';
import { definitionSchema } from '../../src/access/model.ts';
import { referenceProblems } from '../../src/access/references.ts';
import { openAccounts, type AwsAccounts } from '../../src/aws/index.ts';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';

export const central = '111111111111';
export const dev = '222222222222';
export const prod = '444444444444';

/** The accounts of every definition here. */
export const base = {
  version: 1,
  organization: 'o-stintlocal',
  accounts: {
    central: { id: central, stage: 'central', central: true },
    dev: { id: dev, stage: 'dev', ou: 'Workloads/Dev' },
    prod: { id: prod, stage: 'prod', ou: 'Workloads/Prod' },
  },
  stages: ['central', 'dev', 'prod'],
};

/** What a definition wants that has these members beside its accounts. */
export function wantedOf(over: object, now = systemClock.now()): Wanted {
  const definition = definitionSchema.parse({ ...base, ...over });
  assert.deepEqual(referenceProblems(definition), []);
  return compileDefinition(definition, now);
}

const signs = { add: '+', change: '~', destroy: '-' } as const;

/** `+ dev/role/app` and so on. */
export const changesOf = (plan: Plan): string[] => plan.changes.map(({ action, id }) => `${signs[action]} ${id}`);

/** An embedded AWS that is as new before each test of the file. */
export class World {
  readonly #folder = mkdtempSync(join(tmpdir(), 'stint-access-'));
  #cloud: Cloud | undefined;
  #accounts: AwsAccounts | undefined;
  #runs = 0;

  constructor() {
    before(async () => {
      this.#cloud = await startCloud();
    });
    after(async () => {
      await this.cloud.stop();
      rmSync(this.#folder, { recursive: true, force: true });
    });
    beforeEach(async () => {
      await this.control('reset', {});
      const { accessKeyId, secretAccessKey } = this.cloud.credentials.accounts[central]!;
      this.#accounts = this.openAs({ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
    });
  }

  get cloud(): Cloud {
    return this.#cloud!;
  }

  get accounts(): AwsAccounts {
    return this.#accounts!;
  }

  async control(path: string, body: object): Promise<void> {
    const answer = await fetch(`${this.cloud.endpoint}/_stint/${path}`, {
      method: 'POST',
      headers: { 'x-stint-control': this.cloud.controlToken, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.ok(answer.ok);
  }

  openAs(keys: Readonly<Record<string, string>>): AwsAccounts {
    return openAccounts({
      env: { AWS_ENDPOINT_URL: this.cloud.endpoint, AWS_REGION: 'us-east-1', ...keys },
      clock: systemClock,
      random: systemRandom,
      // No test waits: what is worth another try is tried at once.
      sleep: async () => undefined,
    });
  }

  /** The accounts as a person of the central account sees them, by a fresh key. */
  async openAsPerson(UserName: string): Promise<AwsAccounts> {
    const { iam } = await this.accounts.account(central);
    const { AccessKey } = await iam.createAccessKey({ UserName });
    return this.openAs({
      AWS_ACCESS_KEY_ID: AccessKey!.AccessKeyId!,
      AWS_SECRET_ACCESS_KEY: AccessKey!.SecretAccessKey!,
    });
  }

  #context(wanted: Wanted, over: Partial<ApplyContext>): ApplyContext {
    return {
      mode: 'apply',
      wanted,
      accounts: this.accounts,
      confirm: async () => undefined,
      openJournal: (header) => openJournal(this.#folder, `run-${++this.#runs}`, header, systemClock),
      clock: systemClock,
      random: systemRandom,
      sleep: async () => undefined,
      holder: { host: 'here', pid: 1 },
      hasEnded: () => false,
      ...over,
    };
  }

  apply(wanted: Wanted, over: Partial<ApplyContext> = {}): Promise<ApplyResult> {
    return applyDefinition(this.#context(wanted, over));
  }

  /** Takes a run back, from its journal alone. */
  undo({ run: id }: ApplyResult): Promise<ApplyResult> {
    const run = chooseRun(this.#folder, id);
    return this.apply(undoScope(run), { mode: 'undo', undoes: run.run, planFrom: (seen) => planUndo(run, seen) });
  }

  async plan(wanted: Wanted): Promise<Plan> {
    return (await makePlan(this.#context(wanted, {}))).plan;
  }
}
