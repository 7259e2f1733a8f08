// Guard rails of units count wherever access is judged: the tree of the organisation comes from the accounts' `ou`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileDefinition, definedDetails } from '../../src/access/index.ts';
import { lockOut } from '../../src/access/lock-out.ts';
import { definitionSchema } from '../../src/access/model.ts';
import {
  accessDiff,
  can,
  Directory,
  Escalations,
  isGain,
  loadCatalog,
  newEscalations,
  type AuthorizationDetails,
} from '../../src/policy/index.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const prod = '444444444444';
const off = { off: true, reason: 'a test has none' };
const accounts = {
  central: { id: '111111111111', stage: 'central', central: true },
  dev: { id: '222222222222', stage: 'dev', ou: 'Workloads/Dev' },
  prod: { id: prod, stage: 'prod', ou: 'Workloads/Prod' },
};

/** A role `admin` of both accounts that alice may become, under guard rails. */
function detailsOf(guardrails: object): Promise<AuthorizationDetails> {
  const definition = definitionSchema.parse({
    version: 1,
    organization: 'o-stintlocal',
    accounts,
    defaults: { mfa: off, mfaMaxAge: off, sourceIdentity: off },
    groups: { admins: {} },
    people: { alice: { groups: ['admins'] } },
    roles: { admin: { in: ['dev', 'prod'], trust: [{ group: 'admins' }], managed: ['AdministratorAccess'] } },
    guardrails,
  });
  return definedDetails(compileDefinition(definition, now));
}

const stateOf = async (guardrails: object): Promise<Escalations> =>
  new Escalations(new Directory(await detailsOf(guardrails)));

const deny = (Action: string, more: object = {}): object => ({ Effect: 'Deny', Action, Resource: '*', ...more });
const onProd = (statement: object, type = 'scp'): object => ({
  fence: { on: { ou: 'Workloads/Prod' }, type, statements: [statement] },
});
const role = (account: string): string => `arn:aws:iam::${account}:role/admin`;

async function answers(guardrails: object, action: string, resource = '*'): Promise<string[]> {
  const directory = new Directory(await detailsOf(guardrails));
  return ['dev/admin', 'prod/admin'].map((name) => can(directory, directory.find(name), { action, resource }).answer);
}

test('what the guard rail of a unit denies is denied in the accounts of that unit only', async () => {
  assert.deepEqual(await answers({}, 'ec2:RunInstances'), ['allowed', 'allowed']);
  assert.deepEqual(await answers(onProd(deny('ec2:*')), 'ec2:RunInstances'), ['allowed', 'denied']);
});

test('the guard rail of a unit binds the units below it', async () => {
  const above = { fence: { on: { ou: 'Workloads' }, type: 'scp', statements: [deny('ec2:*')] } };
  assert.deepEqual(await answers(above, 'ec2:RunInstances'), ['denied', 'denied']);
});

test('a guard rail of a unit that goes is access gained, and one that comes is none', async () => {
  const [free, bound] = [await detailsOf({}), await detailsOf(onProd(deny('ec2:*')))];
  const catalog = await loadCatalog();
  const gained = accessDiff(catalog, new Directory(bound), new Directory(free));
  assert.equal(isGain(gained), true);
  assert.deepEqual(
    gained.changes.map(({ principals }) => principals.map(({ account, name }) => `${account}/${name}`)),
    [['prod/admin']],
  );
  assert.equal(isGain(accessDiff(catalog, new Directory(free), new Directory(bound))), false);
});

test('a guard rail on assuming roles locks out, whichever kind it is', async () => {
  const caller = 'arn:aws:iam::111111111111:user/alice';
  const before = await stateOf({});
  for (const type of ['scp', 'rcp']) {
    const denied =
      type === 'scp'
        ? deny('*', { Condition: { ArnLike: { 'aws:PrincipalArn': role(prod) } } })
        : deny('sts:AssumeRole');
    const { reasons } = lockOut(before, await stateOf(onProd(denied, type)), caller, { entryRoles: [] });
    assert.deepEqual(
      reasons.map(({ code, account }) => `${code} ${account}`),
      [`caller-locked-out ${prod}`, `no-administrator ${prod}`],
      type,
    );
  }
});

test('an organisation that denies the assumption closes the way up through it', async () => {
  const waysOf = async (guardrails: object): Promise<string[]> => {
    const directory = new Directory(await detailsOf(guardrails));
    const escalations = new Escalations(directory);
    return escalations.edgesFrom(directory.find('alice')).map(({ to }) => to!.arn);
  };
  assert.deepEqual(await waysOf({}), [role('222222222222'), role(prod)]);
  assert.deepEqual(await waysOf(onProd(deny('sts:AssumeRole'), 'rcp')), [role('222222222222')]);
});

test('a guard rail over what is marked by tags, or over keys, makes no escalation of an administrator', async () => {
  const rails = {
    baseline: { on: 'organization', type: 'scp', use: ['protect-stint', 'deny-users', 'imdsv2'] },
  };
  assert.deepEqual(newEscalations(await stateOf({}), await stateOf(rails)), []);
});
