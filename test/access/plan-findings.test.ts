// What a plan says beside its steps: the linter, the ways up that it opens, and whether it locks anybody out.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { runStint, type Finished } from '../cli/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-plan-findings-'));
let cloud: Cloud;

before(async () => {
  cloud = await startCloud();
});
after(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  const response = await fetch(`${cloud.endpoint}/_stint/reset`, {
    method: 'POST',
    headers: { 'x-stint-control': cloud.controlToken, 'content-type': 'application/json' },
    body: '{}',
  });
  assert.ok(response.ok);
});

function stint(...args: readonly string[]): Promise<Finished> {
  const { accessKeyId, secretAccessKey } = cloud.credentials.accounts['111111111111']!;
  return runStint(args, {
    cwd: folder,
    env: {
      STINT_HOME: join(folder, 'home'),
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
  });
}

interface Found {
  readonly severity: string;
  readonly code: string;
  readonly account?: string;
  readonly resource?: string;
  readonly message: string;
}

const accounts = {
  central: { id: '111111111111', stage: 'central', central: true },
  dev: { id: '222222222222', stage: 'dev' },
  test: { id: '333333333333', stage: 'test' },
};
const people = { people: { alice: { groups: ['developers'] } }, groups: { developers: {} } };

function define(parts: object): void {
  writeFileSync(join(folder, 'stint.config.json'), JSON.stringify({ version: 1, accounts, ...people, ...parts }));
}

async function planned(): Promise<{ code: number | null; findings: Found[] }> {
  const { code, stdout, stderr } = await stint('plan', '--json');
  assert.notEqual(stdout, '', stderr);
  return { code, findings: (JSON.parse(stdout) as { findings: Found[] }).findings };
}

// Good practice is judged in model tests.
const practice = new Set(['everything-allowed', 'boundary-missing', 'pass-role-wide', 'pass-role-any-service']);
const grave = ({ severity, code }: Found): boolean => severity !== 'info' && !practice.has(code);
const lines = (findings: readonly Found[]): string[] =>
  findings.filter(grave).map(({ severity, code, account, resource }) => `${severity} ${code} ${account} ${resource}`);

const app = (statements: readonly object[]): object => ({
  roles: { app: { in: ['dev', 'test'], trust: [{ group: 'developers' }], statements } },
});

test('a mistake in a policy is an error once, and blocks the apply', async () => {
  const Condition = { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } };
  define(app([{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::x/*', Condition }]));
  const { code, findings } = await planned();
  assert.equal(code, 1);
  assert.deepEqual(lines(findings), ['error private-ip-address dev role/app']);
  assert.match(findings[0]!.message, /, also in test$/);
  const applied = await stint('apply', '--yes');
  assert.equal(applied.code, 1);
  assert.match(
    applied.stderr,
    /error\[findings-block\]: 1 finding must be put right first\nerror\[private-ip-address\]/,
  );
});

test('a way up that the plan opens is told once; applied, it is no news', async () => {
  const builder = { in: ['dev'], trust: [{ service: 'lambda.amazonaws.com' }], managed: ['AdministratorAccess'] };
  const deployer = {
    in: ['dev'],
    trust: [{ group: 'developers' }],
    statements: [
      {
        Effect: 'Allow',
        Action: ['lambda:CreateFunction', 'lambda:InvokeFunction'],
        Resource: 'arn:aws:lambda:*:222222222222:function:app-*',
      },
      { Effect: 'Allow', Action: 'iam:PassRole', Resource: 'arn:aws:iam::222222222222:role/builder' },
    ],
  };
  define({ roles: { builder, deployer } });
  const first = await planned();
  assert.deepEqual(lines(first.findings), [
    'warning escalation central user/alice',
    'warning escalation dev role/deployer',
  ]);
  assert.equal((await stint('apply', '--yes')).code, 0);
  assert.deepEqual(lines((await planned()).findings), []);
});

test('an account that keeps an administrator of others may lose all of ours', async () => {
  const powers = { in: ['dev'], trust: [{ group: 'developers' }], managed: ['AdministratorAccess'] };
  define({ roles: { powers } });
  assert.equal((await stint('apply', '--yes')).code, 0);
  // The people whom AWS was made with are not touched, so the account keeps its administrator.
  assert.deepEqual(lines((await planned()).findings), []);
  const gone = await stint('destroy', '--yes');
  assert.equal(gone.code, 0, gone.stderr);
});

test('the role by which an account is entered cannot be rewritten from within', async () => {
  define({
    executor: 'runner',
    roles: { runner: { in: ['dev'], trust: [{ account: 'central' }], managed: ['AdministratorAccess'] } },
  });
  const first = await stint('apply', '--yes', '--account', 'dev');
  assert.equal(first.code, 0, first.stderr);
  define({
    executor: 'runner',
    roles: { runner: { in: ['dev'], trust: [{ account: 'central' }], managed: ['ReadOnlyAccess'] } },
  });
  const { findings } = await planned();
  assert.ok(lines(findings).includes('error executor-changed dev role/runner'), lines(findings).join('\n'));
  assert.equal((await stint('apply', '--yes', '--account', 'dev')).code, 1);
  const wilful = await stint('apply', '--yes', '--account', 'dev', '--allow-lock-out');
  assert.equal(wilful.code, 0, wilful.stderr);
});

test('a policy that only bounds is judged as room, not as a grant', async () => {
  const wide = { statements: [{ Effect: 'Allow', Action: ['iam:PassRole', 's3:*'], Resource: '*' }] };
  const role = {
    in: ['dev'],
    trust: [{ group: 'developers' }],
    statements: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }],
  };
  define({ policies: { room: wide }, roles: { app: { ...role, boundary: 'room' } } });
  assert.deepEqual(lines((await planned()).findings), []);
  define({ policies: { room: wide }, roles: { app: { ...role, policies: ['room'] } } });
  assert.deepEqual(lines((await planned()).findings), ['warning pass-role-with-star-in-resource dev policy/room']);
});

test('a mark counts for the role of its own entry, not for one that is called the same in another account', async () => {
  const admin = { name: 'admin', trust: [{ group: 'developers' }], managed: ['AdministratorAccess'] };
  define({ roles: { admin: { ...admin, in: ['dev'], marked: 'admin' }, other: { ...admin, in: ['test'] } } });
  const { findings } = JSON.parse((await stint('plan', '--json')).stdout) as { findings: readonly Found[] };
  const told = findings.filter(({ code }) => code === 'everything-allowed');
  assert.deepEqual(
    told.map(({ account, resource }) => `${account} ${resource}`),
    ['test role/admin'],
  );
});
