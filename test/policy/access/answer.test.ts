// The three-valued answer against the evaluator: under full contexts both agree, and under partial ones the answer
// holds for every completion.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  evaluate,
  preparePrincipal,
  type AttachedPolicy,
  type AuthorizationRequest,
} from '../../../src/policy/index.ts';
import { answerOf, type OpenRequest } from '../../../src/policy/access/answer.ts';
import { hedgePolicy, HedgedStatement, type PartialContext } from '../../../src/policy/access/hedge.ts';
import { asked, engineRequest } from '../generated.ts';

const seed = 20261128;

const hedged = (attached: AttachedPolicy): AttachedPolicy => ({ ...attached, policy: hedgePolicy(attached.policy) });
const levels = (given: readonly (readonly AttachedPolicy[])[]): AttachedPolicy[][] => given.map((it) => it.map(hedged));

/** The request as a question: the same policies, hedged, and only what `context` tells. */
function questionOf(request: AuthorizationRequest, context: PartialContext): OpenRequest {
  const { identity, boundary, session, scps } = request.policies.source;
  const { policy, rcps } = request.resource;
  return {
    ...request,
    context,
    policies: preparePrincipal({
      identity: identity.map(hedged),
      boundary: boundary && hedged(boundary),
      session: session?.map(hedged),
      scps: levels(scps),
    }),
    resource: {
      ...request.resource,
      policy: policy && { ...policy, attached: hedged(policy.attached) },
      rcps: levels(rcps),
    },
    endpoint: request.endpoint && hedged(request.endpoint),
  };
}

test('with the whole context given the answer is that of the evaluator', () => {
  const count = { allowed: 0, denied: 0 };
  fc.assert(
    fc.property(asked, (naive) => {
      const request = engineRequest(naive);
      const answer = answerOf(questionOf(request, { known: request.context, isAbsent: () => true }));
      const decision = evaluate(request);
      assert.equal(answer.answer, decision.decision === 'allow' ? 'allowed' : 'denied');
      if (decision.decision === 'deny' && !decision.explicit && 'missing' in answer) {
        assert.equal(answer.missing, decision.missing);
      }
      count[answer.answer] += 1;
    }),
    { seed, numRuns: 2000 },
  );
  assert.ok(count.allowed > 150 && count.denied > 150, JSON.stringify(count));
});

test('with a part of the context left out the answer holds for the context it was cut from', () => {
  const count = { allowed: 0, denied: 0, depends: 0 };
  fc.assert(
    fc.property(asked, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (naive, kept) => {
      const request = engineRequest(naive);
      const known = new Map([...request.context].filter((_, index) => kept[index] ?? true));
      const cut = new Set([...request.context.keys()].filter((key) => !known.has(key)));
      // Keys that the full context lacks may be told as absent, or stay unknown: both are true of it.
      const isAbsent = (key: string): boolean => !cut.has(key) && kept[key.length % 12]!;
      const answer = answerOf(questionOf(request, { known, isAbsent }));
      const { decision } = evaluate(request);
      if (answer.answer === 'allowed') assert.equal(decision, 'allow');
      if (answer.answer === 'denied') assert.equal(decision, 'deny');
      if (answer.answer === 'depends') {
        assert.ok(answer.needs.length > 0);
        for (const need of answer.needs) {
          for (const { attached, index } of 'unless' in need ? [need.unless] : need.oneOf) {
            const statement = attached.policy.statements[index] as HedgedStatement;
            assert.ok(statement.unknownKeys({ known, isAbsent }).length > 0);
          }
          if ('oneOf' in need) assert.ok(need.oneOf.length > 0);
        }
      }
      count[answer.answer] += 1;
    }),
    { seed, numRuns: 4000 },
  );
  assert.ok(count.allowed > 150 && count.denied > 150 && count.depends > 150, JSON.stringify(count));
});

test('an answer that depends on one key is decided both ways by some of its values, mostly', () => {
  let depends = 0;
  let flipped = 0;
  fc.assert(
    fc.property(asked, fc.nat(11), (naive, index) => {
      const request = engineRequest(naive);
      const key = [...request.context.keys()][index % Math.max(1, request.context.size)];
      if (key === undefined) return;
      const known = new Map([...request.context].filter(([name]) => name !== key));
      const answer = answerOf(questionOf(request, { known, isAbsent: (name) => name !== key }));
      if (answer.answer !== 'depends') return;
      depends += 1;
      const tries = [
        'a',
        'A',
        'b',
        '',
        '1',
        '5',
        'true',
        'false',
        '10.1.1.1',
        '2027-01-01T00:00:00Z',
        'arn:aws:s:::xy',
        'alice',
        '?',
      ];
      const outcomes = new Set(
        [undefined, request.context.get(key)!, ...tries].map((value) => {
          const context = new Map(known);
          if (value !== undefined) context.set(key, value);
          return evaluate({ ...request, context }).decision;
        }),
      );
      if (outcomes.size === 2) flipped += 1;
    }),
    { seed, numRuns: 4000 },
  );
  assert.ok(depends > 20 && flipped > depends * 0.5, `${flipped} of ${depends}`);
});
