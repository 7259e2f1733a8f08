// A world for applies: the embedded AWS, a definition of four accounts, and an apply with nothing around it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  applyDefinition,
  compileDefinition,
  makePlan,
  openJournal,
  type ApplyResult,
  type Plan,
  type Wanted,
} from '../../src/access/index.ts';
import type { ApplyContext } from '../../src/access/apply.ts';
import { definitionSchema } from '../../src/access/model.ts';
import { openAccounts, type AwsAccounts } from '../../src/aws/index.ts';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { accessDiffLines } from '../../src/policy/index.ts';

export const central = '111111111111';
export const dev = '222222222222';
export const prod = '444444444444';

export const definition = {
  version: 1,
  organization: 'o-stintlocal',
  accounts: {
    central: { id: central, stage: 'central', central: true },
    dev: { id: dev, stage: 'dev' },
    test: { id: '333333333333', stage: 'test' },
    prod: { id: prod, stage: 'prod' },
  },
  stages: ['central', 'dev', 'test', 'prod'],
  passwordPolicy: { in: ['central'], minimumLength: 10 },
  policies: { reader: { statements: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }] } },
  groups: { developers: { policies: ['reader'] }, Administrators: { managed: ['AdministratorAccess'] } },
  people: { alice: { groups: ['developers'], console: true }, Administrator: { groups: ['Administrators'] } },
  roles: {
    test_role: {
      in: ['dev', 'test', 'prod'],
      trust: [
        { group: 'developers', only: ['dev'], mfa: { off: true, reason: 'the people of the story have no device' } },
        { group: 'developers', except: ['dev'] },
      ],
      statements: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }],
    },
    app: {
      in: ['dev'],
      trust: [{ service: 'ec2.amazonaws.com' }],
      managed: ['AmazonS3ReadOnlyAccess'],
      policies: ['reader'],
      instanceProfile: 'test_profile',
    },
    chained: { in: ['dev'], trust: [{ role: 'prod/back' }] },
    back: { in: ['prod'], trust: [{ role: 'dev/chained' }, { person: 'alice' }] },
  },
};

export function wantedOf(over: object = {}): Wanted {
  return compileDefinition(definitionSchema.parse({ ...definition, ...over }), systemClock.now());
}

/** Who gains and who loses what by the plan, line by line. */
export function accessLines({ meaning }: ApplyResult['plan']): readonly string[] {
  return meaning === undefined ? [] : accessDiffLines(meaning.catalog, meaning, true);
}

export interface World {
  readonly cloud: Cloud;
  /** Where journals and kept plans go. */
  readonly folder: string;
  /** The control routes of the embedded AWS. */
  control(method: string, path: string, body?: object): Promise<unknown>;
  /** Makes calls of an operation fail. */
  fault(operation: string, more: object): Promise<unknown>;
  openAs(accessKeyId: string, secretAccessKey: string, endpoint?: string): AwsAccounts;
  /** The accounts as the administrator of one of them sees them, kept: making clients costs more than most calls. */
  accountsAs(account?: string): AwsAccounts;
  /** As new; sessions of before are void. */
  reset(): Promise<void>;
  contextOf(over?: Partial<ApplyContext>): ApplyContext;
  apply(over?: Partial<ApplyContext>): Promise<ApplyResult>;
  planNow(over?: Partial<ApplyContext>): Promise<Plan>;
  /** What an account holds by name, of every kind. */
  holdings(account: string): Promise<string[]>;
  /** Name of the run that was opened last. */
  lastRun(): string;
  stop(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const cloud = await startCloud();
  const folder = mkdtempSync(join(tmpdir(), 'stint-apply-'));
  const opened = new Map<string, AwsAccounts>();
  let runs = 0;
  const control: World['control'] = async (method, path, body) => {
    const response = await fetch(`${cloud.endpoint}/_stint/${path}`, {
      method,
      headers: { 'x-stint-control': cloud.controlToken, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    assert.ok(response.ok, await response.clone().text());
    return response.json();
  };
  const openAs: World['openAs'] = (accessKeyId, secretAccessKey, endpoint = cloud.endpoint) =>
    openAccounts({
      env: {
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      },
      clock: systemClock,
      random: systemRandom,
      // No test waits: what is worth another try is tried at once.
      sleep: async () => undefined,
    });
  const accountsAs: World['accountsAs'] = (account = central) => {
    const { accessKeyId, secretAccessKey } = cloud.credentials.accounts[account]!;
    const accounts = opened.get(account) ?? openAs(accessKeyId, secretAccessKey);
    opened.set(account, accounts);
    return accounts;
  };
  const contextOf: World['contextOf'] = (over = {}) => ({
    mode: 'apply',
    wanted: wantedOf(),
    accounts: accountsAs(),
    confirm: async () => undefined,
    openJournal: (header) => openJournal(folder, `run-${++runs}`, header, systemClock),
    holder: { host: 'here', pid: 1 },
    hasEnded: () => false,
    clock: systemClock,
    random: systemRandom,
    sleep: async () => undefined,
    ...over,
  });
  return {
    cloud,
    folder,
    control,
    fault: (operation, more) => control('POST', 'faults', { service: 'iam', operation, when: 'before', ...more }),
    openAs,
    accountsAs,
    reset: async () => {
      await control('POST', 'reset', {});
      opened.clear();
    },
    contextOf,
    apply: (over) => applyDefinition(contextOf(over)),
    planNow: async (over) => (await makePlan(contextOf(over))).plan,
    holdings: async (account) => {
      const { iam } = await accountsAs().account(account);
      const details = await iam.getAccountAuthorizationDetails({
        Filter: ['User', 'Group', 'Role', 'LocalManagedPolicy'],
      });
      const profiles = await iam.listInstanceProfiles({});
      return [
        ...(details.UserDetailList ?? []).map(({ UserName }) => `user ${UserName}`),
        ...(details.GroupDetailList ?? []).map(({ GroupName }) => `group ${GroupName}`),
        ...(details.RoleDetailList ?? []).map(({ RoleName }) => `role ${RoleName}`),
        ...(details.Policies ?? []).map(({ PolicyName }) => `policy ${PolicyName}`),
        ...(profiles.InstanceProfiles ?? []).map(({ InstanceProfileName }) => `profile ${InstanceProfileName}`),
      ].sort();
    },
    lastRun: () => `run-${runs}`,
    stop: async () => {
      await cloud.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
