// Every method by which somebody becomes more than he is: it is found where all it needs is there, and not where one
// permission is missing, denied, or kept back by a boundary or the organisation.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Escalations, escalationMethods, type AuthorizationDetails, type Edge } from '../../../src/policy/index.ts';
import { arn, detailsOf, directoryOf, holderArn, type EscalationCase, type Grant } from './world.ts';

const folder = new URL('../../cases/policy/escalation/', import.meta.url);
const cases = readdirSync(folder).flatMap(
  (file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as EscalationCase[],
);

function edgesOf(each: EscalationCase, details: AuthorizationDetails): readonly Edge[] {
  const directory = directoryOf(details);
  const edges = new Escalations(directory).edgesFrom(directory.byArn(holderArn(each))!);
  return edges.filter(({ method }) => method.id === each.method);
}

const withOne = (each: EscalationCase, alternative: Grant | undefined): readonly Grant[] =>
  alternative === undefined ? each.grants : [...each.grants, alternative];

/** All that may have to be there, once for each alternative. */
const completions = (each: EscalationCase): (readonly Grant[])[] =>
  each.oneOf === undefined ? [[...each.grants]] : each.oneOf.map((one) => withOne(each, one));

for (const [index, each] of cases.entries()) {
  test(`${each.method} works for a ${each.holder} who has all it needs (case ${index})`, () => {
    for (const grants of completions(each)) {
      const details = detailsOf(each, grants);
      const found = edgesOf(each, details);
      assert.equal(found.length, 1);
      const [edge] = found;
      assert.deepEqual(
        edge!.grants.map(({ action }) => action),
        grants.map(([action]) => action),
      );
      for (const { by } of edge!.grants) assert.equal(by?.policy, 'grants');
      const directory = directoryOf(details);
      const ways = new Escalations(directory).pathsFrom(directory.byArn(holderArn(each))!);
      const ends = ways.map(({ gain, certain, to }) => `${gain} ${certain} ${to?.arn ?? ''}`);
      const wanted = `${each.ends.gain} ${each.ends.certain} ${each.ends.to ?? ''}`;
      // What one assumes by right is no way up.
      assert.equal(ends.includes(wanted), each.method !== 'assume', `${ends.join('; ')} for ${wanted}`);
    }
  });

  test(`${each.method} fails with one permission less, or another resource (case ${index})`, () => {
    for (const grants of completions(each)) {
      for (const [place, [action, resource]] of grants.entries()) {
        const less = grants.filter((_, at) => at !== place);
        assert.deepEqual(edgesOf(each, detailsOf(each, less)), [], action);
        if (resource === '*') continue;
        const elsewhere: Grant = [action, resource.replace(/[^/:]+$/, 'other')];
        assert.deepEqual(edgesOf(each, detailsOf(each, [...less, elsewhere])), [], `${action} elsewhere`);
      }
    }
  });

  test(`${each.method} is stopped by a denial, a boundary and a policy of the organisation (case ${index})`, () => {
    for (const grants of completions(each)) {
      for (const [action] of grants) {
        const deny = { Effect: 'Deny', Action: action, Resource: '*' };
        const allBut = { Effect: 'Allow', NotAction: action, Resource: '*' };
        assert.deepEqual(edgesOf(each, detailsOf(each, grants, { denies: [deny] })), [], `${action} denied`);
        assert.deepEqual(
          edgesOf(each, detailsOf(each, grants, { boundary: allBut })),
          [],
          `${action} beyond the boundary`,
        );
        assert.deepEqual(
          edgesOf(each, detailsOf(each, grants, { scp: deny })),
          [],
          `${action} denied by the organisation`,
        );
      }
    }
  });
}

test('every method has a case', () => {
  const tried = new Set(cases.map(({ method }) => method));
  assert.deepEqual(
    escalationMethods.map(({ id }) => id).filter((id) => !tried.has(id)),
    [],
  );
  assert.equal(new Set(escalationMethods.map(({ id }) => id)).size, escalationMethods.length);
});

test('a role without instance profile is no way by EC2, and one whose profiles are unknown is an uncertain one', () => {
  const each = cases.find(({ method }) => method === 'ec2-run-instances')!;
  const details = detailsOf(each, each.grants);
  const withProfiles = (instanceProfiles: readonly string[] | undefined): AuthorizationDetails => ({
    accounts: details.accounts.map((it) => ({
      ...it,
      roles: it.roles.map((role) => (role.arn === arn('role/target') ? { ...role, instanceProfiles } : role)),
    })),
  });
  assert.deepEqual(edgesOf(each, withProfiles([])), []);
  assert.deepEqual(
    edgesOf(each, withProfiles(undefined)).map(({ certain }) => certain),
    [false],
  );
});
