import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import type { RoleLink } from '../../src/assume/model.ts';
import type { SessionOptions } from '../../src/assume/options.ts';
import { arrangeLinks, type WantedRole } from '../../src/assume/role-links.ts';

interface LinkCase {
  readonly name: string;
  readonly roles: readonly WantedRole[];
  readonly options?: SessionOptions;
  readonly webIdentity?: boolean;
  /** Each as `role name duration ext= id= policy= arns= tag=value`, `!` behind a transitive tag. */
  readonly links?: readonly string[];
  readonly refused?: string;
  readonly says?: string;
}

const cases = JSON.parse(
  readFileSync(new URL('../cases/assume/role-links.json', import.meta.url), 'utf8'),
) as readonly LinkCase[];

function short(link: RoleLink): string {
  const transitive = new Set(link.transitiveTags);
  const part = (name: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [`${name}=${value}`];
  return [
    link.roleArn.split('/')[1]!,
    link.sessionName,
    ...(link.durationSeconds === undefined ? [] : [`${link.durationSeconds}s`]),
    ...part('ext', link.externalId),
    ...part('id', link.sourceIdentity),
    ...part('policy', link.policy === undefined ? undefined : 1),
    ...part('arns', link.policyArns?.length),
    ...Object.entries(link.tags ?? {}).map(([key, value]) => `${key}=${value}${transitive.has(key) ? '!' : ''}`),
  ].join(' ');
}

for (const { name, roles, options = {}, webIdentity = false, links, refused, says = '' } of cases) {
  test(`what the roles of a chain are told: ${name}`, () => {
    const arrange = (): readonly RoleLink[] => arrangeLinks({ roles, options, webIdentity, person: 'alice' });
    if (refused === undefined) {
      assert.deepEqual(arrange().map(short), links);
      return;
    }
    assert.throws(arrange, (error) => {
      assert.ok(isFailure(error), String(error));
      assert.equal(error.code, refused);
      assert.ok(error.message.includes(says), error.message);
      assert.notEqual(error.hint, undefined);
      return true;
    });
  });
}

test('what the roles of a chain are told: every combination keeps the rules of STS', () => {
  const some = <Value>(...values: Value[]): readonly (Value | undefined)[] => [undefined, ...values];
  const person = some<SessionOptions>(
    { sourceIdentity: 'alice' },
    { tags: { team: 'x' }, transitiveTags: ['team'] },
    { policy: '{}', externalId: 'xx', durationSeconds: 900, sessionName: 'me' },
  );
  const profile = some<Partial<WantedRole>>(
    { sourceIdentity: 'bob' },
    { tags: { team: 'x' }, transitiveTags: ['team'] },
    { tags: { team: 'y' } },
  );
  let arranged = 0;
  for (const options of person) {
    for (const [a, b, c] of profile.flatMap((a) => profile.flatMap((b) => profile.map((c) => [a, b, c] as const)))) {
      const roles = [a, b, c].map((extra, index) => ({ roleArn: `arn:aws:iam::222222222222:role/${index}`, ...extra }));
      for (const webIdentity of [true, false]) {
        let links: readonly RoleLink[];
        try {
          links = arrangeLinks({ roles, options: options ?? {}, webIdentity, person: 'alice' });
        } catch (error) {
          assert.ok(isFailure(error) && error.hint !== undefined, String(error));
          continue;
        }
        arranged++;
        assert.ok(links.filter(({ sourceIdentity }) => sourceIdentity !== undefined).length <= 1);
        const handed = new Set<string>();
        for (const [index, link] of links.entries()) {
          for (const key of Object.keys(link.tags ?? {}))
            assert.ok(!handed.has(key), 'a tag that is handed down is sent');
          for (const key of link.transitiveTags ?? []) {
            assert.ok(key in (link.tags ?? {}));
            handed.add(key);
          }
          if (index < 2) assert.equal(link.policy ?? link.policyArns, undefined);
          if (webIdentity && index === 0) assert.equal(link.tags ?? link.sourceIdentity ?? link.externalId, undefined);
        }
      }
    }
  }
  assert.ok(arranged > 100);
});
