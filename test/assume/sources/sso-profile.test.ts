import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFailure } from '../../../src/base/index.ts';
import { profileChain } from '../../../src/assume/profile-chain.ts';
import { loadProfiles } from '../../../src/assume/profiles.ts';
import type { SsoSession } from '../../../src/assume/model.ts';

interface Case {
  readonly name: string;
  readonly profile: string;
  readonly sections?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly gives?: Partial<SsoSession>;
  readonly refused?: string;
  readonly says?: string;
}

const file = join(import.meta.dirname, '..', '..', 'cases', 'assume', 'sso-profiles.json');
const corp = '[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1';

function sessionOf({ profile, sections = '', env = {} }: Case): SsoSession {
  const config = `[profile a]\n${profile}\n${corp}\n${sections}\n`;
  const set = loadProfiles({ HOME: '/h' }, (path) => (path === '/h/.aws/config' ? config : undefined));
  const { source } = profileChain('a', set, env);
  assert.equal(source.kind, 'sso');
  assert.ok(source.kind === 'sso');
  return source.session;
}

for (const given of JSON.parse(readFileSync(file, 'utf8')) as Case[]) {
  test(`profile of Identity Center: ${given.name}`, () => {
    if (given.refused === undefined) {
      const session = sessionOf(given);
      for (const [key, value] of Object.entries(given.gives ?? {}))
        assert.deepEqual(session[key as keyof SsoSession], value, key);
      return;
    }
    assert.throws(
      () => sessionOf(given),
      (error) => {
        assert.ok(isFailure(error), String(error));
        const text = `${error.message}\n${error.hint ?? ''}`;
        assert.deepEqual([error.code, text.includes(given.says ?? '')], [given.refused, true], text);
        return true;
      },
    );
  });
}
