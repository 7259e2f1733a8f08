// A definition that cannot be read is told, and takes no profile away.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { age } from '../assume/ready-support.ts';
import { childEnvironment, runStint, temporaryHome, type Ended } from '../assume/support.ts';

const config = '[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = central\n';
const whole =
  'version: 1\naccounts: { a: { id: "222222222222", stage: dev }, c: { id: "111111111111", stage: dev, central: true } }\ngroups: { g: {} }\nroles: { r: { in: [a], trust: [{ group: g }] } }\n';

const forms = {
  '--table': (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(' ')[0]),
  '--names': (text: string) => text.trimEnd().split('\n'),
  '--json': (text: string) =>
    (JSON.parse(text) as { targets: { target: string }[] }).targets.map(({ target }) => target),
} as const;

for (const [form, targetsIn] of Object.entries(forms)) {
  test(`ls ${form} lists the profiles beside a broken definition, fails with its place, and keeps nothing of it`, async (t) => {
    const home = temporaryHome(t, config);
    const env = childEnvironment(home);
    const file = join(home, 'stint.config.yaml');
    const list = (): Promise<Ended> => runStint('main', ['ls', form], env, home);
    writeFileSync(file, 'version: 1\naccounts: { a: \n');
    age(home);
    for (let twice = 0; twice < 2; twice++) {
      const { code, stdout, stderr } = await list();
      assert.deepEqual([code, targetsIn(stdout)], [1, ['dev', 'central']]);
      assert.match(stderr, /^error\[definition-unreadable\]: stint\.config\.yaml:2:\d+: /);
    }
    writeFileSync(file, whole);
    const { code, stdout, stderr } = await list();
    assert.deepEqual([code, targetsIn(stdout), stderr], [0, ['dev', 'central', 'a/r'], '']);
  });
}
