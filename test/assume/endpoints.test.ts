import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import { chooseEndpoint, type EndpointChoice } from '../../src/assume/endpoints.ts';
import { loadProfiles } from '../../src/assume/profiles.ts';

interface EndpointCase {
  readonly name: string;
  readonly option?: string;
  readonly partition?: string;
  /** Lines of the profile. */
  readonly settings?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly signing?: string;
  readonly region?: string;
  readonly ca?: string;
  readonly carried?: Readonly<Record<string, string>>;
  readonly refused?: string;
}

const cases = JSON.parse(
  readFileSync(new URL('../cases/assume/endpoints.json', import.meta.url), 'utf8'),
) as readonly EndpointCase[];

function choose({ option, partition = 'aws', settings = '', env = {} }: EndpointCase): EndpointChoice {
  const set = loadProfiles({ HOME: '/h' }, (path) =>
    path.endsWith('config') ? `[profile dev]\n${settings}\n` : undefined,
  );
  return chooseEndpoint({ region: option, partition, profiles: [set.profiles.get('dev')!] }, set, env);
}

for (const given of cases) {
  test(`STS endpoint: ${given.name}`, () => {
    if (given.refused !== undefined) {
      assert.throws(
        () => choose(given),
        (error) => isFailure(error) && error.code === given.refused && error.hint !== undefined,
      );
      return;
    }
    const { sts, region, settings } = choose(given);
    assert.deepEqual([sts.url, sts.signingRegion, sts.caBundle], [given.url, given.signing, given.ca]);
    if (given.region !== undefined) assert.equal(region, given.region);
    if (given.carried !== undefined) assert.deepEqual(settings, given.carried);
  });
}
