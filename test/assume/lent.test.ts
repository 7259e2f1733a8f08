import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../src/base/index.ts';
import type { LendRequest } from '../../src/assume/lent.ts';
import type { BorrowWishes, Credentials } from '../../src/assume/model.ts';
import { requestIdentity } from '../../src/assume/cache.ts';
import { loadProfiles } from '../../src/assume/profiles.ts';
import { resolveTarget, type DefinedTarget, type TargetContext, type TargetSource } from '../../src/assume/targets.ts';

const lentCredentials: Credentials = { accessKeyId: 'ASIA1', secretAccessKey: new Secret('s') };

function lendable(name: string, wishes: BorrowWishes[] = []): DefinedTarget {
  const borrow = async (wish: BorrowWishes): Promise<Credentials> => (wishes.push(wish), lentCredentials);
  const lent = { server: 'http://127.0.0.1:8200', path: `aws/creds/${name.slice(5)}`, borrower: 'b', borrow };
  return { name, roleArn: '', mfa: false, lent };
}

function context(...sources: readonly TargetSource[]): TargetContext {
  const env = { HOME: '/h', AWS_REGION: 'eu-west-1' };
  return { env, profiles: loadProfiles(env, () => undefined), sources };
}

const definition: TargetSource = {
  label: 'stint.config.yaml',
  find: async () => assert.fail('the definition is asked for a name that cannot be its own'),
  list: async () => [],
};

function server(extra: Partial<TargetSource> = {}): TargetSource {
  return { label: 'http://s', prefix: 'lend:', find: async (name) => lendable(name), list: async () => [], ...extra };
}

test('a name of the server is asked of the server only, also with a slash in it', async () => {
  const request = await resolveTarget('lend:team/x', {}, context(definition, server()));
  assert.equal(request.source.kind, 'lent');
  assert.deepEqual([request.target, request.roles, request.region], ['lend:team/x', [], 'eu-west-1']);
});

test('a duration and a session name are the lease’s, and part of which session is meant', async () => {
  const plain = await resolveTarget('lend:x', {}, context(server()));
  const options = { durationSeconds: 900, sessionName: 'alice' };
  const wished = await resolveTarget('lend:x', options, context(server()));
  assert.notEqual(requestIdentity(plain), requestIdentity(wished));
  assert.equal(wished.durationSeconds, undefined);
  const chained = await resolveTarget(
    'lend:x',
    { ...options, roleArn: 'arn:aws:iam::222222222222:role/x' },
    context(server()),
  );
  assert.deepEqual([chained.roles[0]?.durationSeconds, chained.roles[0]?.sessionName], [900, 'alice']);
  assert.ok(chained.source.kind === 'lent' && chained.source.ttlSeconds === undefined);
});

test('with a reason, a server that decides about requests is asked, and waited for', async () => {
  const asked: LendRequest[] = [];
  const request = async (name: string, ask: LendRequest): Promise<DefinedTarget> => {
    asked.push(ask);
    return lendable(name);
  };
  const find = async (): Promise<undefined> => undefined;
  const granted = await resolveTarget('lend:x', { reason: 'an incident' }, context(server({ find, request })));
  assert.equal(granted.source.kind, 'lent');
  assert.deepEqual(asked, [{ reason: 'an incident', durationSeconds: undefined }]);
});

test('with a reason nobody reads, nothing is lent', async () => {
  await assert.rejects(resolveTarget('lend:x', { reason: 'x' }, context(server())), {
    code: 'request-unsupported',
    message: /^http:\/\/s takes no requests/,
  });
  const defined: TargetSource = {
    label: 'stint.config.yaml',
    find: async (name) => ({ name, roleArn: 'arn:aws:iam::222222222222:role/x', mfa: false }),
    list: async () => [],
  };
  await assert.rejects(resolveTarget('dev/x', { reason: 'x' }, context(defined, server())), {
    code: 'request-unsupported',
    message: '`dev/x` is not lent by a server, so nobody reads a reason',
  });
});
