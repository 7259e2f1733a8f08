// sys/policies, sys/policy and sys/capabilities: Vault's policies, with its shapes.
import type { Access } from '../access.ts';
import { done, enveloped, envelopedTwice, param, served, tokenOf, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import { readFields } from '../fields.ts';
import type { Handlers } from '../pipeline.ts';
import type { Policies } from '../policies.ts';

export interface PolicyParts {
  readonly access: Access;
  readonly policies: Policies;
}

type Names = 'policies' | 'policy' | 'oldPolicies' | 'oldPolicy' | 'capabilities';

export function policyHandlers(parts: PolicyParts): Pick<Handlers, Names> {
  const { policies, access } = parts;
  return {
    policies: served('List the policies.', {}, async (call) => {
      const names = await policies.names();
      return envelopedTwice(call, { keys: names, policies: names });
    }),
    oldPolicies: served('List the policies.', {}, async (call) => {
      const names = await policies.names();
      return envelopedTwice(call, { keys: names, policies: names });
    }),
    policy: served('A policy.', { name: 'string', policy: 'string', rules: 'string' }, async (call) => {
      if (call.operation !== 'read') return changePolicy(policies, call);
      const name = param(call, 'name');
      return enveloped(call, { data: { name: name.toLowerCase(), policy: await policyText(policies, name) } });
    }),
    oldPolicy: served('A policy.', { name: 'string', policy: 'string', rules: 'string' }, async (call) => {
      if (call.operation !== 'read') return changePolicy(policies, call);
      const name = param(call, 'name');
      return envelopedTwice(call, { name: name.toLowerCase(), rules: await policyText(policies, name) });
    }),
    capabilities: served('What the token may do on paths.', { paths: 'list', path: 'list' }, async (call) => {
      const { paths, path } = readFields({ paths: 'list', path: 'list' }, call.body);
      const asked = paths ?? path ?? [];
      if (asked.length === 0) throw brokerFailure('bad-request', 'paths must be supplied');
      const found = await Promise.all(
        asked.map(async (one) => [one, await access.capabilities(tokenOf(call), one)] as const),
      );
      const data = Object.fromEntries(found) as Record<string, readonly string[]>;
      return envelopedTwice(call, asked.length === 1 ? { ...data, capabilities: found[0]![1] } : data);
    }),
  };
}

async function policyText(policies: Policies, name: string): Promise<string> {
  const text = await policies.text(name);
  if (text === undefined) throw brokerFailure('not-found', '');
  return text;
}

async function changePolicy(policies: Policies, call: Call): Promise<Answer> {
  const name = param(call, 'name');
  if (call.operation === 'delete') {
    await policies.delete(name);
    return done();
  }
  const { policy, rules } = readFields({ policy: 'string', rules: 'string' }, call.body);
  const text = policy ?? rules;
  if (text === undefined || text === '') throw brokerFailure('bad-request', "'policy' parameter not supplied or empty");
  await policies.write(name, decodeBase64Policy(text));
  return done();
}

// Vault takes the text plain or in base64; a policy's text always has a character base64 has not.
function decodeBase64Policy(text: string): string {
  return /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) ? Buffer.from(text, 'base64').toString('utf8') : text;
}
