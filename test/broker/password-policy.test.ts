import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../src/base/index.ts';
import { generatePassword, parsePasswordPolicy } from '../../src/broker/password-policy.ts';
import { testBroker } from './support.ts';

const rule = (charset: string, least: number): string =>
  `rule "charset" {\n  charset = "${charset}"\n  min-chars = ${least}\n}\n`;

test('a password has the length and the characters its policy asks for', () => {
  const policy = parsePasswordPolicy(`length = 20\n${rule('abcdefgh', 1)}${rule('0123456789', 3)}${rule('é€', 1)}`);
  for (let at = 0; at < 100; at++) {
    const characters = Array.from(generatePassword(policy, systemRandom));
    assert.equal(characters.length, 20);
    assert.ok(characters.filter((one) => /[0-9]/.test(one)).length >= 3);
    assert.ok(characters.some((one) => 'é€'.includes(one)));
  }
});

test('every character of the policy is drawn equally often', () => {
  const policy = parsePasswordPolicy(`length = 100\n${rule('abc', 0)}`);
  const counts = new Map<string, number>();
  for (let at = 0; at < 300; at++) {
    for (const one of generatePassword(policy, systemRandom)) counts.set(one, (counts.get(one) ?? 0) + 1);
  }
  for (const count of counts.values()) assert.ok(Math.abs(count - 10_000) < 600, `${count} of 10,000`);
});

test('a policy of one character has one password', () => {
  assert.equal(generatePassword(parsePasswordPolicy(`length = 4\n${rule('x', 4)}`), systemRandom), 'xxxx');
});

test('a policy may be JSON', () => {
  for (const rules of ['[{"charset": {"charset": "abc", "min-chars": 1}}]', '{"charset": {"charset": "abc"}}']) {
    const policy = parsePasswordPolicy(`{"length": 20, "rule": ${rules}}`);
    assert.match(generatePassword(policy, systemRandom), /^[abc]{20}$/);
  }
});

const invalid = (reason: string): string => `1 error occurred:\n\t* invalid password policy: ${reason}\n\n`;
const refused: readonly [name: string, text: string, message: string][] = [
  ['no characters', 'length = 20', invalid('1 error occurred:\n\t* no charset specified\n\n')],
  ['no length', rule('abc', 0), invalid('1 error occurred:\n\t* length must be > 0\n\n')],
  [
    'more characters asked for than there is room',
    `length = 5\n${rule('abc', 9)}`,
    invalid('1 error occurred:\n\t* specified rules require at least 9 characters but 5 is specified\n\n'),
  ],
  [
    'a rule that is not known',
    'length = 5\nrule "foo" { x = 1 }',
    invalid('unable to parse rules: unable to parse rule foo: unrecognized rule type foo'),
  ],
  [
    'characters that cannot be seen',
    'length = 20 rule "charset" { charset = "a\\u0007" }',
    invalid('1 error occurred:\n\t* non-printable character in charset\n\n'),
  ],
  [
    'too short',
    `length = 3\n${rule('abc', 0)}`,
    '1 error occurred:\n\t* passwords must be between 4 and 100 characters\n\n',
  ],
  [
    'too long',
    `length = 101\n${rule('abc', 0)}`,
    '1 error occurred:\n\t* passwords must be between 4 and 100 characters\n\n',
  ],
  ['no HCL', 'foo {', invalid('unable to decode: At 1:6: object expected closing RBRACE got: EOF')],
];
for (const [name, text, message] of refused) {
  test(`a password policy is refused: ${name}`, () => {
    assert.throws(() => parsePasswordPolicy(text), { code: 'policy-invalid', message });
  });
}

test('password policies over HTTP', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const policy = `length = 20\n${rule('abc', 1)}`;
  assert.equal((await call('PUT', '/v1/sys/policies/password/p', { body: { policy } })).status, 204);
  assert.deepEqual((await call('GET', '/v1/sys/policies/password/p')).body.data, { policy });
  const generated = await call('GET', '/v1/sys/policies/password/p/generate');
  assert.match(String(generated.body.data['password']), /^[abc]{20}$/);
  assert.deepEqual((await call('LIST', '/v1/sys/policies/password')).body.data['keys'], ['p']);
  assert.equal((await call('DELETE', '/v1/sys/policies/password/p')).status, 204);
  assert.equal((await call('LIST', '/v1/sys/policies/password')).status, 404);
  for (const path of ['p', 'p/generate']) {
    const gone = await call('GET', `/v1/sys/policies/password/${path}`);
    assert.deepEqual([gone.status, gone.body.errors[0]], [404, '1 error occurred:\n\t* policy does not exist\n\n']);
  }
  const empty = await call('PUT', '/v1/sys/policies/password/q', { body: {} });
  assert.deepEqual([empty.status, empty.body.errors[0]], [400, '1 error occurred:\n\t* missing policy\n\n']);
});
