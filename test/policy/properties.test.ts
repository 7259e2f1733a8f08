// What must hold for every request, and agreement with an evaluator written naively.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  canonicalPolicy,
  compilePolicy,
  evaluate,
  explain,
  parsePolicy,
  renderTrace,
  type Decision,
  type DocumentKind,
} from '../../src/policy/index.ts';
import { actionPatterns, anyLevel, anyPolicy, asked, denial, engineRequest } from './generated.ts';
import { naive, type NaiveDocument, type NaiveRequest } from './naive.ts';

const seed = 20261124;
const check = (runs: number, property: fc.IRawProperty<unknown>): void =>
  void fc.assert(property, { seed, numRuns: runs });

function told(decision: Decision): string {
  if (decision.decision === 'allow') return 'allow';
  return decision.explicit ? `deny ${decision.by.policyType}` : `no ${decision.missing}`;
}

const decide = (request: NaiveRequest): Decision => evaluate(engineRequest(request));
const allowed = (request: NaiveRequest): boolean => decide(request).decision === 'allow';

test('the engine agrees with an evaluator written naively, to the policy type that decides', () => {
  const seen = new Map<string, number>();
  check(
    2000,
    fc.property(asked, (request) => {
      const answer = told(decide(request));
      seen.set(answer, (seen.get(answer) ?? 0) + 1);
      assert.equal(answer, naive(request));
    }),
  );
  // Each answer must have come up, else the alphabet is too poor to prove anything.
  for (const type of ['identity', 'boundary', 'session', 'resource', 'trust', 'scp', 'rcp', 'endpoint']) {
    assert.ok((seen.get(`deny ${type}`) ?? 0) > 0, `deny ${type}`);
    assert.ok((seen.get(`no ${type}`) ?? 0) > 0, `no ${type}`);
  }
  assert.ok(seen.get('allow')! > 150, `${seen.get('allow')} allowed`);
});

test('adding a Deny never allows, in whatever policy', () => {
  const place = fc.constantFrom('identity', 'boundary', 'session', 'scp');
  check(
    300,
    fc.property(asked, denial, place, (request, statement, where) => {
      const add = (document: NaiveDocument): NaiveDocument => ({
        ...document,
        Statement: [...document.Statement, statement],
      });
      const more: NaiveRequest = {
        ...request,
        identity: where === 'identity' ? request.identity.map(add) : request.identity,
        boundary: where === 'boundary' ? request.boundary && add(request.boundary) : request.boundary,
        session: where === 'session' ? request.session?.map(add) : request.session,
        scps: where === 'scp' ? request.scps.map((level) => level.map(add)) : request.scps,
      };
      assert.ok(allowed(request) || !allowed(more));
    }),
  );
});

test('adding a boundary, a level of SCPs or a session policy never allows', () => {
  check(
    300,
    fc.property(asked, anyPolicy, anyLevel, (request, policy, level) => {
      // A federated user has nothing without a session policy, so for it the first one does allow.
      const first = request.principal.type === 'FederatedUser' && request.session === undefined;
      const added: NaiveRequest[] = [
        { ...request, scps: [...request.scps, level] },
        ...(request.boundary === undefined ? [{ ...request, boundary: policy }] : []),
        ...(request.session === undefined && !first ? [{ ...request, session: [policy] }] : []),
      ];
      for (const more of added) assert.ok(allowed(request) || !allowed(more));
    }),
  );
});

test('the order of statements and policies never matters', () => {
  const turned = (document: NaiveDocument): NaiveDocument => ({
    ...document,
    Statement: document.Statement.toReversed(),
  });
  check(
    300,
    fc.property(asked, (request) => {
      const other: NaiveRequest = {
        ...request,
        identity: request.identity.map(turned).toReversed(),
        boundary: request.boundary && turned(request.boundary),
        session: request.session?.map(turned).toReversed(),
        scps: request.scps.map((level) => level.map(turned).toReversed()),
        rcps: request.rcps.map((level) => level.map(turned).toReversed()),
        resourcePolicy: request.resourcePolicy && turned(request.resourcePolicy),
      };
      assert.equal(told(decide(request)), told(decide(other)));
    }),
  );
});

test('NotAction is the complement of Action, NotResource of Resource', () => {
  const document = (statement: object): NaiveDocument => ({ Statement: [{ Effect: 'Allow', ...statement }] });
  check(
    300,
    fc.property(asked, fc.array(fc.constantFrom(...actionPatterns), { minLength: 1 }), (request, patterns) => {
      const ask = (statement: object): boolean =>
        compilePolicy(JSON.stringify(document(statement)), 'identity').statementsFor(request.action).length > 0;
      assert.notEqual(ask({ Action: patterns, Resource: '*' }), ask({ NotAction: patterns, Resource: '*' }));
      const arn = request.resource;
      const covers = (statement: object): boolean =>
        compilePolicy(JSON.stringify(document(statement)), 'identity').statements[0]!.coversResource(arn, new Map());
      const resources = ['arn:aws:s:::x*', 'arn:aws:s:::?'];
      assert.notEqual(covers({ Action: '*', Resource: resources }), covers({ Action: '*', NotResource: resources }));
    }),
  );
});

test('an explanation carries the decision of the evaluator and can always be shown', () => {
  check(
    300,
    fc.property(asked, (given) => {
      const request = engineRequest(given);
      const trace = explain(request);
      const decision = evaluate(request);
      assert.equal(trace.decision, decision.decision);
      const deciding = trace.policies.flatMap((policy) => policy.statements).filter((statement) => statement.decides);
      assert.ok(deciding.every((statement) => statement.applies));
      assert.match(renderTrace(trace), /\ncure: \S/);
    }),
  );
});

test('documents that differ only in order and spelling have one canonical form', () => {
  check(
    300,
    fc.property(asked, (request) => {
      for (const document of request.identity) {
        const respelled = {
          Statement: document.Statement.toReversed().map((each) => ({
            ...each,
            Sid: '',
            ...(each.Action === undefined
              ? {}
              : {
                  Action: [each.Action]
                    .flat()
                    .map((action) => action.toUpperCase())
                    .reverse(),
                }),
          })),
          ...(document.Version === undefined ? {} : { Version: document.Version }),
        };
        const one = compilePolicy(JSON.stringify(document), 'identity');
        const two = compilePolicy(JSON.stringify(respelled, null, 2), 'identity');
        assert.equal(canonicalPolicy(one), canonicalPolicy(two));
      }
    }),
  );
});

test('no text whatever makes the parser throw or accept without a policy', () => {
  const kinds = fc.constantFrom<DocumentKind>('identity', 'trust', 'resource', 'scp', 'rcp', 'session');
  const names = fc.constantFrom(
    'Version',
    'Id',
    'Statement',
    'Sid',
    'Effect',
    'Principal',
    'NotPrincipal',
    'Action',
    'NotAction',
    'Resource',
    'Condition',
    'StringEquals',
    'AWS',
    '__proto__',
    'constructor',
    'toString',
  );
  const leaf = fc.oneof(
    fc.constantFrom<unknown>('2012-10-17', 'Allow', '*', 's3:Get*', 'arn:aws:s3:::x', null, true, 7, ''),
    fc.string(),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(names, tie('tree'), { maxKeys: 5 }),
    ),
  }));
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('{', '[[', '"\\u00', '{"a":', '-', '1e'),
    tree.map((value) => JSON.stringify(value)),
  );
  check(
    1000,
    fc.property(text, kinds, (given, kind) => {
      const { policy, problems } = parsePolicy(given, kind);
      assert.equal(policy === undefined, problems.length > 0);
      for (const problem of problems) {
        assert.ok(problem.line >= 1 && problem.column >= 1);
        assert.match(problem.path, /^\$/);
        assert.match(problem.awsMessage, /\S/);
      }
    }),
  );
});
