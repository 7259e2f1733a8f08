// The policy that ends single sessions, judged by the evaluator, and the record it is made from.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  compilePolicy,
  contextOf,
  evaluate,
  parsePolicy,
  policySize,
  preparePrincipal,
} from '../../src/policy/index.ts';
import {
  denyDocument,
  fitDocument,
  roleInlineLimit,
  type SessionMark,
} from '../../src/broker/engines/aws/deny-document.ts';
import {
  claimedBy,
  isShown,
  newDenyRecord,
  nextEnd,
  releasedBy,
  withEntries,
  withoutEnded,
  type DenyEntry,
} from '../../src/broker/engines/aws/deny-record.ts';

interface Session {
  readonly name: string;
  readonly identity?: string;
  readonly issued?: string;
}

interface Case {
  readonly name: string;
  readonly marks: readonly (Omit<SessionMark, 'issuedAt'> & { readonly issuedAt?: string })[];
  readonly refused: readonly Session[];
  readonly allowed: readonly Session[];
}

const allowAll = compilePolicy(
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
  'identity',
);

/** Whether a session of a role with all rights and this deny policy may list buckets. */
function mayAct(deny: string, { name, identity, issued = '2026-06-01T00:00:00Z' }: Session): boolean {
  const roleId = 'AROAEXAMPLEEXAMPLE123';
  const decision = evaluate({
    principal: {
      type: 'AssumedRole',
      account: '222222222222',
      arn: `arn:aws:sts::222222222222:assumed-role/deploy/${name}`,
      roleArn: 'arn:aws:iam::222222222222:role/deploy',
      roleId,
      sessionName: name,
      serviceLinked: false,
    },
    policies: preparePrincipal({
      identity: [{ policy: allowAll }, { policy: compilePolicy(deny, 'identity') }],
      scps: [],
    }),
    action: 's3:ListAllMyBuckets',
    resource: { arn: '*', rcps: [] },
    context: contextOf({
      'aws:userid': `${roleId}:${name}`,
      'aws:SourceIdentity': identity,
      'aws:TokenIssueTime': issued,
    }),
  });
  return decision.decision === 'allow';
}

const { cases } = JSON.parse(readFileSync(new URL('../cases/broker/deny-sessions.json', import.meta.url), 'utf8')) as {
  cases: readonly Case[];
};

describe('the deny policy of revoked sessions', () => {
  for (const given of cases) {
    const marks = given.marks.map((mark) => ({ ...mark, issuedAt: Date.parse(mark.issuedAt ?? '') })) as SessionMark[];
    for (const form of ['exact', 'short'] as const) {
      test(`${given.name} (${form})`, () => {
        const text = denyDocument(marks, form)!;
        assert.deepEqual(parsePolicy(text, 'identity').problems, []);
        for (const session of given.refused) assert.equal(mayAct(text, session), false, JSON.stringify(session));
        // The short form looks at the end of a mark only: no two marks of random text end alike.
        const alike = ({ name }: Session): boolean => marks.some((mark) => name.endsWith(mark.value.slice(-11)));
        const others = form === 'exact' ? given.allowed : given.allowed.filter((session) => !alike(session));
        for (const session of others) assert.equal(mayAct(text, session), true, JSON.stringify(session));
      });
    }
  }

  test('is the same text for the same sessions in any order, however often each is named', () => {
    const marks: SessionMark[] = ['b', 'a', 'c'].map((value) => ({ by: 'identity', value }));
    assert.equal(denyDocument(marks, 'exact'), denyDocument([...marks, ...marks].reverse(), 'exact'));
    assert.equal(denyDocument([], 'exact'), undefined);
  });
});

const identity = (at: number): SessionMark => ({ by: 'identity', value: `stint-${String(at).padStart(24, 'x')}` });
const leases = (count: number): [string, SessionMark[]][] =>
  Array.from({ length: count }, (_, at) => [`lease-${at}`, [identity(at)]]);

describe('the room of a role', () => {
  test('holds 300 sessions by their whole marks and 650 by the ends of them', () => {
    const exact = fitDocument(leases(300), roleInlineLimit);
    assert.deepEqual([exact.within.length, exact.beyond.length], [300, 0]);
    assert.match(exact.text!, /StringEquals/);
    const short = fitDocument(leases(650), roleInlineLimit);
    assert.deepEqual([short.within.length, short.beyond.length], [650, 0]);
    assert.match(short.text!, /StringLike/);
    assert.ok(policySize(short.text!, 'identity') <= roleInlineLimit);
  });

  test('that does not suffice is filled from the first on, and the rest is named', () => {
    const { text, within, beyond } = fitDocument(leases(2000), roleInlineLimit);
    assert.ok(within.length >= 650 && text!.length <= roleInlineLimit, `${within.length}`);
    assert.equal(within.length + beyond.length, 2000);
    assert.deepEqual(within.slice(0, 2), ['lease-0', 'lease-1']);
    assert.equal(fitDocument(leases(within.length + 1), roleInlineLimit).beyond.length, 1);
    assert.equal(mayAct(text!, { name: 'x', identity: identity(within.length - 1).value }), false);
    assert.equal(mayAct(text!, { name: 'x', identity: identity(within.length).value }), true);
  });

  test('that is taken by other policies refuses nothing and names all', () => {
    assert.deepEqual(fitDocument(leases(2), 50), { text: undefined, within: [], beyond: ['lease-0', 'lease-1'] });
  });
});

describe('the record of what a role refuses', () => {
  const record = newDenyRecord('arn:aws:iam::222222222222:role/deploy');
  const entry = (value: string, until: number): DenyEntry => ({ marks: [{ by: 'identity', value }], until });

  test('counts a change once, and none when a lease is in it already', () => {
    const one = withEntries(record, { a: entry('a', 10) });
    assert.equal(withEntries(one, { a: entry('other', 99) }), one);
    const two = withEntries(one, { a: entry('other', 99), b: entry('b', 20) });
    assert.deepEqual([one.revision, two.revision, nextEnd(two)], [1, 2, 10]);
    assert.deepEqual(Object.keys(two.entries), ['a', 'b']);
  });

  test('lets one node write at a time, and another once the first is silent', () => {
    const held = claimedBy(record, 'first', 0, 100)!;
    assert.equal(claimedBy(held, 'second', 99, 200), undefined);
    assert.equal(claimedBy(held, 'first', 99, 200)?.writer?.until, 200);
    const taken = claimedBy(held, 'second', 100, 200)!;
    assert.equal(taken.writer?.name, 'second');
    assert.equal(releasedBy(taken, 'first', null).writer?.name, 'second');
    assert.equal(releasedBy(taken, 'second', null).writer, null);
  });

  test('is shown only when AWS held its last change, though one came while it was written', () => {
    const one = withEntries(record, { a: entry('a', 10) });
    const meanwhile = withEntries(claimedBy(one, 'n', 0, 100)!, { b: entry('b', 20) });
    const released = releasedBy(meanwhile, 'n', one.revision);
    assert.equal(isShown(released), false);
    assert.equal(isShown(releasedBy(released, 'n', meanwhile.revision)), true);
    assert.equal(isShown(releasedBy(releasedBy(released, 'n', meanwhile.revision), 'n', one.revision)), true);
  });

  test('loses a session when it has run out, which is a change to be shown', () => {
    const two = withEntries(record, { a: entry('a', 10), b: entry('b', 20) });
    assert.equal(withoutEnded(two, 9), two);
    const left = withoutEnded(two, 10);
    assert.deepEqual([Object.keys(left.entries), left.revision], [['b'], 2]);
    assert.equal(nextEnd(withoutEnded(left, 20)), undefined);
  });
});
