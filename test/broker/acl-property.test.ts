// The compiled index against a second, naive reading of the same rules, on generated policies.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isFailure } from '../../src/base/index.ts';
import { capabilitiesOn, decide } from '../../src/broker/acl.ts';
import { compileAcl, type Capability, type NamedRules, type PathRule } from '../../src/broker/acl-index.ts';
import { parsePasswordPolicy } from '../../src/broker/password-policy.ts';
import { parsePolicy } from '../../src/broker/policy-text.ts';

const segment = fc.constantFrom('a', 'b', 'ab', '+', '');
const pattern = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([segments, star]) => `${segments.join('/')}${star ? '*' : ''}`)
  .filter((path) => !path.includes('+*'));
const path = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'abc', ''), { minLength: 1, maxLength: 4 })
  .map((s) => s.join('/'));
const words: readonly Capability[] = ['create', 'read', 'update', 'list', 'sudo', 'deny'];
const rule = fc.record({ path: pattern, capabilities: fc.uniqueArray(fc.constantFrom(...words), { maxLength: 3 }) });
const policies = fc
  .array(fc.array(rule, { maxLength: 5 }), { minLength: 1, maxLength: 3 })
  .map((list): readonly NamedRules[] => list.map((rules, index) => ({ name: `p${index}`, rules })));

function matches(pattern: string, path: string): boolean {
  const star = pattern.endsWith('*');
  const text = (star ? pattern.slice(0, -1) : pattern)
    .split('/')
    .map((part) => (part === '+' ? '[^/]*' : part))
    .join('/');
  // A closing `*` never spares one of the segments before it.
  return new RegExp(`^${text}${star ? '.*' : ''}$`).test(path);
}

// Each of the five rules of priority in its own line, on the patterns as they are written.
function better(a: string, b: string): number {
  const plain = (pattern: string): string => pattern.replace(/\*$/, '');
  const wild = (pattern: string): number => {
    const plus = pattern.split('/').some((part) => part === '+') ? pattern.indexOf('+') : Infinity;
    return Math.min(plus, pattern.endsWith('*') && plus === Infinity ? pattern.length - 1 : Infinity);
  };
  const order = [
    wild(a) - wild(b),
    Number(!a.endsWith('*')) - Number(!b.endsWith('*')),
    b.split('/').filter((part) => part === '+').length - a.split('/').filter((part) => part === '+').length,
    plain(a).length - plain(b).length,
    plain(a) < plain(b) ? -1 : 1,
  ];
  return order.find((difference) => difference !== 0) ?? 0;
}

function naive(list: readonly NamedRules[], asked: string, listing: boolean): ReadonlySet<Capability> {
  const rules = list.flatMap(({ rules }) => rules);
  const isExact = ({ path }: PathRule): boolean => !path.endsWith('*') && !path.split('/').includes('+');
  const candidates = listing && asked.endsWith('/') ? [asked, asked.slice(0, -1)] : [asked];
  const exact = candidates.find((candidate) => rules.some((one) => isExact(one) && one.path === candidate));
  const found = candidates
    .map((candidate) => rules.filter((one) => !isExact(one) && matches(one.path, candidate)))
    .find((matching) => matching.length > 0);
  const best = exact ?? found?.map((one) => one.path).reduce((held, next) => (better(next, held) > 0 ? next : held));
  return new Set(rules.filter((one) => one.path === best).flatMap(({ capabilities }) => capabilities));
}

test('the index decides as a search through all rules does', () => {
  fc.assert(
    fc.property(policies, path, fc.constantFrom('read', 'list', 'create', 'update'), (list, asked, operation) => {
      const listing = operation === 'list';
      const allowed = decide(compileAcl(list, 0), { operation, path: asked, sudo: false }).allowed;
      const held = naive(list, asked.replace(/^\/+/, ''), listing);
      assert.equal(allowed, held.has(operation) && !held.has('deny'));
    }),
    { numRuns: 3000 },
  );
});

test('nothing is allowed that `sys/capabilities` does not show', () => {
  fc.assert(
    fc.property(policies, path, (list, asked) => {
      const acl = compileAcl(list, 0);
      const shown = capabilitiesOn(acl, asked);
      for (const operation of ['list', 'scan'] as const) {
        const { allowed } = decide(acl, { operation, path: asked, sudo: false });
        assert.equal(allowed, shown.includes(operation));
      }
    }),
  );
});

test('a decision among 100 policies of 100 rules is cheap', () => {
  const list = Array.from({ length: 100 }, (_, policy) => ({
    name: `p${policy}`,
    rules: Array.from({ length: 100 }, (_, at) => ({
      path: [`team${policy}/app${at}/*`, `team${policy}/+/env${at}`, `team${policy}/exact/${at}`][at % 3]!,
      capabilities: ['read'] as const,
    })),
  }));
  const acl = compileAcl(list, 0);
  const started = process.cpuUsage().user;
  for (let at = 0; at < 10_000; at++) {
    const path = `team${at % 100}/x/env${(at % 33) * 3 + 1}`;
    assert.equal(decide(acl, { operation: 'read', path, sudo: false }).allowed, true);
  }
  // Measured 20 ms; a search through all rules takes 20 s.
  assert.ok(process.cpuUsage().user - started < 1_000_000);
});

test('a policy of 50,000 rules is compiled in time', () => {
  const rules = Array.from({ length: 50_000 }, (_, at) => ({
    path: `a/+/b${at}${at % 2 === 0 ? '*' : ''}`,
    capabilities: ['read'] as const,
  }));
  const started = process.cpuUsage().user;
  const acl = compileAcl([{ name: 'p', rules }], 0);
  assert.equal(decide(acl, { operation: 'read', path: 'a/x/b49999', sudo: false }).allowed, true);
  // Measured 0.2 s; copying a list for each rule takes 10 s.
  assert.ok(process.cpuUsage().user - started < 3_000_000);
});

const fragments: readonly string[] = [
  'path "a/*" { capabilities = ["read", ] }',
  ...`path "b" { } [ ] = : , " \\ # /* */ // \${ }} {{ capabilities "read" deny rule charset length 20 - 1e9 0x null true`.split(
    ' ',
  ),
  ...`é \u0000 \ud800 allowed_parameters expiration min_wrapping_ttl control_group`.split(' '),
  '\n',
  ' ',
  '<<EOT\n',
  'EOT\n',
];
const fragment = fc.constantFrom(...fragments);

test('whatever text it is, it is read or refused with a reason', () => {
  const text = fc.array(fragment, { maxLength: 40 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (one) => {
      for (const parse of [parsePolicy, parsePasswordPolicy]) {
        try {
          parse(one);
        } catch (error) {
          assert.ok(isFailure(error) && error.code === 'policy-invalid', String(error));
        }
      }
    }),
    { numRuns: 5000 },
  );
});
